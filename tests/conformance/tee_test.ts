import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { checkOutput, Command } from "../../mod.ts";
import { denoArgs, denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const BOTH = "console.log('out'); console.error('err')";
const MANY = "for (let i = 0; i < 20000; i++) console.log('line ' + i)";
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** What was shown of each output. */
function collector() {
  const shown = { stdout: "", stderr: "" };
  const tee = (chunk: Uint8Array, stream: "stdout" | "stderr") => {
    shown[stream] += text(chunk);
  };
  return { shown, tee };
}

for (const how of ["output", "outputSync"] as const) {
  Deno.test(`${how}() shows what it captures to a function`, async () => {
    const { shown, tee } = collector();
    const command = new Command(deno, { args: evalArgs(BOTH), tee });
    const output = await command[how]();
    assertEquals([text(output.stdout), text(output.stderr)], [
      "out\n",
      "err\n",
    ]);
    assertEquals(shown, { stdout: "out\n", stderr: "err\n" });
  });

  Deno.test(`${how}() shows it on this process's own outputs`, async () => {
    const script = import.meta.resolve("../fixtures/tee_inherit.ts");
    const output = await new Deno.Command(deno, {
      args: denoArgs(script, [how], ["--allow-ffi", "--allow-run"]),
      stdin: "null",
    }).output();
    assertEquals([text(output.stdout), text(output.stderr)], [
      "out\ncaptured 4 4\n",
      "err\n",
    ]);
  });
}

Deno.test("checkOutput() shows what it captures", async () => {
  const { shown, tee } = collector();
  await checkOutput([deno, ...evalArgs("console.log('out')")], { tee });
  assertEquals(shown.stdout, "out\n");
});

Deno.test("a stream gets everything, in order, and is given back open", async () => {
  let shown = "";
  let closed = false;
  const tee = new WritableStream<Uint8Array>({
    write: (chunk) => void (shown += text(chunk)),
    close: () => void (closed = true),
  });
  const { stdout } = await new Command(deno, { args: evalArgs(MANY), tee })
    .output();
  assertEquals(shown, text(stdout));
  assertEquals(shown.split("\n").length, 20_001);
  assertEquals([tee.locked, closed], [false, false]);
  await tee.close();
});

Deno.test("a slow receiver slows the child down", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  let shown = 0;
  const child = new Command(deno, {
    args: evalArgs(
      "const piece = new Uint8Array(65536); for (let i = 0; i < 256; i++) Deno.stdout.writeSync(piece)",
    ),
    stdout: "piped",
    stderr: "null",
    tee: async (chunk) => {
      shown += chunk.length;
      await opened;
    },
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  const output = child.output();
  await new Command(deno, { args: ["--version"] }).output();
  // 16 MiB fit into no pipe: it cannot be through.
  assertEquals(ended, false);
  open();
  assertEquals((await output).stdout.length, 1 << 24);
  assertEquals(shown, 1 << 24);
});

Deno.test("what reads the streams is shown as well: lines(), text()", async () => {
  const { shown, tee } = collector();
  await using child = new Command(deno, {
    args: evalArgs(BOTH),
    stdout: "piped",
    stderr: "piped",
    tee,
  }).spawn();
  assertEquals(await Array.fromAsync(child.lines()), ["out"]);
  assertEquals(await child.stderr.text(), "err\n");
  assertEquals(shown, { stdout: "out\n", stderr: "err\n" });
});

Deno.test("a receiver that fails, fails the run, and the tree is ended", async () => {
  const failing = [
    () => {
      throw new Error("not interested");
    },
    () => Promise.reject(new Error("not interested")),
    new WritableStream({
      write: () => Promise.reject(new Error("not interested")),
    }),
  ];
  for (const tee of failing) {
    const child = new Command(deno, {
      args: evalArgs(IDLE),
      stdout: "piped",
      stderr: "piped",
      tee,
      grace: 0,
    }).spawn();
    await assertRejects(() => child.output(), Error, "not interested");
    assert((await child.status).killed);
    assertEquals(child.descendants(), []);
  }
});

Deno.test("the receiver's copy is its own", async () => {
  const { stdout } = await new Command(deno, {
    args: evalArgs("console.log('out')"),
    tee: (chunk) => void chunk.fill(0),
  }).output();
  assertEquals(text(stdout), "out\n");
});

Deno.test("outputSync() takes no stream, and leaves it unlocked", () => {
  const tee = new WritableStream();
  assertThrows(
    () => new Command(deno, { args: evalArgs(BOTH), tee }).outputSync(),
    TypeError,
    "tee",
  );
  assertEquals(tee.locked, false);
});
