import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import {
  call,
  CalledProcessError,
  checkCall,
  checkOutput,
  Command,
  Job,
  TimeoutExpired,
} from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { DEAF, evalArgs, IDLE } from "../fixtures/eval.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES, ENOUGH } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const LONG = 3600_000;
const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;
const text = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes!);

Deno.test("timeout ends the tree, and the status says so", async () => {
  await using roll = new RollCall();
  const process = new Command(deno, {
    args: roll.args("leader"),
    ...QUIET,
    timeout: 2000,
    grace: 500,
  }).spawn();
  const status = await process.status;
  assertEquals(
    [status.timedOut, status.killed, status.aborted, status.success],
    [true, true, false, false],
  );
  await process.treeExited;
  await roll.assertGone();
});

Deno.test("a limit of time of 0, and one of Infinity, is none", async () => {
  const exits = evalArgs("Deno.exit(7)");
  for (const none of [0, Infinity]) {
    const options = {
      args: exits,
      timeout: none,
      idleTimeout: none,
      limits: { wallTime: Infinity, memory: Infinity },
    };
    const command = new Command(deno, options);
    for (const run of [await command.output(), command.outputSync()]) {
      assertEquals([run.code, run.timedOut, run.idledOut, run.limit], [
        7,
        false,
        false,
        null,
      ]);
    }
    const child = new Command(deno, { args: exits, stdout: "null" }).spawn();
    const waited = await child.wait({ timeout: none });
    assertEquals([waited.code, waited.timedOut], [7, false]);
    await using job = new Job({ timeout: none, policy: "all" });
    job.spawn(deno, exits);
    const { statuses, timedOut } = await job.exited;
    assertEquals([statuses[0]?.status.code, timedOut], [7, false]);
  }
});

Deno.test("an infinite grace is never over; a shorter one takes its place", async () => {
  const child = new Command(deno, {
    args: evalArgs(DEAF),
    stdout: "piped",
    grace: Infinity,
  }).spawn();
  await child.ready({ line: "ready" });
  const soft = child.stop();
  const hard = await within(child.stop({ grace: 0 }), "its end");
  assertEquals([await soft, hard.survivors], [hard, 0]);
  assertEquals((await child.status).signal, "SIGKILL");
});

Deno.test("a child that ends in time is not timed out", async () => {
  const command = new Command(deno, {
    args: evalArgs("Deno.exit(2)"),
    timeout: LONG,
  });
  const run = await command.output();
  assertEquals([run.code, run.timedOut, run.killed], [2, false, false]);
  const sync = command.outputSync();
  assertEquals([sync.code, sync.timedOut, sync.killed], [2, false, false]);
});

Deno.test("a timeout beyond 24 days does not fire at once", async () => {
  const run = await new Command(deno, {
    args: evalArgs("console.log(1)"),
    timeout: 2 ** 40,
  }).output();
  assertEquals([run.code, run.timedOut], [0, false]);
});

Deno.test("output() keeps what was written until the timeout", async () => {
  const run = await new Command(deno, {
    args: evalArgs(DEAF),
    timeout: ENOUGH,
    grace: 0,
  }).output();
  assertEquals([run.timedOut, text(run.stdout)], [true, "ready\n"]);
});

Deno.test("outputSync() obeys timeout and grace", () => {
  const began = performance.now();
  const run = new Command(deno, {
    args: evalArgs(DEAF),
    timeout: ENOUGH,
    grace: 100,
  }).outputSync();
  assertEquals([run.timedOut, run.killed, text(run.stdout)], [
    true,
    true,
    "ready\n",
  ]);
  assertGreaterOrEqual(performance.now() - began, ENOUGH - 10);
});

Deno.test("outputSync() ends the whole tree at its timeout", async () => {
  await using roll = new RollCall();
  const source = `new Deno.Command(${JSON.stringify(deno)}, {
    args: ${
    JSON.stringify(roll.args("grandchild"))
  }, stdin: "null", stdout: "null", stderr: "null",
  }).spawn(); setInterval(() => {}, 1000)`;
  const run = new Command(deno, {
    args: evalArgs(source, roll.marker),
    timeout: ENOUGH,
    grace: 0,
  }).outputSync();
  assertEquals(run.timedOut, true);
  await roll.assertGone();
});

Deno.test("wait() resolves with the status of a child that ends in time", async () => {
  await using child = new Command(deno, {
    args: evalArgs("Deno.exit(3)"),
    ...QUIET,
  }).spawn();
  const status = await child.wait({ timeout: LONG });
  assertEquals([status.code, status.timedOut], [3, false]);
});

Deno.test("wait() ends the tree when the time is up", async () => {
  await using roll = new RollCall();
  const process = new Command(deno, { args: roll.args("leader"), ...QUIET })
    .spawn();
  await (await roll.member("leader")).spawn("child");
  const status = await process.wait({ timeout: 50, grace: 2000 });
  await roll.assertGone();
  assertEquals([status.timedOut, status.killed], [true, true]);
});

