/** A tree that has left no process for any other ends with its parent all the same. */

import { assertEquals } from "@std/assert";
import { Command } from "../../../mod.ts";
import { GUARD_SCRIPT } from "../../../posix/containment/guard_script.ts";
import {
  guardedGlobs,
  guardedPattern,
  type OwnerNumbers,
  ownerNumbers,
} from "../../../posix/containment/owner.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { readableDeno } from "../../fixtures/other_user.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";
import { HAS_COMPILER, IS_ROOT } from "./place.ts";

// No other process has this user: its limit is used up by this test alone.
const USER = "64997";
const AS_USER = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];

Deno.test.beforeAll(warmUp);

// What a failed test left. It forks no more when all of it is stopped.
function endAll(program: string): void {
  for (const signal of ["SIGSTOP", "SIGSTOP", "SIGKILL"] as const) {
    for (const { pid } of processesWith(program)) {
      try {
        Deno.kill(pid, signal);
      } catch {
        // It has just ended.
      }
    }
  }
}

// Zombies count as well, until init has taken them away.
function hasProcesses(): boolean {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!(Number(name) > 0)) continue;
    try {
      if (Deno.statSync(`/proc/${name}`).uid === Number(USER)) return true;
    } catch {
      // It has just ended.
    }
  }
  return false;
}

Deno.test({
  name: "a guard that cannot fork does by hand what grep does",
  ignore: !IS_ROOT, // The limit does not bind root.
  async fn() {
    const marker = newMarker();
    await using child = new Command("sh", {
      args: ["-c", "setsid sleep $0 & sleep $0", marker],
      stdin: "null",
      stdout: "null",
      uid: Number(USER),
      gid: Number(USER),
    }).spawn();
    await until(() => processesWith(marker).length === 3, "the tree");
    const owner = ownerNumbers() as OwnerNumbers;
    // deno-fmt-ignore
    const { code } = await within(new Deno.Command("setpriv", {
      args: [...AS_USER, "prlimit", "--nproc=0", "sh", "-c", GUARD_SCRIPT, "killable-guard",
        guardedPattern(owner), guardedGlobs(owner), "", "4", "false"],
      stdin: "null",
      stderr: "null",
    }).output(), "the guard");
    assertEquals(processesWith(marker), []);
    // It ended on its way out: of the fork that failed.
    assertEquals(code, 2);
    assertEquals((await child.status).signal, "SIGKILL");
  },
});

Deno.test({
  name: "a tree that has taken every process ends with its parent",
  ignore: !IS_ROOT || !HAS_COMPILER,
  async fn() {
    const copy = await readableDeno();
    const source = (name: string) => new URL(name, import.meta.url);
    const program = `${copy.folder}/fill`;
    const fillers = () => processesWith(program).length;
    try {
      await Deno.copyFile(
        source("./fill_parent.ts"),
        `${copy.folder}/parent.ts`,
      );
      const { success } = await new Deno.Command("cc", {
        args: ["-O1", "-o", program, source("./fill.c").pathname],
      }).output();
      assertEquals(success, true);
      await until(() => !hasProcesses(), "the end of earlier processes");
      // deno-fmt-ignore
      const { stdout, stderr } = await within(new Deno.Command("prlimit", {
        args: ["--nproc=200", "setpriv", ...AS_USER, "env", `HOME=${copy.folder}`,
          copy.path, "run", "--quiet", "--no-config", "--no-lock", "-A",
          `${copy.folder}/parent.ts`, copy.mod, program],
        stdin: "null",
      }).output(), "the parent");
      const said = new TextDecoder().decode(stdout);
      assertEquals(said, "full\n", new TextDecoder().decode(stderr));
      await until(() => fillers() === 0, "the end of the tree");
    } finally {
      endAll(program);
      await until(
        () => copy.remove().then(() => true, () => false),
        "an empty folder",
      );
    }
  },
});
