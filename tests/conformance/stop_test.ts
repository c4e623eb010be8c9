import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { type ChildProcess, Command, type CommandOptions } from "../../mod.ts";
import { until, within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { type Member, RollCall } from "../fixtures/roll_call.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES, ENOUGH } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const SOFT = ["SIGTERM", "SIGINT", "SIGHUP"];
/** An hour: a stop that waits for it has failed the test. */
const LONG = 3600_000;

function start(
  roll: RollCall,
  options: CommandOptions = {},
  deafTo: string[] = [],
): ChildProcess {
  return new Command(deno, {
    args: roll.args("leader", deafTo),
    stdin: "null",
    stdout: "null",
    stderr: "null",
    ...options,
  }).spawn();
}

/** Leader, child and grandchild, all there. */
async function tree(
  roll: RollCall,
  deafTo: string[] = [],
): Promise<{ leader: Member; child: Member; grandchild: Member }> {
  const leader = await roll.member("leader");
  const child = await leader.spawn("child", { deafTo });
  const grandchild = await child.spawn("grandchild", { deafTo });
  return { leader, child, grandchild };
}

Deno.test("with Deno.Command, kill() leaves the descendants running", async () => {
  await using roll = new RollCall();
  const process = new Deno.Command(deno, {
    args: roll.args("leader"),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const { child, grandchild } = await tree(roll);
  process.kill("SIGKILL");
  await process.status;
  await child.answers();
  await grandchild.answers();
});

Deno.test("kill() ends the leader and every descendant", async () => {
  await using roll = new RollCall();
  await using process = start(roll);
  await tree(roll);
  process.kill("SIGKILL");
  const status = await process.status;
  assertEquals([status.code, status.signal, status.killed], [
    137,
    "SIGKILL",
    true,
  ]);
  await process.treeExited;
  await roll.assertGone();
});

Deno.test("kill() with tree: false ends the leader alone", async () => {
  await using roll = new RollCall();
  await using process = start(roll);
  const { child, grandchild } = await tree(roll);
  process.kill("SIGKILL", { tree: false });
  assertEquals((await process.status).signal, "SIGKILL");
  await child.answers();
  await grandchild.answers();
  await process.stop({ grace: 0 });
  await roll.assertGone();
});

Deno.test("kill() after the leader's exit still reaches its descendants", async () => {
  await using roll = new RollCall();
  await using process = start(roll);
  const { leader } = await tree(roll);
  await leader.exit(3);
  assertEquals((await process.status).code, 3);
  process.kill("SIGKILL");
  await process.treeExited;
  await roll.assertGone();
});

Deno.test("kill() of what is gone is no error, however often", async () => {
  await using roll = new RollCall();
  const process = start(roll);
  await (await roll.member("leader")).exit(0);
  const status = await process.status;
  await process.treeExited;
  process.kill();
  process.kill("SIGKILL");
  process.kill("SIGTERM", { tree: false });
  assertEquals(status.killed, false);
  assertEquals((await process.stop()).signalled, 0);
});

Deno.test({
  name: "kill() sends a signal that is heard by every member",
  ignore: DIFFERENCES.signalsToLiveProcess.here,
  async fn() {
    await using roll = new RollCall();
    await using process = start(roll, { grace: 0 }, ["SIGUSR1", "SIGUSR2"]);
    const members = Object.values(await tree(roll, ["SIGUSR1", "SIGUSR2"]));
    process.kill("SIGUSR1");
    for (const member of members) await member.hears("SIGUSR1");
    process.kill(Deno.build.os === "linux" ? 12 : 31);
    for (const member of members) await member.hears("SIGUSR2");
    process.kill("SIGUSR1", { tree: false });
    await until(() => members[0]!.heard.length === 3, "a second SIGUSR1");
    assertEquals(members[1]!.heard.length, 2);
  },
});

Deno.test("stop() resolves when the whole tree is gone, and tells what it took", async () => {
  await using roll = new RollCall();
  const process = start(roll);
  await tree(roll);
  const report = await process.stop({ grace: 10_000 });
  await roll.assertGone();
  assertEquals(report.survivors, 0);
  assertEquals(report.mechanism, process.containment.mechanism);
  assertGreaterOrEqual(report.elapsed, 0);
  assertLess(report.elapsed, 60_000);
  const status = await process.status;
  assertEquals([status.killed, status.timedOut, status.aborted], [
    true,
    false,
    false,
  ]);
});

Deno.test({
  name: "stop() asks first: who obeys is not killed",
  ignore: DIFFERENCES.ignoredSignals.here,
  async fn() {
    await using roll = new RollCall();
    const process = start(roll, { grace: LONG });
    await tree(roll);
    const report = await within(process.stop(), "a stop that is obeyed");
    await roll.assertGone();
    assertEquals(
      [report.signal, report.signalled, report.escalated],
      ["SIGTERM", 3, 0],
    );
    assertEquals((await process.status).signal, "SIGTERM");
  },
});

Deno.test({
  name: "stop() kills after the grace who does not obey",
  ignore: DIFFERENCES.ignoredSignals.here,
  async fn() {
    await using roll = new RollCall();
    const process = start(roll, {}, SOFT);
    const { leader, grandchild } = await tree(roll, SOFT);
    const report = await process.stop({ grace: 1500 });
    await roll.assertGone();
    assertEquals(
      [report.signal, report.signalled, report.escalated],
      ["SIGTERM", 3, 3],
    );
    assertGreaterOrEqual(report.elapsed, 1490);
    assert(leader.heard.includes("SIGTERM"));
    assert(grandchild.heard.includes("SIGTERM"));
    assertEquals((await process.status).signal, "SIGKILL");
  },
});

Deno.test("stop({ grace: 0 }) kills at once, without asking", async () => {
  await using roll = new RollCall();
  const process = start(
    roll,
    { grace: LONG },
    DIFFERENCES.ignoredSignals.here ? [] : SOFT,
  );
  const { leader } = await tree(roll);
  const report = await within(process.stop({ grace: 0 }), "the kill");
  await roll.assertGone();
  assertEquals([report.signal, report.signalled], [null, 0]);
  assertGreater(report.escalated, 0);
  assertEquals(leader.heard, []);
  assertEquals((await process.status).signal, "SIGKILL");
});

Deno.test({
  name:
    "stop({ signal }) asks with that signal, stopSignal with that of the command",
  ignore: DIFFERENCES.ignoredSignals.here,
  async fn() {
    await using roll = new RollCall();
    const process = start(roll, { stopSignal: "SIGHUP" }, SOFT);
    const leader = await roll.member("leader");
    const report = process.stop({ signal: "SIGINT", grace: LONG });
    await leader.hears("SIGINT");
    assertEquals(leader.heard, ["SIGINT"]);
    await process.stop({ grace: 0 });
    assertEquals((await report).signal, "SIGINT");

    await using second = new RollCall();
    const other = start(second, { stopSignal: "SIGHUP", grace: LONG }, SOFT);
    const heard = await second.member("leader");
    const reportOfOther = other.stop();
    await heard.hears("SIGHUP");
    assertEquals(heard.heard, ["SIGHUP"]);
    await other.stop({ grace: 0 });
    assertEquals((await reportOfOther).signal, "SIGHUP");
  },
});

Deno.test("stops at the same time join: they resolve with the same report", async () => {
  await using roll = new RollCall();
  const process = start(roll);
  await tree(roll);
  const [a, b, c] = await Promise.all([
    process.stop({ grace: 5000 }),
    process.stop({ grace: 5000 }),
    process.stop({ grace: 6000 }),
  ]);
  await roll.assertGone();
  assertStrictEquals(a, b);
  assertStrictEquals(b, c);
});

Deno.test({
  name: "a second stop with a shorter grace escalates at once",
  ignore: DIFFERENCES.ignoredSignals.here,
  async fn() {
    await using roll = new RollCall();
    const process = start(roll, { grace: LONG }, SOFT);
    const leader = await roll.member("leader");
    const first = process.stop();
    await leader.hears("SIGTERM");
    const second = process.stop({ grace: 0 });
    const [a, b] = await within(Promise.all([first, second]), "both stops");
    assertStrictEquals(a, b);
    await roll.assertGone();
    assertEquals(a.escalated, 1);
  },
});

Deno.test({
  name: "a second stop with a longer grace does not lengthen the first",
  ignore: DIFFERENCES.ignoredSignals.here,
  async fn() {
    await using roll = new RollCall();
    const process = start(roll, {}, SOFT);
    await roll.member("leader");
    const first = process.stop({ grace: 100 });
    const second = process.stop({ grace: LONG });
    await within(Promise.all([first, second]), "both stops");
    await roll.assertGone();
  },
});

Deno.test("stop() of what is gone reports that nothing was to do", async () => {
  await using roll = new RollCall();
  const process = start(roll);
  await (await roll.member("leader")).exit(0);
  await process.status;
  const report = await process.stop();
  assertEquals(
    [report.signal, report.signalled, report.escalated, report.survivors],
    [null, 0, 0, 0],
  );
  assertEquals((await process.status).killed, false);
});

Deno.test("stop() after the leader's exit ends what it left", async () => {
  await using roll = new RollCall();
  const process = start(roll);
  const { leader, grandchild } = await tree(roll);
  await leader.exit(0);
  const status = await process.status;
  await grandchild.answers();
  await process.stop({ grace: 2000 });
  await roll.assertGone();
  // The leader ended by itself.
  assertEquals([status.code, status.killed], [0, false]);
});

Deno.test("stop() finds a descendant whose own parent has died", async () => {
  await using roll = new RollCall();
  const process = start(roll);
  const { child, grandchild } = await tree(roll);
  await child.exit(0);
  await grandchild.answers();
  await process.stop({ grace: 2000 });
  await roll.assertGone();
});

Deno.test("stop() ends a detached descendant", async () => {
  await using roll = new RollCall();
  const process = start(roll);
  const leader = await roll.member("leader");
  const daemon = await leader.spawn("daemon", { detached: true });
  await daemon.spawn("of the daemon");
  await leader.exit(0);
  await process.status;
  await daemon.answers();
  await process.stop({ grace: 2000 });
  await roll.assertGone();
});

Deno.test("stop() of one tree leaves the others alone", async () => {
  await using roll = new RollCall();
  await using other = new RollCall();
  await using theirs = start(other, { grace: 0 });
  const process = start(roll);
  const strangers = await tree(other);
  await tree(roll);
  await process.stop({ grace: 0 });
  await roll.assertGone();
  for (const one of Object.values(strangers)) await one.answers();
  assertEquals(theirs.descendants().length >= 2, true);
});

Deno.test("status is known when the leader exits, treeExited when the last one does", async () => {
  await using roll = new RollCall();
  await using process = start(roll);
  const { leader, child, grandchild } = await tree(roll);
  let treeGone = false;
  const gone = process.treeExited.then(() => treeGone = true);
  await leader.exit(5);
  assertEquals((await process.status).code, 5);
  await child.exit(0);
  await grandchild.answers();
  assertEquals(treeGone, false);
  await grandchild.exit(0);
  await within(gone, "treeExited");
  assertEquals(process.descendants(), []);
});

Deno.test("descendants() names every living member but the leader", async () => {
  await using roll = new RollCall();
  await using process = start(roll);
  const { leader, child, grandchild } = await tree(roll);
  const found = process.descendants();
  const pids = found.map((one) => one.pid);
  assert(pids.includes(child.pid), `${child.pid} in ${pids}`);
  assert(pids.includes(grandchild.pid), `${grandchild.pid} in ${pids}`);
  assert(!pids.includes(leader.pid));
  const entry = found.find((one) => one.pid === grandchild.pid)!;
  assertEquals(entry.ppid, child.pid);
  assertGreater(entry.name.length, 0);
  assertGreater(entry.command.length, 0);
  assertGreater(entry.state.length, 0);
  if (!Number.isNaN(entry.startTime)) {
    assertLess(Math.abs(Date.now() - entry.startTime), 24 * 3600_000);
  }
  await grandchild.exit(0);
  await until(
    () => !process.descendants().some((one) => one.pid === grandchild.pid),
    "descendants() without the one that ended",
  );
});

Deno.test("suspend() stops every member until as many resume() as suspend() were called", async () => {
  await using roll = new RollCall();
  await using process = start(roll, { grace: 0 });
  const { leader, grandchild } = await tree(roll);
  await leader.answers();
  process.suspend();
  process.suspend();
  let answered = 0;
  const pending = [leader.answers(), grandchild.answers()].map((one) =>
    one.then(() => answered++)
  );
  process.resume();
  // Orders that are never carried out cannot be waited for: only that nothing
  // has come by the time another process has started and ended.
  await new Command(deno, { args: ["--version"] }).output();
  assertEquals(answered, 0);
  process.resume();
  await within(Promise.all(pending), "answers after resume()");
  await process.stop({ grace: 0 });
  await roll.assertGone();
});

Deno.test("a suspended tree can be stopped", async () => {
  await using roll = new RollCall();
  const process = start(roll);
  await tree(roll);
  process.suspend();
  await within(process.stop({ grace: 1000 }), "the stop of a suspended tree");
  await roll.assertGone();
});

Deno.test("the end of a scope ends the tree, also when the body throws", async () => {
  await using roll = new RollCall();
  await assertRejects(
    async () => {
      await using process = start(roll, { grace: 2000 });
      await tree(roll);
      throw new RangeError(`body ${process.pid}`);
    },
    RangeError,
    "body",
  );
  await roll.assertGone();
});

Deno.test("an abort ends the tree", async () => {
  await using roll = new RollCall();
  const abort = new AbortController();
  const process = start(roll, { signal: abort.signal, grace: 2000 });
  await tree(roll);
  abort.abort();
  const status = await process.status;
  assertEquals([status.aborted, status.timedOut, status.killed], [
    true,
    false,
    true,
  ]);
  await process.treeExited;
  await roll.assertGone();
});

Deno.test("an abort signal that outlives the child is not held on to", async () => {
  const signal = new AbortController().signal;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = ((...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  }) as typeof add;
  signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  }) as typeof remove;
  const run = await new Command(deno, { args: ["--version"], signal }).output();
  assertEquals([run.code, listeners], [0, 0]);
});

for (const way of ["timeout", "abort", "stop()"] as const) {
  Deno.test(`${way} ends what a leader left behind that exited before`, async () => {
    await using roll = new RollCall();
    const abort = new AbortController();
    const process = start(roll, {
      grace: 0,
      signal: abort.signal,
      ...(way === "timeout" ? { timeout: 2 * ENOUGH } : {}),
    });
    const { leader, child, grandchild } = await tree(roll);
    await leader.exit(3);
    assertEquals((await within(process.status, "the status")).code, 3);
    if (way !== "timeout") {
      await child.answers();
      await grandchild.answers();
    }
    if (way === "abort") abort.abort();
    if (way === "stop()") await process.stop({ grace: 0 });
    await within(process.treeExited, "the end of the tree");
    await roll.assertGone();
  });
}

Deno.test({
  name: "status.killed when an earlier signal than the last one ended it",
  ignore: DIFFERENCES.signalsToLiveProcess.here,
  async fn() {
    await using roll = new RollCall();
    const process = start(roll);
    await roll.member("leader");
    process.kill("SIGTERM", { tree: false });
    // It has been sent SIGTERM already, and ends of it whatever comes.
    process.kill("SIGCONT", { tree: false });
    const status = await within(process.status, "the status");
    assertEquals([status.signal, status.killed], ["SIGTERM", true]);
  },
});