Deno.test("wait() ends what the leader left behind", async () => {
  await using roll = new RollCall();
  const process = new Command(deno, { args: roll.args("leader"), ...QUIET })
    .spawn();
  const leader = await roll.member("leader");
  await leader.spawn("child");
  const waiting = process.wait({ grace: 2000 });
  await leader.exit(4);
  const status = await waiting;
  await roll.assertGone();
  assertEquals([status.code, status.timedOut], [4, false]);
});

Deno.test("wait() with tree: false ends the leader alone", async () => {
  await using roll = new RollCall();
  await using process = new Command(deno, {
    args: roll.args("leader"),
    ...QUIET,
    grace: 0,
  }).spawn();
  const child = await (await roll.member("leader")).spawn("child");
  const status = await process.wait({ timeout: 50, tree: false });
  assertEquals([status.timedOut, status.signal], [true, "SIGKILL"]);
  await child.answers();
});

Deno.test("wait() may be called again, with another timeout", async () => {
  await using process = new Command(deno, { args: evalArgs(IDLE), ...QUIET })
    .spawn();
  const first = process.wait();
  const second = process.wait({ timeout: 10, grace: 0 });
  const [a, b] = await within(Promise.all([first, second]), "both waits");
  assertEquals([a.timedOut, b.timedOut], [true, true]);
  assertEquals((await process.wait({ timeout: 10 })).timedOut, true);
});

Deno.test("call() resolves with the exit code", async () => {
  assertEquals(await call([deno, ...evalArgs("Deno.exit(3)")]), 3);
  assertEquals(await call([deno, ...evalArgs("")]), 0);
  const killed = await call([deno, ...evalArgs(IDLE)], {
    stdout: "null",
    timeout: 10,
    grace: 0,
  });
  assertEquals(killed, 137);
});

Deno.test("call() leaves nothing behind when its time is up", async () => {
  await using roll = new RollCall();
  const source = `new Deno.Command(${JSON.stringify(deno)}, {
    args: ${
    JSON.stringify(roll.args("grandchild"))
  }, stdin: "null", stdout: "null", stderr: "null",
  }).spawn(); setInterval(() => {}, 1000)`;
  const calling = call([deno, ...evalArgs(source, roll.marker)], {
    ...QUIET,
    timeout: ENOUGH,
    grace: 0,
  });
  await (await roll.member("grandchild")).answers();
  assertEquals(await calling, 137);
  await roll.assertGone();
});

Deno.test("call() collects nothing but what is asked for, and inherits the rest", async () => {
  const code = await call([deno, ...evalArgs("console.log('piped')")], {
    stdout: "piped",
    stderr: "piped",
  });
  assertEquals(code, 0);
});

Deno.test("checkCall() throws CalledProcessError for a code other than 0", async () => {
  await checkCall([deno, ...evalArgs("")]);
  const error = await assertRejects(
    () =>
      checkCall([deno, ...evalArgs("console.error('why'); Deno.exit(3)")], {
        stderr: "piped",
      }),
    CalledProcessError,
    "exited with code 3",
  );
  assertEquals(
    [error.name, error.code, error.signal, error.command],
    ["CalledProcessError", 3, null, deno],
  );
  assertEquals(error.args.length, 5);
  assertEquals([error.stdout, text(error.stderr)], [null, "why\n"]);
});

Deno.test("checkCall() names the signal that ended the command", async () => {
  const error = await assertRejects(
    () =>
      checkCall([
        deno,
        ...evalArgs(
          "Deno.kill(Deno.pid, 'SIGKILL'); setInterval(() => {}, 1000)",
        ),
      ]),
    CalledProcessError,
  );
  if (DIFFERENCES.ignoredSignals.here) assert(error.code !== 0);
  else assertEquals([error.code, error.signal], [137, "SIGKILL"]);
});

Deno.test("checkOutput() resolves with the output", async () => {
  const bytes = await checkOutput([deno, ...evalArgs("console.log('hi')")]);
  assertEquals(text(bytes), "hi\n");
});

Deno.test("checkOutput() attaches the output to the error", async () => {
  const error = await assertRejects(
    () =>
      checkOutput([deno, ...evalArgs("console.log('partial'); Deno.exit(1)")]),
    CalledProcessError,
  );
  assertEquals([text(error.stdout), error.stderr], ["partial\n", null]);
});

for (const check of [checkCall, checkOutput]) {
  Deno.test(`${check.name}() throws TimeoutExpired, with the partial output`, async () => {
    const error = await assertRejects(
      () =>
        check([deno, ...evalArgs(IDLE)], {
          stdout: "piped",
          timeout: ENOUGH,
          grace: 0,
        }),
      TimeoutExpired,
      `did not end within ${ENOUGH} ms; its process tree was ended`,
    );
    assertInstanceOf(error, Error);
    assertEquals(
      [error.name, error.timeout, error.command, text(error.stdout)],
      ["TimeoutExpired", ENOUGH, deno, "ready\n"],
    );
  });
}

Deno.test("call() with an empty list, or none, starts nothing", async () => {
  await assertRejects(
    () => call([]),
    TypeError,
    "the program and its arguments",
  );
  await assertRejects(() => call("ls" as unknown as string[]), TypeError);
  await assertRejects(() => checkCall([""]), TypeError, "the program is empty");
});
