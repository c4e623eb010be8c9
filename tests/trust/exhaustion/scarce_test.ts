/** Starting trees with a few descriptors, without processes. */

import { assert, assertEquals } from "@std/assert";
import { until, within } from "../../fixtures/deadline.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import { readableDeno } from "../../fixtures/other_user.ts";
import { IS_ROOT } from "./place.ts";

const SCRIPT = import.meta.resolve("./scarce.ts");
const ignore = Deno.build.os !== "linux";

interface Said {
  readonly answers: readonly unknown[];
  readonly more: number;
}

async function run(
  resource: string,
  free: number,
  prefix: readonly string[],
  deno: string,
  script: string,
): Promise<{ said: string; told: string }> {
  const marker = newMarker();
  // deno-fmt-ignore
  const argv = [...prefix, deno, "run", "--quiet", "--no-config", "--no-lock", "-A",
    script, resource, String(free), marker];
  const { stdout, stderr } = await within(
    new Deno.Command(argv[0] as string, {
      args: argv.slice(1),
      stdin: "null",
    }).output(),
    "the host",
  );
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  await until(() => processesWith(marker).length === 0, "the tree's end");
  return { said: decode(stdout), told: decode(stderr) };
}

async function scarce(
  resource: string,
  free: number,
  prefix: readonly string[] = [],
  deno = Deno.execPath(),
  script = SCRIPT,
): Promise<Said> {
  const { said, told } = await run(resource, free, prefix, deno, script);
  assert(said.startsWith("{"), told);
  return JSON.parse(said);
}

// The guard's pipe, epoll, eventfd, /proc/loadavg, the reserve, and what Deno
// opens for its first signal listener.
const KEPT = 12;

Deno.test({
  name:
    "with 0 to 16 descriptors left a tree is ended, or the error names the call",
  ignore,
  async fn() {
    const prefix = ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"];
    const outcomes: unknown[] = [];
    for (let free = 0; free <= 16; free++) {
      const { answers, more } = await scarce("descriptors", free, prefix);
      const [tree, run, again, output] = answers;
      for (const one of [tree, run]) {
        const fine = one === 0 ||
          /^(pipe2|posix_spawn|epoll_create1|eventfd|fcntl): /.test(
            String(one),
          );
        assert(fine, `${free} left: ${one}`);
      }
      assertEquals([again, output], [0, 0]);
      assert(more <= KEPT, `${free} left: ${more} descriptors more`);
      outcomes.push(tree);
    }
    // Both happen: none is enough for a pipe, sixteen are for everything.
    assert(String(outcomes[0]).includes("Too many open files"));
    assertEquals(outcomes.at(-1), 0);
  },
});

Deno.test({
  name: "without processes the error names the limit, and nothing was started",
  ignore: !IS_ROOT, // The limit does not bind root, so somebody else is needed.
  async fn() {
    const copy = await readableDeno();
    try {
      const script = `${copy.folder}/library/scarce.ts`;
      const text = await Deno.readTextFile(new URL(SCRIPT));
      await Deno.writeTextFile(
        script,
        text.replace("../../../mod.ts", "./mod.ts"),
      );
      // deno-fmt-ignore
      const prefix = ["setpriv", "--reuid=64999", "--regid=64999", "--clear-groups",
        "env", `HOME=${copy.folder}`];
      const { answers } = await scarce(
        "processes",
        0,
        prefix,
        copy.path,
        script,
      );
      const [tree, run, again, output] = answers;
      for (const one of [tree, run]) {
        assert(String(one).includes("the limit on processes"), String(one));
        assert(String(one).startsWith("posix_spawn: "), String(one));
      }
      assertEquals([again, output], [0, 0]);
    } finally {
      await copy.remove();
    }
  },
});

Deno.test({
  name: "without memory nobody is left, whatever becomes of this process",
  ignore,
  async fn() {
    // V8 ends the process as soon as it is refused memory, and now and then its
    // threads wait for each other instead.
    const prefix = ["timeout", "-s", "KILL", "20"];
    for (const kib of [0, 64, 1024, 65_536]) {
      await run("memory", kib, prefix, Deno.execPath(), SCRIPT);
    }
  },
});
