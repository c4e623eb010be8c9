/** Many commands in a job: so many at a time, tried again, ended together. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type BatchProgress,
  type BatchResult,
  Command,
  Job,
} from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const says = (code: string): string[] => [deno, ...evalArgs(code)];

async function inFolder(body: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function attempts(results: readonly BatchResult[]): number[] {
  return results.map((one) => one.attempts);
}

Deno.test("batch(): every output is at the place of its command", async () => {
  await using job = new Job({ policy: "all" });
  const words = ["a", "b", "c", "d", "e"];
  const seen: BatchProgress[] = [];
  const results = await job.batch(
    words.map((word) => says(`console.log("${word}")`)),
    { concurrency: 2, onProgress: (progress) => seen.push(progress) },
  );
  assertEquals(results.map(({ output }) => output?.text().trim()), words);
  assertEquals(results.map(({ index }) => index), [0, 1, 2, 3, 4]);
  assert(results.every(({ success, error }) => success && error === null));
  // Never more than two at a time, and the last word is that all have ended.
  assert(seen.every(({ running, total }) => running <= 2 && total === 5));
  assert(seen.some(({ running }) => running === 2));
  const last = seen.at(-1);
  assertEquals([last?.done, last?.failed, last?.running], [5, 0, 0]);
  const { success, statuses } = await job.exited;
  assertEquals([success, statuses.length], [true, 5]);
});

Deno.test("batch(): who fails is tried again, and then counts as it ended", () =>
  inFolder(async (folder) => {
    // Fails until it has been started three times.
    const code = `const file = ${JSON.stringify(`${folder}/tries`)};
      Deno.writeTextFileSync(file, "x", { append: true });
      Deno.exit(Deno.readTextFileSync(file).length < 3 ? 1 : 0);`;
    await using job = new Job();
    const results = await job.batch([says(code)], {
      retries: 4,
      retryDelay: 1,
    });
    assertEquals(attempts(results), [3]);
    assert(results[0]?.success);
    const { success, first, statuses } = await job.exited;
    assertEquals([success, first, statuses.length], [true, null, 3]);
  }));

Deno.test("batch(): with first-failure the rest is ended, or not started", async () => {
  await using job = new Job({ grace: 0 });
  const results = await job.batch([
    says(IDLE),
    says("Deno.exit(3)"),
    says("console.log('never')"),
  ], { concurrency: 2, retries: 1, retryDelay: 1 });
  assertEquals(attempts(results), [1, 2, 0]);
  assertEquals(results.map(({ success }) => success), [false, false, false]);
  assertEquals(results[1]?.output?.code, 3);
  assertEquals(results[0]?.output?.killed, true);
  assertEquals(results[2]?.output, null);
  const { success, report } = await job.exited;
  assertEquals([success, report.survivors], [false, 0]);
});

Deno.test("batch(): with all, each has its turn", async () => {
  await using job = new Job({ policy: "all" });
  const results = await job.batch([
    says("Deno.exit(3)"),
    ["no-such-program-here"],
    says("console.log('runs')"),
  ], { concurrency: 1 });
  assertEquals(results.map(({ success }) => success), [false, false, true]);
  assert(results[1]?.error instanceof Deno.errors.NotFound);
  assertEquals((await job.exited).success, false);
});

Deno.test("batch(): an abort ends it, also between two tries", async () => {
  for (const code of [IDLE, "Deno.exit(1)"]) {
    const controller = new AbortController();
    await using job = new Job({
      policy: "all",
      grace: 0,
      signal: controller.signal,
    });
    const results = await job.batch([says(code), says(IDLE)], {
      concurrency: 1,
      retries: 1000,
      retryDelay: 3_600_000,
      onProgress({ running, retried }) {
        const waits = code === IDLE ? running === 1 : retried === 1;
        if (waits) queueMicrotask(() => controller.abort());
      },
    });
    assertEquals(attempts(results), [1, 0]);
    assertEquals((await job.exited).aborted, true);
  }
});

Deno.test("batch(): what is wrong is refused before anything is started", async () => {
  await using job = new Job();
  // deno-lint-ignore no-explicit-any
  const refused = (commands: any, options?: any, kind: any = TypeError) =>
    assertRejects(() => job.batch(commands, options), kind);
  await refused("ls");
  await refused([says("1"), "ls"]);
  await refused([[]]);
  await refused([says("1")], { concurency: 2 });
  await refused([says("1")], { concurrency: 0 }, RangeError);
  await refused([says("1")], { retries: 1.5 }, RangeError);
  await refused([says("1")], { onProgress: 5 });
  await refused([new Command(deno, { timeout: -1 })], {}, RangeError);
  assertEquals(await job.batch([]), []);
  assertEquals(job.processes(), []);
});
