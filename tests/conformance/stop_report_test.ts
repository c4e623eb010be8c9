/** A report names the processes of a tree that was stopped, whatever stopped it. */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import {
  checkOutput,
  Command,
  Job,
  type StopReport,
  TimeoutExpired,
} from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { DEAF, evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const idle = { args: evalArgs(IDLE, "the-idle-one"), stdout: "piped" } as const;

function check(report: StopReport | null, pid?: number): void {
  assert(report !== null);
  assertEquals(report.processes.length, 1);
  const [one] = report.processes;
  if (pid !== undefined) assertEquals(one?.pid, pid);
  assert(one?.name.startsWith("deno"), one?.name);
  assertEquals(
    [one?.ended, one?.sent],
    report.escalated === 0 ? ["soft", [report.signal!]] : [
      "hard",
      report.signal === null ? ["SIGKILL"] : [report.signal, "SIGKILL"],
    ],
  );
}

Deno.test("stop() names what it ended, and the status has the same report", async () => {
  for (const grace of [0, 60_000]) {
    const child = new Command(deno, idle).spawn();
    await child.ready({ line: "ready" });
    const report = await child.stop({ grace });
    check(report, child.pid);
    assertEquals((await child.status).report, report);
    await child.stdout.cancel();
  }
});

Deno.test("a run that ended by itself has no report", async () => {
  const command = new Command(deno, { args: ["--version"] });
  assertEquals((await command.output()).report, null);
  assertEquals(command.outputSync().report, null);
});

Deno.test("timeout, abort, limit and a job's stop leave a report in the status", async () => {
  const controller = new AbortController();
  const all = [
    { timeout: 500 },
    { limits: { wallTime: 500 } },
    { signal: controller.signal, tee: () => controller.abort() },
  ];
  for (const options of all) {
    check((await new Command(deno, { ...idle, ...options }).output()).report);
  }
  check(new Command(deno, { ...idle, timeout: 500 }).outputSync().report);
  await using job = new Job();
  const child = job.spawn(deno, idle);
  await child.ready({ line: "ready" });
  const report = await job.stop();
  check(report, child.pid);
  assertEquals((await child.status).report, report);
  await child.stdout.cancel();
});

Deno.test({
  name: "the error of a timeout names the processes that hung",
  ignore: DIFFERENCES.ignoredSignals.here,
  async fn() {
    const error = await assertRejects(() =>
      checkOutput([deno, ...evalArgs(DEAF)], { idleTimeout: 1500, grace: 100 })
    );
    assertInstanceOf(error, TimeoutExpired);
    check(error.report);
    const [one] = error.report!.processes;
    assert(
      error.message.includes(`${one?.name} (${one?.pid}) by SIGKILL`),
      error.message,
    );
  },
});
