import { assert, assertEquals } from "@std/assert";
import { Command } from "../../mod.ts";
import { compile } from "../fixtures/compile.ts";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const WORKER = import.meta.resolve("../fixtures/worker.ts");

/** Lets a worker do something with the library; resolves with its answer. */
async function inWorker(order: unknown): Promise<unknown> {
  const worker = new Worker(WORKER, { type: "module" });
  try {
    const answer = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
    worker.postMessage(order);
    return await within(answer, "the worker's answer");
  } finally {
    worker.terminate();
  }
}

Deno.test("a worker runs commands, streams, timeouts and stops as the main program does", async () => {
  assertEquals(await inWorker({ do: "everything", deno }), {
    output: [3, "in"],
    sync: [3, "in"],
    stream: "streamed",
    timedOut: true,
    survivors: 0,
  });
});

Deno.test("several isolates at once do not take each other's children", async () => {
  const workers = Array.from(
    { length: 3 },
    (_, i) => inWorker({ do: "many", deno, from: 10 * i, count: 6 }),
  );
  const ours = Promise.all(
    Array.from(
      { length: 6 },
      (_, i) =>
        new Command(deno, { args: evalArgs(`Deno.exit(${100 + i})`) }).output(),
    ),
  );
  const theirs = Promise.all(
    Array.from(
      { length: 6 },
      (_, i) =>
        new Deno.Command(deno, { args: evalArgs(`Deno.exit(${200 + i})`) })
          .output(),
    ),
  );
  const codes = (from: number) => Array.from({ length: 6 }, (_, i) => from + i);
  assertEquals(await Promise.all(workers), [codes(0), codes(10), codes(20)]);
  assertEquals((await ours).map((run) => run.code), codes(100));
  assertEquals((await theirs).map((run) => run.code), codes(200));
});

Deno.test("a stop in one isolate leaves the trees of the others alone", async () => {
  await using roll = new RollCall();
  await using process = new Command(deno, {
    args: roll.args("main's"),
    stdin: "null",
    stdout: "null",
    stderr: "null",
    grace: 0,
  }).spawn();
  const member = await roll.member("main's");
  await inWorker({ do: "stop", deno });
  await member.answers();
  assert(process.pid > 1);
});

Deno.test("a compiled program does the same", async (t) => {
  const folder = await Deno.makeTempDir();
  try {
    const suffix = Deno.build.os === "windows" ? ".exe" : "";
    const { unreachable } = await compile(deno, [
      "--no-config",
      "--output",
      `${folder}/program${suffix}`,
      import.meta.resolve("../fixtures/compiled.ts"),
    ]);
    await t.step({
      name: unreachable ?? "it runs",
      ignore: unreachable !== null,
      async fn() {
        const run = await new Deno.Command(`${folder}/program${suffix}`, {
          args: [deno],
        }).output();
        const said = new TextDecoder().decode(run.stdout).trim();
        assertEquals([said, run.code], ["3 in true 0", 0]);
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
