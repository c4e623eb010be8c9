/** `noLeftovers()`: what a test leaves is named, and ended. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Command, LeftoversError, noLeftovers } from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

// Windows names a left process by its image alone, and the helper of a console like
// a child (docs/platforms.md).
const ignore = Deno.build.os === "windows";

const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

/** Runs something in a scope; the error at its end. */
async function errorOf(
  leave: () => void | Promise<void>,
): Promise<LeftoversError> {
  return await assertRejects(async () => {
    await using _ = noLeftovers();
    await leave();
  }, LeftoversError);
}

Deno.test("a scope that leaves nothing ends without an error", async () => {
  await using _ = noLeftovers();
  await new Command(denoPath(), { args: evalArgs("") }).output();
  await new Deno.Command(denoPath(), { args: evalArgs("") }).output();
  await using child = new Command(denoPath(), {
    args: evalArgs("setInterval(() => {}, 1000)"),
    ...QUIET,
  }).spawn();
  await child.stop({ grace: 0 });
});

Deno.test(
  "a tree that is left is named with its command lines and the place of its spawn, and ended",
  { ignore },
  async () => {
    await using roll = new RollCall();
    const error = await errorOf(async () => {
      new Command(denoPath(), { args: roll.args("child"), ...QUIET }).spawn();
      const child = await roll.member("child");
      await child.spawn("daemon", { detached: true });
    });
    await within((await roll.member("child")).gone, "the end of the child");
    await roll.assertGone();
    const pids = error.leftovers.map(({ pid }) => pid).sort();
    const expected = [await roll.member("child"), await roll.member("daemon")];
    assertEquals(pids, expected.map(({ pid }) => pid).sort());
    for (const { command, by, stack } of error.leftovers) {
      assertStringIncludes(command, roll.marker);
      assertEquals(by, "Command");
      // The first frame is the caller's, not one of this package.
      assertStringIncludes(stack?.split("\n")[0] ?? "", "leftovers_test.ts");
    }
    assertStringIncludes(error.message, roll.marker);
    assertStringIncludes(error.message, "leftovers_test.ts");
  },
);

Deno.test(
  "a child of Deno.Command is named with the place of its spawn, and ended",
  { ignore },
  async () => {
    await using roll = new RollCall();
    const spawn = Deno.Command.prototype.spawn;
    let child: Deno.ChildProcess | undefined;
    const error = await errorOf(async () => {
      child = new Deno.Command(denoPath(), {
        args: roll.args("child"),
        ...QUIET,
      })
        .spawn();
      await roll.member("child");
    });
    await child?.status;
    await roll.assertGone();
    assertEquals(error.leftovers.length, 1);
    const [left] = error.leftovers;
    assertEquals([left?.pid, left?.by], [child?.pid, "Deno.Command"]);
    assertStringIncludes(left?.stack ?? "", "leftovers_test.ts");
    assertEquals(Deno.Command.prototype.spawn, spawn);
  },
);

Deno.test("a child whose output() was not awaited is named", async () => {
  await using roll = new RollCall();
  let output: Promise<unknown> | undefined;
  const error = await errorOf(async () => {
    output = new Deno.Command(denoPath(), { args: roll.args("child") })
      .output();
    await roll.member("child");
  });
  const child = await roll.member("child");
  assertEquals(error.leftovers.map(({ pid }) => pid), [child.pid]);
  await child.exit();
  await output;
});

Deno.test("what was there before the scope is not its concern", async () => {
  await using roll = new RollCall();
  await using _ours = new Command(denoPath(), {
    args: roll.args("ours"),
    grace: 0,
    ...QUIET,
  }).spawn();
  const theirs = new Deno.Command(denoPath(), {
    args: roll.args("theirs"),
    ...QUIET,
  }).spawn();
  const members = [await roll.member("ours"), await roll.member("theirs")];
  {
    await using _ = noLeftovers({ patience: 0 });
  }
  for (const member of members) await member.answers();
  await members[1]?.exit();
  await theirs.status;
});

Deno.test("an inner scope does not take what the outer one has started for its own", async () => {
  await using roll = new RollCall();
  const error = await errorOf(async () => {
    new Command(denoPath(), { args: roll.args("outer"), ...QUIET }).spawn();
    await roll.member("outer");
    {
      await using _ = noLeftovers({ patience: 0 });
    }
    await (await roll.member("outer")).answers();
  });
  assertEquals(error.leftovers.length, 1);
});

Deno.test("what is just ending is waited for", async () => {
  await using _ = noLeftovers({ patience: 60_000 });
  const child = new Command(denoPath(), {
    args: evalArgs("setInterval(() => {}, 1000)"),
    ...QUIET,
  }).spawn();
  child.kill("SIGKILL");
  // Not awaited before the end of the scope: only its end is.
});

Deno.test("a patience that is no duration is refused", () => {
  assertThrows(() => noLeftovers({ patience: -1 }), RangeError);
});

Deno.test({
  name: "noLeftoversInTests() fails the test that leaves something, no other",
  ignore: ignore || Deno.test.afterEach === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const mod = import.meta.resolve("../../mod.ts");
      await Deno.writeTextFile(
        `${folder}/x_test.ts`,
        `import { Command, noLeftoversInTests } from ${JSON.stringify(mod)};
noLeftoversInTests();
const args = ["eval", "setInterval(() => {}, 1000)", "left-by-the-test"];
Deno.test("clean before", () => {});
Deno.test("leaves", () => { new Command(Deno.execPath(), { args, stdin: "null", stdout: "null" }).spawn(); });
Deno.test("clean after", () => {});
`,
      );
      const { stdout, code } = await new Deno.Command(denoPath(), {
        args: ["test", "-A", "--no-lock", "--no-check", "--quiet", folder],
        env: { NO_COLOR: "1" },
      }).output();
      const said = new TextDecoder().decode(stdout);
      assert(code !== 0, said);
      assert(/clean before \.\.\. ok/.test(said), said);
      assert(/clean after \.\.\. ok/.test(said), said);
      assert(/leaves \.\.\. FAILED/.test(said), said);
      assertStringIncludes(said, "left-by-the-test");
      assertStringIncludes(said, "x_test.ts:5");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
