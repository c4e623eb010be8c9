import { assert, assertEquals, assertRejects } from "@std/assert";
import { Command } from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE, waitForText } from "../fixtures/eval.ts";
import {
  type AnyCommand,
  sameAsDeno,
  sameErrorAsDeno,
  type Scenario,
} from "../fixtures/side_by_side.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const MIB = 1 << 20;

/** Writes `size` bytes, each the low byte of its position divided by 256. */
const FLOOD = `
const size = Number(Deno.args[0]);
const piece = new Uint8Array(65536);
for (let at = 0; at < size; at += piece.length) {
  for (let i = 0; i < piece.length; i += 256) piece.fill((at + i) >> 8, i, i + 256);
  for (let done = 0; done < piece.length;) done += Deno.stdout.writeSync(piece.subarray(done));
}`;
const ECHO = `
const buffer = new Uint8Array(65536);
for (;;) {
  const n = Deno.stdin.readSync(buffer);
  if (n === null) break;
  for (let at = 0; at < n;) at += Deno.stdout.writeSync(buffer.subarray(at, n));
  for (let at = 0; at < n;) at += Deno.stderr.writeSync(buffer.subarray(at, n));
}`;

function printing(C: AnyCommand, source: string): Deno.ChildProcess {
  return new C(deno, {
    args: evalArgs(source),
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

const HELPERS: readonly (readonly [string, Scenario])[] = [
  ["text()", async (C) => {
    const child = printing(
      C,
      "Deno.stdout.writeSync(new TextEncoder().encode('ä€😀'))",
    );
    return [await child.stdout.text(), (await child.status).code];
  }],
  ["text() without the byte order mark", async (C) => {
    const child = printing(
      C,
      "Deno.stdout.writeSync(new Uint8Array([0xef, 0xbb, 0xbf, 65, 0xff]))",
    );
    return [await child.stdout.text(), (await child.status).code];
  }],
  ["json()", async (C) => {
    const child = printing(C, `console.log(JSON.stringify({ a: [1, null] }))`);
    return [await child.stdout.json(), (await child.status).code];
  }],
  ["bytes()", async (C) => {
    const child = printing(
      C,
      "Deno.stdout.writeSync(new Uint8Array([0, 255, 10]))",
    );
    return [[...await child.stdout.bytes()], (await child.status).code];
  }],
  ["arrayBuffer()", async (C) => {
    const child = printing(
      C,
      "Deno.stdout.writeSync(new Uint8Array([0, 255, 10]))",
    );
    const buffer = await child.stdout.arrayBuffer();
    await child.status;
    return [buffer instanceof ArrayBuffer, buffer.byteLength];
  }],
  ["bytes() of nothing", async (C) => {
    const child = printing(C, "");
    return [(await child.stdout.bytes()).length, (await child.status).code];
  }],
  ["for await", async (C) => {
    const child = printing(C, "console.log('a'); console.log('b')");
    let size = 0;
    for await (const chunk of child.stdout) size += chunk.length;
    await child.status;
    return size;
  }],
  ["pipeThrough()", async (C) => {
    const child = printing(C, "console.log('decoded')");
    const text = child.stdout.pipeThrough(new TextDecoderStream());
    const parts = await Array.fromAsync(text);
    await child.status;
    return parts.join("");
  }],
  ["tee()", async (C) => {
    const child = printing(C, "console.log('twice')");
    const [a, b] = child.stdout.tee();
    const texts = await Promise.all([
      new Response(a).text(),
      new Response(b).text(),
    ]);
    await child.status;
    return texts;
  }],
];

for (const [name, scenario] of HELPERS) {
  Deno.test(`stdout does as Deno's: ${name}`, async () => {
    const outcome = await sameAsDeno(scenario);
    assert(!(outcome as { error?: string }).error, JSON.stringify(outcome));
  });
}

Deno.test("stdout.json() of no JSON is a SyntaxError, as Deno's", async () => {
  await sameErrorAsDeno(async (C) => {
    const child = printing(C, "console.log('{')");
    try {
      return await child.stdout.json();
    } finally {
      await child.status;
    }
  });
});

Deno.test("stdout reads into the caller's buffer (BYOB)", async () => {
  const child = new Command(deno, {
    args: evalArgs(FLOOD, "131072"),
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader({ mode: "byob" });
  let at = 0;
  let view = new Uint8Array(1000);
  for (;;) {
    const { value, done } = await reader.read(view);
    if (done) break;
    for (const byte of value) assertEquals(byte, (at++ >> 8) & 0xff);
    view = new Uint8Array(value.buffer);
    assertEquals(view.length, 1000);
  }
  assertEquals(at, 131072);
  assertEquals((await child.status).code, 0);
});

Deno.test("a child that is not read waits: its output is not lost and not buffered here", async () => {
  await using child = new Command(deno, {
    args: evalArgs(
      `const piece = new Uint8Array(65536);
      let written = 0;
      console.error('begun');
      while (written < ${16 * MIB}) written += Deno.stdout.writeSync(piece);
      console.error('done');`,
    ),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said = await waitForText(child.stderr, "begun");
  assert(!said.includes("done"));
  // A chunk taken does not make the stream take all the others.
  const reader = child.stdout.getReader();
  const first = await reader.read();
  assert(first.value!.length <= 2 * MIB);
  let finished = false;
  const rest = child.stderr.text();
  rest.then(() => finished = true);
  let size = first.value!.length;
  assert(!finished);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    // The child is never further ahead than a pipe and a chunk.
    assert(value.length <= 2 * MIB);
  }
  assertEquals(size, 16 * MIB);
  assertEquals((await rest).trim(), "done");
});

Deno.test("cancel() of stdout lets the child know that nobody reads", async () => {
  const child = new Command(deno, {
    args: evalArgs(
      `console.log('ready');
      const piece = new Uint8Array(65536);
      try { for (;;) Deno.stdout.writeSync(piece); }
      catch (error) { console.error(error.name); }`,
    ),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await waitForText(child.stdout);
  await child.stdout.cancel();
  assertEquals((await child.stderr.text()).trim(), "BrokenPipe");
  assertEquals((await child.status).code, 0);
});

Deno.test("cancel() ends a read that is pending", async () => {
  await using child = new Command(deno, {
    args: evalArgs(IDLE),
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await waitForText(child.stdout);
  const reader = child.stdout.getReader();
  const pending = reader.read();
  await reader.cancel();
  assertEquals((await pending).done, true);
});

Deno.test("large input and output in both directions at once do not deadlock", async () => {
  const size = 8 * MIB;
  const child = new Command(deno, {
    args: evalArgs(ECHO),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = new Uint8Array(size).map((_, i) => i >> 8);
  const writer = child.stdin.getWriter();
  const [, stdout, stderr] = await Promise.all([
    writer.write(input).then(() => writer.close()),
    child.stdout.bytes(),
    child.stderr.bytes(),
  ]);
  assertEquals([stdout.length, stderr.length], [size, size]);
  assert(stdout.every((byte, i) => byte === ((i >> 8) & 0xff)));
  assertEquals((await child.status).code, 0);
});

Deno.test("output() feeds large input while it drains both outputs", async () => {
  const input = new Uint8Array(4 * MIB).fill(7);
  const run = await new Command(deno, { args: evalArgs(ECHO), input }).output();
  assertEquals([run.stdout.length, run.stderr.length], [4 * MIB, 4 * MIB]);
  assertEquals(run.stdout.at(-1), 7);
});

Deno.test("outputSync() feeds large input while it drains both outputs", () => {
  const input = new Uint8Array(4 * MIB).fill(7);
  const run = new Command(deno, { args: evalArgs(ECHO), input }).outputSync();
  assertEquals([run.stdout.length, run.stderr.length], [4 * MIB, 4 * MIB]);
  assertEquals(run.stderr.at(-1), 7);
});

Deno.test("input may be text, bytes, a stream, or empty", async () => {
  const run = async (input: string | Uint8Array | ReadableStream<Uint8Array>) =>
    new TextDecoder().decode(
      (await new Command(deno, {
        args: evalArgs(
          "await Deno.stdin.readable.pipeTo(Deno.stdout.writable)",
        ),
        input,
      }).output()).stdout,
    );
  assertEquals(await run("ä"), "ä");
  assertEquals(await run(new Uint8Array([65, 66])), "AB");
  assertEquals(
    await run(ReadableStream.from([
      new Uint8Array([67]),
      new Uint8Array([68]),
    ])),
    "CD",
  );
  assertEquals(await run(""), "");
});

Deno.test("a child that ends without reading its input is no error", async () => {
  const command = new Command(deno, {
    args: evalArgs("console.log('read nothing')"),
    input: new Uint8Array(4 * MIB),
  });
  const run = await command.output();
  assertEquals([run.success, run.stdout.length], [true, 13]);
  const sync = command.outputSync();
  assertEquals([sync.success, sync.stdout.length], [true, 13]);
});

Deno.test("an input stream is cancelled when the child does not want the rest", async () => {
  const cancelled = Promise.withResolvers<void>();
  const input = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(65536)),
    cancel: () => cancelled.resolve(),
  });
  const run = await new Command(deno, { args: evalArgs(""), input }).output();
  assertEquals(run.code, 0);
  await within(cancelled.promise, "the stream's cancellation");
});

Deno.test("writing to a child that has ended fails with BrokenPipe", async () => {
  const child = new Command(deno, {
    args: evalArgs(""),
    stdin: "piped",
    stdout: "null",
  }).spawn();
  await child.status;
  const writer = child.stdin.getWriter();
  await assertRejects(
    async () => {
      for (let i = 0; i < 100; i++) await writer.write(new Uint8Array(65536));
    },
    Deno.errors.BrokenPipe,
  );
  await writer.closed.catch(() => {});
});

Deno.test({
  name: "writing something other than bytes is a TypeError, as with Deno",
  ignore: DIFFERENCES.olderModel.here,
  async fn() {
    await sameErrorAsDeno(async (C) => {
      const child = new C(deno, {
        args: evalArgs(""),
        stdin: "piped",
        stdout: "null",
      }).spawn();
      const writer = child.stdin.getWriter();
      writer.closed.catch(() => {});
      try {
        await writer.write("text" as unknown as Uint8Array);
      } finally {
        await child[Symbol.asyncDispose]();
      }
    });
  },
});

Deno.test("abort() of stdin is the end of file for the child", async () => {
  const child = new Command(deno, {
    args: evalArgs("console.log(await Deno.stdin.read(new Uint8Array(1)))"),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await child.stdin.abort();
  assertEquals((await child.stdout.text()).trim(), "null");
  assertEquals((await child.status).code, 0);
});

Deno.test("output() takes what a reader has left unread", async () => {
  const child = new Command(deno, {
    args: evalArgs("console.log('ready'); console.log('rest'.repeat(10))"),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const begun = await waitForText(child.stdout);
  const run = await child.output();
  const all = begun + new TextDecoder().decode(run.stdout);
  assertEquals(all, "ready\n" + "rest".repeat(10) + "\n");
});

Deno.test("output() does not wait for a descendant that holds the pipe", async () => {
  const run = await within(
    new Command(deno, {
      args: evalArgs(
        `new Deno.Command(${JSON.stringify(deno)}, {
          args: ${JSON.stringify(evalArgs(IDLE))}, stdin: "null",
        }).spawn().unref();
        await new Promise((r) => setTimeout(r, 1));
        Deno.stdout.writeSync(new TextEncoder().encode("leader\\n"));
        Deno.exit(0)`,
      ),
      grace: 0,
    }).output(),
    "output() while a grandchild holds stdout",
  );
  assertEquals(run.code, 0);
  assert(new TextDecoder().decode(run.stdout).includes("leader"));
});

Deno.test("outputSync() does not wait for a descendant that holds the pipe", () => {
  const run = new Command(deno, {
    args: evalArgs(
      `new Deno.Command(${JSON.stringify(deno)}, {
        args: ${JSON.stringify(evalArgs(IDLE))}, stdin: "null",
      }).spawn().unref();
      Deno.stdout.writeSync(new TextEncoder().encode("leader\\n"));
      Deno.exit(0)`,
    ),
    grace: 0,
    timeout: 60_000,
  }).outputSync();
  assertEquals([run.code, run.timedOut], [0, false]);
  assert(new TextDecoder().decode(run.stdout).includes("leader"));
});

Deno.test("what a child wrote before it died is still there", async () => {
  const command = new Command(deno, {
    args: evalArgs(
      "Deno.stdout.writeSync(new TextEncoder().encode('last words')); Deno.kill(Deno.pid, 'SIGKILL')",
    ),
  });
  const run = await command.output();
  assertEquals(new TextDecoder().decode(run.stdout), "last words");
  assertEquals(
    new TextDecoder().decode(command.outputSync().stdout),
    "last words",
  );
});

Deno.test("an unread stream does not hold up the status", async () => {
  const child = new Command(deno, {
    args: evalArgs("console.log('unread')"),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  assertEquals((await child.status).code, 0);
  assertEquals(await child.stdout.text(), "unread\n");
  await child.stderr.cancel();
});
