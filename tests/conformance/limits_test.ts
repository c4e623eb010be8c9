import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CalledProcessError,
  checkCall,
  Command,
  Job,
  type Limits,
} from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { isWine } from "../windows/support.ts";
import { settle, warmUp } from "../fixtures/warm_up.ts";

const deno = denoPath();
// Whatever goes wrong, nothing runs for longer than this.
const SAFE = { wallTime: 55_000 };

Deno.test.beforeAll(async () => {
  await warmUp();
  // Opens what a look at the use of processes needs.
  await new Command(deno, {
    args: evalArgs("1"),
    limits: { memory: 1e12, cpuTime: 1e9, ...SAFE },
  }).output();
  await settle();
});

const BURN = "for (;;);";
const EAT = "const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1));";
const WRITE = "for (;;) console.log('x'.repeat(99));";

// Each by itself, waited for and blocking.
const HIT: readonly (readonly [string, string, Limits])[] = [
  ["cpuTime", BURN, { cpuTime: 2000 }],
  ["memory", EAT, { memory: 400 << 20 }],
  ["output", WRITE, { output: 5_000 }],
  ["wallTime", IDLE, { wallTime: 1_000 }],
];

for (const [limit, source, limits] of HIT) {
  const command = new Command(deno, {
    args: evalArgs(source),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    limits: { ...SAFE, ...limits },
  });

  // Wine tells the asking process's own CPU time for every process.
  const ignore = limit === "cpuTime" && isWine();

  Deno.test(
    `a limit that is passed ends the child, and the status names it: ${limit}`,
    { ignore },
    async () => {
      const run = await within(command.output(), limit);
      assertEquals([run.limit, run.success], [limit, false]);
      assertEquals([run.timedOut, run.aborted], [false, false]);
      if (limit === "output") assertEquals(run.stdout.length, 5_000);
    },
  );

  Deno.test(`outputSync() has the limit, too: ${limit}`, { ignore }, () => {
    const run = command.outputSync();
    assertEquals([run.limit, run.success], [limit, false]);
    if (limit === "output") assertEquals(run.stdout.length, 5_000);
  });
}

Deno.test("a limit ends the whole tree", async () => {
  await using roll = new RollCall();
  const child = new Command(deno, {
    args: roll.args("leader"),
    stdin: "null",
    stdout: "null",
    stderr: "null",
    limits: { wallTime: 4_000 },
  }).spawn();
  const status = await within(child.status, "the limit of time");
  assertEquals([status.limit, status.killed], ["wallTime", true]);
  await child.treeExited;
  await roll.assertGone();
});

Deno.test("checkCall() fails with the limit", async () => {
  const error = await assertRejects(
    () =>
      checkCall([deno, ...evalArgs(IDLE)], {
        stdout: "null",
        limits: { wallTime: 500 },
      }),
    CalledProcessError,
    "ended by its limit 'wallTime'",
  );
  assertEquals(error.limit, "wallTime");
});

Deno.test("limits that are not passed change nothing", async () => {
  const options = {
    args: evalArgs("console.log('done'); Deno.exit(3)"),
    limits: {
      memory: 2 ** 33,
      cpuTime: 50_000,
      wallTime: 50_000,
      processes: 50,
      output: 5,
    },
  };
  const run = await new Command(deno, options).output();
  assertEquals([run.code, run.limit, run.killed], [3, null, false]);
  const blocking = new Command(deno, options).outputSync();
  assertEquals([blocking.code, blocking.limit, blocking.killed], [
    3,
    null,
    false,
  ]);
});

Deno.test("without limits the status says null", async () => {
  const run = await new Command(deno, { args: evalArgs("1") }).output();
  assertEquals(run.limit, null);
});

Deno.test("a stream that is read ends at the limit of output", async () => {
  const child = new Command(deno, {
    args: evalArgs(WRITE),
    stdin: "null",
    stdout: "piped",
    limits: { output: 1234, ...SAFE },
  }).spawn();
  const bytes = await within(child.stdout.bytes(), "the end of the stream");
  assertEquals(bytes.length, 1234);
  assertEquals((await child.status).limit, "output");
  await child.treeExited;
});

Deno.test("a timeout comes before a longer limit of time, and is none", async () => {
  const run = await new Command(deno, {
    args: evalArgs(IDLE),
    timeout: 500,
    grace: 0,
    limits: { wallTime: 50_000 },
  }).output();
  assertEquals([run.timedOut, run.limit], [true, null]);
});

Deno.test("outputSync() has limits and the idle timeout together", () => {
  const talking = new Command(deno, {
    args: evalArgs("setInterval(() => console.log('still here'), 50)"),
    grace: 0,
    idleTimeout: 20_000,
    limits: { wallTime: 1_500, processes: 50 },
  }).outputSync();
  assertEquals([talking.idledOut, talking.limit], [false, "wallTime"]);
  const silent = new Command(deno, {
    args: evalArgs(IDLE),
    grace: 0,
    idleTimeout: 500,
    limits: { ...SAFE, processes: 50 },
  }).outputSync();
  assertEquals([silent.idledOut, silent.limit], [true, null]);
});

Deno.test("nobody is shown what is beyond the limit of output", async () => {
  let shown = 0;
  const command = new Command(deno, {
    args: evalArgs(WRITE),
    stdin: "null",
    tee: (bytes: Uint8Array) => {
      shown += bytes.length;
    },
    limits: { output: 4321, ...SAFE },
  });
  const run = await within(command.output(), "the limit of output");
  assertEquals([run.limit, run.stdout.length, shown], ["output", 4321, 4321]);
  shown = 0;
  const blocking = command.outputSync();
  assertEquals([blocking.limit, shown], ["output", 4321]);
});

Deno.test("a child of a job has limits of its own", async () => {
  await using job = new Job({ policy: "all" });
  const limited = job.spawn(
    new Command(deno, {
      args: evalArgs(IDLE),
      stdout: "null",
      limits: { wallTime: 800, processes: 50 },
    }),
  );
  const other = job.spawn(
    new Command(deno, { args: evalArgs(IDLE), stdout: "null" }),
  );
  const status = await within(limited.status, "the limit of time");
  assertEquals([status.limit, status.killed], ["wallTime", true]);
  assert(other.usage().leader.processes !== 0);
  await job.stop({ grace: 0 });
  assertEquals((await other.status).limit, null);
});

Deno.test("bad limits start nothing", async () => {
  // A program that would be missed is not even looked for.
  const bad = (limits: unknown) =>
    new Command("no-such-program", { limits: limits as Limits });
  for (const limits of [{ ram: 1 }, { memory: "1" }, { cpuTime: null }, 5]) {
    assertThrows(() => bad(limits).spawn(), TypeError, "limit");
    assertThrows(() => bad(limits).outputSync(), TypeError, "limit");
  }
  assertThrows(() => bad({ memory: -1 }).spawn(), RangeError, "memory");
  const error = assertThrows(() => bad({ ram: 1 }).spawn(), TypeError);
  assert(error.message.includes("memory, cpuTime, processes"), error.message);
  if (Deno.build.os !== "windows") return;
  await assertRejects(
    // deno-lint-ignore require-await -- what output() throws at once
    async () => bad({ fileSize: 1 }).output(),
    Deno.errors.NotSupported,
    "It has memory, cpuTime, processes, wallTime, output",
  );
});
