/**
 * Limits of a whole job, and what it has used.
 */

import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { Command, Job, type JobLimits, pipeline } from "../../mod.ts";
import { until, within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { settle, warmUp } from "../fixtures/warm_up.ts";
import { isWine } from "../windows/support.ts";

const deno = denoPath();
const MB = 1 << 20;
// Whatever goes wrong, nothing runs for longer than this.
const SAFE = { wallTime: 55_000 };
const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

Deno.test.beforeAll(async () => {
  await warmUp();
  // Opens what a look at the use of processes needs.
  const limits = { memory: 1e12, cpuTime: 1e9, ...SAFE };
  await new Command(deno, { args: evalArgs("1"), limits }).output();
  await settle();
});

const HOLD =
  `const a = []; for (let i = 0; i < 150; i++) a.push(new Uint8Array(1 << 20).fill(1)); ${IDLE}`;
const BURN = "for (;;);";

/** Three children, of which none is past the limit alone. */
const HIT: readonly (readonly [keyof JobLimits, string, JobLimits])[] = [
  ["memory", HOLD, { memory: 400 * MB }],
  ["cpuTime", BURN, { cpuTime: 2_000 }],
  ["processes", IDLE, { processes: 2 }],
  ["wallTime", IDLE, { wallTime: 1_000 }],
];

for (const [limit, source, limits] of HIT) {
  Deno.test({
    name:
      `a limit that all pass together ends the job, which names it: ${limit}`,
    // Wine tells the asking process's own CPU time for every process.
    ignore: limit === "cpuTime" && isWine(),
    async fn() {
      await using job = new Job({
        policy: "all",
        limits: { ...SAFE, ...limits },
      });
      for (let i = 0; i < 3; i++) job.spawn(deno, evalArgs(source), QUIET);
      const result = await within(job.exited, limit);
      assertEquals([result.limit, result.success], [limit, false]);
      assertEquals([result.timedOut, result.aborted], [false, false]);
      assertEquals(result.statuses.length, 3);
      for (const { status } of result.statuses) {
        // The limit is the job's, and the child was within its own.
        assertEquals([status.killed, status.limit], [true, null]);
      }
      assertEquals(job.processes(), []);
    },
  });
}

Deno.test("the same children without a limit, or within it, are not ended", async () => {
  for (const limits of [{}, { memory: 2 ** 40, processes: 3, ...SAFE }]) {
    await using job = new Job({ policy: "all", limits });
    for (let i = 0; i < 3; i++) {
      job.spawn(deno, evalArgs("console.log('done')"), QUIET);
    }
    const { success, limit } = await within(job.exited, "the job");
    assertEquals([success, limit], [true, null]);
  }
});

Deno.test("a child has limits of its own besides, and says so itself", async () => {
  await using job = new Job({ policy: "first-failure", limits: SAFE });
  job.spawn(deno, evalArgs(IDLE), QUIET);
  const child = job.spawn(deno, evalArgs(IDLE), {
    ...QUIET,
    limits: { wallTime: 300 },
  });
  const { limit, success, first } = await within(job.exited, "the job");
  assertEquals([limit, success, first], [null, false, child]);
  assertEquals((await child.status).limit, "wallTime");
});

Deno.test("a limit that is passed while a stop waits shortens its grace", async () => {
  await using job = new Job({ limits: { wallTime: 1_500 } });
  const deaf = `for (const s of ["SIGTERM", "SIGINT"]) {
    try { Deno.addSignalListener(s, () => {}); } catch { /* not on Windows */ }
  } ${IDLE}`;
  job.spawn(deno, evalArgs(deaf), QUIET);
  await within(job.stop({ grace: 50_000 }), "the stop");
});

Deno.test("job.limits says what holds them", async () => {
  await using job = new Job({ limits: { memory: 2 ** 40, ...SAFE } });
  assertEquals(job.limits, []);
  job.spawn(deno, evalArgs(IDLE), QUIET);
  assertEquals(job.limits, [
    { limit: "memory", value: 2 ** 40, by: "watched", of: "tree" },
    { limit: "wallTime", value: SAFE.wallTime, by: "watched", of: "tree" },
  ]);
});

Deno.test("a pipeline has limits of the whole", async () => {
  const { limit, success } = await within(
    pipeline([[deno, ...evalArgs(IDLE)], [deno, ...evalArgs(IDLE)]], {
      limits: { wallTime: 500 },
    }),
    "the limit",
  );
  assertEquals([limit, success], ["wallTime", false]);
});

Deno.test("bad limits of a job are refused", () => {
  const refused = (limits: unknown, kind: ErrorConstructor, text: string) =>
    assertThrows(() => new Job({ limits } as never), kind, text);
  refused({ ram: 1 }, TypeError, "there are memory, cpuTime");
  refused(5, TypeError, "expected an object");
  refused({ memory: "1" }, TypeError, "expected bytes");
  refused({ processes: 0 }, RangeError, "from 1");
  // What only a child has.
  refused({ output: 1 }, TypeError, "memory, cpuTime, wallTime, processes");
});

Deno.test("usage() is the sum over the children, the ended ones included", async () => {
  await using job = new Job({ policy: "all" });
  const nothing = job.usage();
  assertEquals([nothing.memory, nothing.processes], [null, null]);
  const work = "let x = 0; for (let i = 0; i < 1e8; i++) x += i;";
  const worker = job.spawn(deno, evalArgs(work), QUIET);
  await within(worker.status, "the work");
  const spent = worker.usage().tree.userTime ?? 0;
  for (let i = 0; i < 2; i++) job.spawn(deno, evalArgs(IDLE), QUIET);
  await until(() => (job.usage().memory ?? 0) > 20 * MB, "their memory");
  const usage = job.usage();
  assertEquals(usage.processes, 2);
  if (!isWine()) {
    assertGreater(spent, 0);
    assert((usage.userTime ?? 0) >= spent, "the time of who has ended counts");
  }
  assert((usage.peakMemory ?? 0) >= (usage.memory ?? 0));
});
