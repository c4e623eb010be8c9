/** The guard's script, with a made-up `/proc`. */

import { assertEquals } from "@std/assert";
import { GUARD_SCRIPT } from "../../posix/guard_script.ts";
import { within } from "../fixtures/deadline.ts";

const ignore = Deno.build.os !== "linux";
const PATTERN = "^Max file locks +75[0-9]{17} ";
const GLOB = `75${"?".repeat(17)}`;
const LIMITS =
  "Limit                     Soft Limit           Hard Limit           Units\n" +
  `Max file locks            75${"1".repeat(17)}  unlimited            locks\n`;
// Beyond every number that a system gives: nobody can be hit.
const PID = "99999999";

function statOf(state: string): string {
  return `${PID} (x) ${state} 1 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99\n`;
}

/** Runs the script over one process with this stat file; whether it called its second stage. */
async function callsSecondStage(stat: string | null): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  const called = `${folder}/called`;
  try {
    await Deno.mkdir(`${folder}/${PID}`);
    await Deno.writeTextFile(`${folder}/loadavg`, "0.1 0.1 0.1 1/9 100\n");
    await Deno.writeTextFile(`${folder}/${PID}/limits`, LIMITS);
    if (stat !== null) await Deno.writeTextFile(`${folder}/${PID}/stat`, stat);
    const script = GUARD_SCRIPT.replaceAll("/proc/", `${folder}/`);
    // deno-fmt-ignore
    const guard = new Deno.Command("/bin/sh", {
      args: ["-c", script, "guard", PATTERN, GLOB, "touch", called],
      stdin: "null",
      stderr: "null",
    });
    await within(guard.output(), "the script's end");
    return await Deno.stat(called).then(() => true, () => false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name:
    "the guard does not come to rest while who is found is gone at the next look",
  ignore,
  async fn() {
    assertEquals(await callsSecondStage(null), true);
  },
});

Deno.test({
  name: "a zombie is a reason to look again once",
  ignore,
  async fn() {
    assertEquals(await callsSecondStage(statOf("Z")), false);
  },
});

Deno.test({
  name: "who lives on although it was killed is a case for the second stage",
  ignore,
  async fn() {
    assertEquals(await callsSecondStage(statOf("S")), true);
  },
});
