import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type ChildProcess,
  Command,
  type CommandOptions,
  Job,
  type JobOptions,
} from "../../mod.ts";
import { until, within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { type Member, RollCall } from "../fixtures/roll_call.ts";
import { settle, warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES, ENOUGH, WINDOWS } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const SOFT = ["SIGTERM", "SIGINT", "SIGHUP"];
/** An hour: a stop that waits for it has failed the test. */
const LONG = 3600_000;
/** The same, but where a member has a console of its own, which nothing can ask to end. */
const GRACE = WINDOWS ? 1000 : LONG;
const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

function command(
  roll: RollCall,
  name: string,
  options: CommandOptions = {},
  deafTo: string[] = [],
): Command {
  return new Command(deno, {
    args: roll.args(name, deafTo),
    ...QUIET,
    ...options,
  });
}

/** A child in the job, there and answering. */
async function join(
  job: Job,
  roll: RollCall,
  name: string,
  deafTo: string[] = [],
): Promise<{ child: ChildProcess; member: Member }> {
  const child = job.spawn(command(roll, name, {}, deafTo));
  return { child, member: await roll.member(name) };
}

Deno.test("without a job, a child that fails leaves the others running", async () => {
  await using roll = new RollCall();
  await using _server = command(roll, "server").spawn();
  await using tests = command(roll, "tests").spawn();
  const server = await roll.member("server");
  await (await roll.member("tests")).exit(3);
  assertEquals((await tests.status).code, 3);
  await server.answers();
});

Deno.test("stop() ends every tree of the job, with one report", async () => {
  await using roll = new RollCall();
  await using job = new Job({ grace: GRACE });
  const { child: one, member } = await join(job, roll, "one");
  await member.spawn("child of one");
  const { child: two } = await join(job, roll, "two");
  assertEquals(job.children, [one, two]);
  const report = await within(job.stop(), "the stop");
  await roll.assertGone();
  assertEquals(report.survivors, 0);
  if (!WINDOWS) assertEquals(report.escalated, 0);
  assertGreaterOrEqual(report.signalled, 3);
  assertEquals(report.mechanism, one.containment.mechanism);
  const result = await job.exited;
  assertEquals(result.report, report);
  assertEquals(result.statuses.map(({ pid }) => pid), [one.pid, two.pid]);
  assert(result.statuses.every(({ status }) => status.killed));
  assertEquals([result.success, result.first], [false, null]);
  assertEquals((await one.status).killed, true);
});

Deno.test("first failure: a success changes nothing, a failure stops all", async () => {
  await using roll = new RollCall();
  await using job = new Job({ grace: GRACE });
  const { child: quick, member } = await join(job, roll, "quick");
  const { child: failing, member: worker } = await join(job, roll, "failing");
  const { member: server } = await join(job, roll, "server");
  await server.spawn("daemon", { detached: true });
  const exited = job.exited;
  await member.exit(0);
  assertEquals((await quick.status).success, true);
  await server.answers();
  await worker.exit(3);
  const result = await within(exited, "the end of the job");
  await roll.assertGone();
  assertStrictEquals(result.first, failing);
  assertEquals(result.success, false);
  const codes = result.statuses.map(({ status }) => status.code);
  assertEquals(codes.slice(0, 2), [0, 3]);
  assertEquals(result.statuses[2]!.status.killed, true);
});

Deno.test("first failure: the job has succeeded when all have, and what they left is ended", async () => {
  await using roll = new RollCall();
  await using job = new Job({ grace: GRACE });
  const { member: one } = await join(job, roll, "one");
  const { member: two } = await join(job, roll, "two");
  const left = await two.spawn("left behind", { detached: true });
  await one.exit(0);
  await two.exit(0);
  // Nothing has asked for the end of the job: it is open for more.
  await left.answers();
  const { member: three } = await join(job, roll, "three");
  const exited = job.exited;
  await three.exit(0);
  const result = await within(exited, "the end of the job");
  await roll.assertGone();
  assertEquals([result.success, result.first], [true, null]);
  assertEquals(result.statuses.length, 3);
});

Deno.test("first exit: server, watcher and tests end with the tests", async () => {
  await using roll = new RollCall();
  await using job = new Job({ policy: "first-exit", grace: GRACE });
  const { member: server } = await join(job, roll, "server");
  const { member: watcher } = await join(job, roll, "watcher");
  await (await server.spawn("worker")).spawn("daemon", { detached: true });
  await watcher.spawn("compiler");
  const { child, member: tests } = await join(job, roll, "tests");
  await tests.exit(0);
  const result = await within(job.exited, "the end of the job");
  await roll.assertGone();
  assertStrictEquals(result.first, child);
  assertEquals(result.success, true);
});

Deno.test("all: neither a failure nor an exit stops the others", async () => {
  await using roll = new RollCall();
  await using job = new Job({ policy: "all" });
  const { child, member: one } = await join(job, roll, "one");
  const { member: two } = await join(job, roll, "two");
  const exited = job.exited;
  await one.exit(3);
  assertEquals((await child.status).code, 3);
  await two.answers();
  await two.exit(0);
  const result = await within(exited, "the end of the job");
  assertEquals(result.statuses.map(({ status }) => status.code), [3, 0]);
  assertEquals([result.success, result.first], [false, null]);
});

Deno.test("processes() lists all, also those whose leader is gone, and stop() ends them", async () => {
  await using roll = new RollCall();
  await using job = new Job({ policy: "all", grace: GRACE });
  const { child, member: one } = await join(job, roll, "one");
  const { member: two } = await join(job, roll, "two");
  const daemon = await one.spawn("daemon", { detached: true });
  await one.exit(0);
  await child.status;
  await daemon.answers();
  const pids = job.processes().map(({ pid }) => pid);
  assert(pids.includes(daemon.pid) && pids.includes(two.pid), String(pids));
  assert(!pids.includes(child.pid));
  await job.stop();
  assertEquals(job.processes(), []);
  await roll.assertGone();
});

Deno.test("a child can be stopped alone, and works like any other", async () => {
  await using roll = new RollCall();
  await using job = new Job({ policy: "all" });
  const { child, member: one } = await join(job, roll, "one");
  await one.spawn("child of one");
  const { member: two } = await join(job, roll, "two");
  await child.stop({ grace: 10_000 });
  await roll.assertGone("two");
  await two.answers();
  const { stdout, code } = await job.spawn(
    deno,
    evalArgs("console.log('hi')"),
    {
      stdout: "piped",
      stdin: "null",
    },
  ).output();
  assertEquals([new TextDecoder().decode(stdout), code], ["hi\n", 0]);
  const slow = job.spawn(command(roll, "slow", { timeout: 100 }));
  assertEquals((await slow.status).timedOut, true);
  await two.answers();
});

Deno.test("a spawn that fails leaves the others as they are", async () => {
  await using roll = new RollCall();
  await using job = new Job();
  const { member } = await join(job, roll, "one");
  assertThrows(() => job.spawn("no-such-program-7"), Deno.errors.NotFound);
  assertEquals(job.children.length, 1);
  await member.answers();
});

Deno.test("nothing can be started in a job that has been stopped", async () => {
  await using roll = new RollCall();
  await using job = new Job();
  await join(job, roll, "one");
  const stopping = job.stop();
  assertThrows(() => job.spawn(command(roll, "two")), TypeError, "stopped");
  await stopping;
  assertThrows(() => job.spawn(command(roll, "two")), TypeError, "stopped");
  await roll.assertGone();
});

Deno.test("a job without children is over when it is stopped", async () => {
  const job = new Job();
  let over = false;
  const exited = (async () => {
    const result = await job.exited;
    over = true;
    return result;
  })();
  await settle();
  assertEquals(over, false);
  await job[Symbol.asyncDispose]();
  const { statuses, report, first } = await exited;
  assertEquals([statuses, report.signalled, first], [[], 0, null]);
});

Deno.test("the end of a scope ends the job", async () => {
  await using roll = new RollCall();
  {
    await using job = new Job();
    const { member } = await join(job, roll, "one");
    await member.spawn("daemon", { detached: true });
    await join(job, roll, "two");
  }
  await roll.assertGone();
});

for (const how of ["timeout", "abort"] as const) {
  Deno.test(`${how} ends the whole job, and the result says so`, async () => {
    await using roll = new RollCall();
    const controller = new AbortController();
    const options: JobOptions = how === "timeout"
      ? { timeout: ENOUGH }
      : { signal: controller.signal };
    await using job = new Job({ ...options, policy: "all" });
    job.spawn(command(roll, "one"));
    job.spawn(command(roll, "two"));
    if (how === "abort") {
      await roll.member("one");
      await roll.member("two");
      controller.abort();
    }
    const result = await within(job.exited, "the end of the job");
    await roll.assertGone();
    assertEquals(
      [result.success, result.timedOut, result.aborted],
      [false, how === "timeout", how === "abort"],
    );
    assert(result.statuses.every(({ status }) => status.killed));
  });
}

Deno.test("a job whose signal was aborted before starts nothing", async () => {
  const job = new Job({ signal: AbortSignal.abort() });
  assertThrows(() => job.spawn(deno), DOMException, "aborted");
  assertEquals((await job.exited).aborted, true);
});

Deno.test({
  name: "stop() joins the one under way, and a shorter grace shortens it",
  ignore: DIFFERENCES.ignoredSignals.here,
  async fn() {
    await using roll = new RollCall();
    await using job = new Job({ grace: LONG });
    const { member: one } = await join(job, roll, "one", SOFT);
    const { member: two } = await join(job, roll, "two", SOFT);
    const stopping = job.stop();
    await one.hears("SIGTERM");
    await two.hears("SIGTERM");
    const again = job.stop({ grace: 0 });
    const report = await within(stopping, "the stop");
    assertStrictEquals(await again, report);
    assertEquals([report.signalled, report.escalated], [2, 2]);
    // One round: each has heard the soft signal once.
    assertEquals([one.heard, two.heard], [["SIGTERM"], ["SIGTERM"]]);
    await roll.assertGone();
  },
});

Deno.test("kill() sends one signal to all", async () => {
  await using roll = new RollCall();
  await using job = new Job({ policy: "all" });
  const { member } = await join(job, roll, "one");
  await member.spawn("child of one");
  await join(job, roll, "two");
  job.kill(0);
  await member.answers();
  job.kill("SIGKILL");
  const { statuses } = await within(job.exited, "the end of the job");
  await roll.assertGone();
  for (const { status } of statuses) {
    assertEquals([status.code, status.signal, status.killed], [
      137,
      "SIGKILL",
      true,
    ]);
  }
  job.kill("SIGKILL");
});

Deno.test("suspend() stops all, resume() lets them go on", async () => {
  await using roll = new RollCall();
  await using job = new Job();
  const { member: one } = await join(job, roll, "one");
  const { member: two } = await join(job, roll, "two");
  job.suspend();
  // A signal is sent at once and acted on a moment later.
  await until(() => {
    const states = job.processes().map(({ state }) => state);
    return states.length === 2 && states.every((one) => one === "stopped");
  }, "two that stand still");
  job.resume();
  await one.answers();
  await two.answers();
});

Deno.test("bad options are refused, and nothing is started", () => {
  assertThrows(
    () => new Job({ policy: "some" as "all" }),
    TypeError,
    '"first-failure", "first-exit", "all"',
  );
  assertThrows(() => new Job({ timeout: -1 }), RangeError, "timeout");
  assertThrows(() => new Job({ grace: NaN }), RangeError, "grace");
  assertThrows(() => new Job({ stopOn: ["SIGKILL"] }), TypeError, "SIGKILL");
  assertThrows(
    () => new Job({ stopOn: "SIGINT" as never }),
    TypeError,
    "stopOn",
  );
  assertThrows(() => new Job({ signal: {} as AbortSignal }), TypeError);
  const job = new Job();
  for (
    const options of [
      { detached: true },
      { killOnParentExit: false },
      { containment: "process-group" },
    ] as const
  ) {
    assertThrows(() => job.spawn(deno, options), TypeError, "in a job");
  }
  assertThrows(() => job.spawn(deno, { timeout: -1 }), RangeError);
  assertEquals(job.children, []);
});

Deno.test("stop() refuses bad options, and the job goes on", async () => {
  await using roll = new RollCall();
  await using job = new Job();
  const { member } = await join(job, roll, "one");
  await assertRejects(() => job.stop({ grace: -1 }), RangeError);
  await member.answers();
  const begin = performance.now();
  await job.stop({ grace: 0 });
  assertLess(performance.now() - begin, 60_000);
  await roll.assertGone();
});
