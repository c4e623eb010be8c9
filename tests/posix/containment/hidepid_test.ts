/**
 * A /proc that hides the processes of other users (hidepid, see proc(5)): what a
 * program with the set-user-ID bit has started cannot be seen, and the report of a
 * stop does not say that nothing is left.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { lineageObstacle } from "../../../posix/containment/owner.ts";
import { until } from "../../fixtures/deadline.ts";
import { readableDeno } from "../../fixtures/other_user.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";

// Mounts, and files with the bit, are root's.
const ignore = Deno.build.os !== "linux" || lineageObstacle() !== "" ||
  Deno.uid() !== 0;

const PROGRAM = `
const [mod, script] = Deno.args;
const { Command } = await import(mod);
const child = new Command("sh", {
  args: ["-c", script],
  stdin: "null",
  stdout: "piped",
  stderr: "null",
}).spawn();
await child.ready({ line: "up" });
const { survivors, unproven } = await child.stop({ grace: 0 });
console.log(JSON.stringify([survivors, unproven]));
`;

/** What an ordinary user's stop says, and how many of the tree are left. */
async function stopBelow(
  mount: string,
  start: (shell: string, marker: string) => string,
): Promise<{ said: [number | null, string | null]; left: number }> {
  const marker = newMarker();
  const copy = await readableDeno();
  const shell = `${copy.folder}/shell`;
  try {
    await Deno.copyFile(await Deno.realPath("/bin/sh"), shell);
    await Deno.chmod(shell, 0o4755);
    await Deno.writeTextFile(`${copy.folder}/program.ts`, PROGRAM);
    const { stdout, stderr } = await new Deno.Command("unshare", {
      // deno-fmt-ignore
      args: ["--mount", "sh", "-c", `${mount} && exec "$@"`, "sh",
        "setsid", "--wait", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        "env", `HOME=${copy.folder}`, copy.path, "run", "-A", "--no-lock",
        "--no-check", "--quiet", `${copy.folder}/program.ts`, copy.mod,
        start(shell, marker)],
      cwd: copy.folder,
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    assertMatch(text, /^\[/, new TextDecoder().decode(stderr));
    return { said: JSON.parse(text), left: processesWith(marker).length };
  } finally {
    for (const { pid } of processesWith(marker)) Deno.kill(pid, "SIGKILL");
    await until(
      () => copy.remove().then(() => true, () => false),
      "an empty folder",
    );
  }
}

const HIDES = "mount -t proc -o hidepid=2 proc /proc";

// A daemon that is root's by its program, as below sudo, and says when it is there.
const privileged = (shell: string, marker: string) =>
  `setsid -f ${shell} -p -c 'echo up; while sleep 1; do :; done; : ${marker}'; sleep 7200`;
const plain = (_: string, marker: string) =>
  `setsid -f sh -c 'echo up; while sleep 1; do :; done; : ${marker}'; sleep 7200`;

Deno.test({
  name: "a member that /proc hides: it is not said that nothing is left",
  ignore,
  async fn() {
    const { said, left } = await stopBelow(HIDES, privileged);
    assertEquals(left > 0, said[0] === null, JSON.stringify(said));
    if (left > 0) {
      assertMatch(said[1] as string, /hidden by \/proc \(hidepid\)/);
    }
  },
});

Deno.test({
  name: "the same member is seen and ended where /proc hides nothing",
  ignore,
  async fn() {
    const { said, left } = await stopBelow("true", privileged);
    assertEquals([said, left], [[0, null], 0]);
  },
});

Deno.test({
  name: "where nothing of the tree is hidden, 0 is said with hidepid too",
  ignore,
  async fn() {
    const { said, left } = await stopBelow(HIDES, plain);
    assertEquals([said, left], [[0, null], 0]);
  },
});
