/** Why a process still lives. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  checkOutput,
  Command,
  explain,
  type StopReport,
  TimeoutExpired,
} from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const windows = Deno.build.os === "windows";

Deno.test("explain() refuses a number that is no process id", () => {
  for (const pid of [0, -1, 1.5, NaN, Infinity, 2 ** 31, "1"]) {
    assertThrows(
      () => explain(pid as number),
      RangeError,
      `Cannot explain process ${pid}: expected a process id from 1`,
    );
  }
});

Deno.test("explain() of a process that is gone says so", async () => {
  const child = new Command(denoPath(), { args: ["--version"], stdout: "null" })
    .spawn();
  await child.status;
  assertThrows(
    () => explain(child.pid),
    windows ? Deno.errors.NotSupported : Deno.errors.NotFound,
    `${child.pid}`,
  );
});

Deno.test({
  name: "explain() names process, state and parent",
  // Without signals there is nothing to explain; the test above has the error.
  ignore: windows,
  async fn() {
    await using child = new Command(denoPath(), { args: evalArgs(IDLE) })
      .spawn();
    const found = explain(child.pid);
    assertEquals(found.pid, child.pid);
    assertEquals(found.parent?.pid, Deno.pid);
    assert(found.maySignal);
    assertEquals(found.tracer, null);
    assertEquals(found.frozen, null);
  },
});

// The shell is deaf to SIGTERM, in one of two ways. It forks no more when it is up:
// vfork(2) is an uninterruptible wait, which would be the reason.
function deaf(action: string): string[] {
  const loop = "while :; do wait; done";
  return ["-c", `trap '${action}' TERM; sleep 100 & echo up; ${loop}`];
}

async function stopped(args: string[], grace: number): Promise<StopReport> {
  const child = new Command("sh", { args, stdout: "piped", stderr: "null" })
    .spawn();
  await child.ready({ line: "up" });
  const report = await child.stop({ grace });
  await child.stdout.cancel();
  await child.status;
  assertEquals(report.processes.find(({ pid }) => pid === child.pid), {
    ...report.processes[0]!,
    pid: child.pid,
  });
  return report;
}

Deno.test({
  name: "a report says why a process outlived its grace",
  // What a process does about signals is in /proc alone.
  ignore: Deno.build.os !== "linux",
  async fn() {
    for (
      const [action, reason] of [
        ["", "it ignores SIGTERM"],
        [":", "it handles SIGTERM itself"],
      ] as const
    ) {
      const report = await stopped(deaf(action), 300);
      const [shell] = report.processes;
      assertEquals([shell?.ended, shell?.reason], ["hard", reason]);
    }
  },
});

Deno.test({
  name: "a report has no reason for what ended in time, or was killed at once",
  ignore: windows,
  async fn() {
    const obedient = ["-c", "echo up; exec sleep 100"];
    for (
      const report of [
        await stopped(obedient, 60_000),
        await stopped(deaf(""), 0),
      ]
    ) {
      for (const { reason } of report.processes) assertEquals(reason, null);
    }
  },
});

Deno.test({
  name: "TimeoutExpired says why what it names had to be killed",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const error = await assertRejects(
      () =>
        checkOutput(["sh", "-c", "trap '' TERM; exec sleep 100"], {
          timeout: 1000,
          grace: 200,
        }),
      TimeoutExpired,
    );
    const [only] = error.report?.processes ?? [];
    assertEquals(only?.reason, "it ignores SIGTERM");
    assert(error.message.endsWith("by SIGKILL (it ignores SIGTERM)"));
  },
});
