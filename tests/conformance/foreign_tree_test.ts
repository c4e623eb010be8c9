import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { capabilities, Command, killTree, processTree } from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, waitForText } from "../fixtures/eval.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

/** A tree that Deno.Command started: leader, child, grandchild. */
async function foreign(roll: RollCall): Promise<{
  process: Deno.ChildProcess;
  pids: number[];
}> {
  const process = new Deno.Command(deno, {
    args: roll.args("leader"),
    ...QUIET,
  })
    .spawn();
  const leader = await roll.member("leader");
  const child = await leader.spawn("child");
  const grandchild = await child.spawn("grandchild");
  return { process, pids: [leader.pid, child.pid, grandchild.pid] };
}

Deno.test("processTree() lists a tree that somebody else started, its root first", async () => {
  await using roll = new RollCall();
  const { process, pids } = await foreign(roll);
  const found = processTree(process.pid);
  assertEquals(found[0]!.pid, process.pid);
  for (const pid of pids) {
    assert(found.some((one) => one.pid === pid), `${pid}`);
  }
  process.kill("SIGKILL");
  await process.status;
});

Deno.test("killTree() ends it, and nothing else", async () => {
  await using roll = new RollCall();
  await using other = new RollCall();
  const { process } = await foreign(roll);
  const stranger = await foreign(other);
  const report = await killTree(process.pid, { grace: 5000 });
  await roll.assertGone();
  assertEquals(report.survivors, 0);
  assertEquals((await process.status).success, false);
  for (const name of other.present()) {
    await (await other.member(name)).answers();
  }
  await killTree(stranger.process.pid, { grace: 0 });
  await other.assertGone();
  await stranger.process.status;
});

Deno.test("killTree() refuses ourselves, init and nobody, and harms no one", async () => {
  for (const pid of [0, 1, -1, 1.5, NaN, Deno.pid, Deno.ppid]) {
    await assertRejects(
      () => killTree(pid, { grace: 0 }),
      RangeError,
      `process ${pid}`,
    );
    assertThrows(() => processTree(pid), RangeError, `process ${pid}`);
  }
  const gone = new Deno.Command(deno, { args: ["--version"], ...QUIET })
    .spawn();
  await gone.status;
  await assertRejects(
    () => killTree(gone.pid),
    Deno.errors.NotFound,
    `${gone.pid}`,
  );
  await assertRejects(
    () => killTree(gone.pid, { grace: -1 }),
    RangeError,
    "grace",
  );
});

Deno.test("capabilities() tells what the next command will get", async () => {
  const told = capabilities();
  const child = new Command(deno, { args: evalArgs(""), ...QUIET }).spawn();
  assertEquals(child.containment.mechanism, told.containment);
  const entry = told.mechanisms.find((one) =>
    one.mechanism === told.containment
  )!;
  assertEquals(
    [entry.available, entry.holdsEscapees, entry.endsWithParent],
    [true, child.containment.holdsEscapees, child.containment.endsWithParent],
  );
  for (const one of told.mechanisms) {
    if (!one.available) assert(one.why.length > 0, one.mechanism);
  }
  await child.status;
});

Deno.test("a mechanism by its name is what one gets, or an error", async () => {
  for (const { mechanism, available } of capabilities().mechanisms) {
    const start = () =>
      new Command(deno, {
        args: evalArgs(""),
        ...QUIET,
        containment: mechanism,
      })
        .spawn();
    if (!available) {
      assertThrows(start, Deno.errors.NotSupported, mechanism);
      continue;
    }
    const child = start();
    assertEquals(child.containment.mechanism, mechanism);
    assertEquals((await child.status).code, 0);
    await child.stop({ grace: 0 });
  }
});

Deno.test("a child that is started suspended does nothing until resume()", async () => {
  const child = new Command(deno, {
    args: evalArgs("console.log('ready')"),
    stdin: "null",
    stdout: "piped",
    suspended: true,
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  // As long as another one takes for all of its life.
  await new Command(deno, { args: evalArgs("") }).output();
  assertEquals(ended, false);
  child.resume();
  assertEquals((await within(child.status, "the status")).code, 0);
  await waitForText(child.stdout);
  await child.stdout.cancel();
});

Deno.test("a suspended child can be stopped without ever having run", async () => {
  const child = new Command(deno, {
    args: evalArgs("console.log('never')"),
    stdin: "null",
    stdout: "piped",
    suspended: true,
  }).spawn();
  await within(child.stop({ grace: 1000 }), "the stop");
  assertEquals((await child.status).success, false);
  assertEquals(await child.stdout.text(), "");
});

Deno.test({
  name:
    "errors of the program are reported by spawn() also when it starts suspended",
  ignore: DIFFERENCES.spawnErrorsByPath.here,
  fn() {
    const start = (program: string, cwd?: string) => () =>
      new Command(program, { suspended: true, ...(cwd ? { cwd } : {}) })
        .spawn();
    assertThrows(start("no-such-program-anywhere"), Deno.errors.NotFound);
    assertThrows(start("./no-such/program"), Deno.errors.NotFound);
    assertThrows(
      start(deno, "no-such-directory"),
      Deno.errors.NotFound,
      "No such cwd",
    );
  },
});
