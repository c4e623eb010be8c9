/**
 * kill() of a tree with a member in the leader's group that may not be signalled:
 * a call for the group succeeds all the same, and says nothing of it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { lineageObstacle } from "../../../posix/containment/owner.ts";
import { denoArgs } from "../../fixtures/deno.ts";
import { until } from "../../fixtures/deadline.ts";
import { readableDeno } from "../../fixtures/other_user.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import { findProgram } from "../../real/place.ts";

const SETPRIV = findProgram("setpriv");
// Files with the set-user-ID bit are root's.
const ignore = Deno.build.os !== "linux" || lineageObstacle() !== "" ||
  Deno.uid() !== 0 || SETPRIV === null;

const PROGRAM = `
const [mod, script] = Deno.args;
const { Command, SurvivorsError } = await import(mod);
const child = new Command("sh", {
  args: ["-c", script],
  stdin: "null",
  stdout: "piped",
  stderr: "null",
}).spawn();
await child.ready({ line: "up" });
try {
  child.kill("SIGKILL");
  console.log("[]");
} catch (error) {
  if (!(error instanceof SurvivorsError)) throw error;
  console.log(JSON.stringify(error.survivors.map(({ pid }) => pid)));
}
Deno.exit();
`;

/** Whom kill() names, and who lives after it; of the tree of an ordinary user. */
async function killOf(
  start: (setpriv: string, marker: string) => string,
): Promise<{ named: number[]; left: number[] }> {
  const marker = newMarker();
  const copy = await readableDeno();
  const setpriv = `${copy.folder}/setpriv`;
  const living = () => processesWith(`sleep ${marker}`);
  try {
    await Deno.copyFile(SETPRIV!, setpriv);
    await Deno.chmod(setpriv, 0o4755);
    await Deno.writeTextFile(`${copy.folder}/program.ts`, PROGRAM);
    const program = denoArgs(`${copy.folder}/program.ts`, [
      copy.mod,
      start(setpriv, marker),
    ]);
    const { stdout } = await new Deno.Command(SETPRIV!, {
      // deno-fmt-ignore
      args: ["--reuid=65534", "--regid=65534", "--clear-groups", copy.path, ...program],
      env: { HOME: copy.folder, DENO_DIR: `${copy.folder}/cache` },
      cwd: copy.folder,
      stdin: "null",
      stderr: "inherit",
    }).output();
    return {
      named: JSON.parse(new TextDecoder().decode(stdout)),
      left: living().map(({ pid }) => pid),
    };
  } finally {
    for (const { pid } of living()) Deno.kill(pid, "SIGKILL");
    await until(
      () => copy.remove().then(() => true, () => false),
      "an empty folder",
    );
  }
}

Deno.test({
  name: "kill() names the member of the leader's group that it may not signal",
  ignore,
  async fn() {
    const { named, left } = await killOf((setpriv, marker) =>
      `${setpriv} --reuid=0 sh -c 'echo up; exec sleep ${marker}' & wait`
    );
    assertEquals(left.length, 1);
    assertEquals(named, left);
  },
});

Deno.test({
  name: "kill() names such a member among several that stands still",
  ignore,
  async fn() {
    // It has stopped itself: nothing has to be sent to it before the group is ended.
    // With the group orphaned the kernel sends SIGHUP and SIGCONT, see _exit(2).
    const { named, left } = await killOf((setpriv, marker) =>
      `for i in 1 2 3 4; do sleep 7200 & done
      ${setpriv} --reuid=0 sh -c 'trap "" HUP; kill -STOP $$; exec sleep ${marker}' "sleep ${marker}" &
      until grep -q '^State:.T' /proc/$!/status; do :; done; echo up; wait`
    );
    assertEquals(left.length, 1);
    assertEquals(named, left);
  },
});

Deno.test({
  name: "kill() names nobody where every member may be signalled",
  ignore,
  async fn() {
    const { named, left } = await killOf((_, marker) =>
      `sh -c 'echo up; exec sleep ${marker}' & wait`
    );
    assertEquals(named, []);
    assertEquals(left, []);
  },
});
