/** A program that was bundled into one file with the library: its guard is in that file, too. */

import { assertEquals } from "@std/assert";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { RollCall } from "../fixtures/roll_call.ts";

const MEMBER = new URL("../fixtures/member.ts", import.meta.url);

/** Bundles; why not, or `""`. Deno fetches esbuild from npm for it. */
async function bundle(source: URL, target: string): Promise<string> {
  const { success, stderr } = await new Deno.Command(denoPath(), {
    args: ["bundle", "--quiet", "--no-config", "--output", target, source.href],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
  }).output();
  if (success) return "";
  const said = new TextDecoder().decode(stderr).trim();
  if (/bundle.*(removed|deprecated)|unrecognized subcommand/is.test(said)) {
    return "this Deno has no bundle";
  }
  if (/error sending request|esbuild/is.test(said)) return "no esbuild here";
  throw new Error(`deno bundle: ${said}`);
}

Deno.test("the tree of a bundled program ends when that is killed", async (t) => {
  const folder = await Deno.makeTempDir();
  try {
    const program = `${folder}/program.js`;
    const obstacle = await bundle(MEMBER, program);
    await t.step({
      name: obstacle === "" ? "it does" : obstacle,
      ignore: obstacle !== "",
      async fn() {
        await using roll = new RollCall();
        const args = roll.args("host").map((one) =>
          one === MEMBER.href || one === MEMBER.pathname ? program : one
        );
        assertEquals(args.includes(program), true);
        const host = new Deno.Command(denoPath(), {
          args,
          stdin: "null",
          stdout: "null",
          stderr: "null",
        }).spawn();
        const member = await roll.member("host");
        const child = await member.spawn("child", { withLibrary: true });
        const grandchild = await child.spawn("grandchild", { detached: true });
        host.kill("SIGKILL");
        await host.status;
        for (const one of [child, grandchild]) {
          await within(one.gone, "the end of the tree", 10_000);
        }
        await roll.assertGone();
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
