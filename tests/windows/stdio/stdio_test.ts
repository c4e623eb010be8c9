import { assert, assertEquals, assertRejects } from "@std/assert";
import { windowsBackend } from "../../../windows/backend.ts";
import { fixture, ignore, openLibraries, spec, start } from "../support.ts";

Deno.test.beforeAll(openLibraries);

const DENO = Deno.execPath();

/** Arguments that have Deno run a line of code. */
function code(text: string): string[] {
  return ["eval", "--no-config", text];
}

Deno.test({
  name: "output of many pieces arrives whole, and the end is seen",
  ignore,
  async fn() {
    const script = "const piece = new Uint8Array(65536).fill(97);" +
      "for (let i = 0; i < 320; i++) Deno.stdout.writeSync(piece);";
    await using child = start(spec(DENO, code(script), { stdout: "piped" }));
    const text = await child.text();
    assertEquals(text.length, 320 * 65_536);
    assertEquals((await child.exited).code, 0);
  },
});

Deno.test({
  name: "a writer is held back by a reader that does not read",
  ignore,
  async fn() {
    const script =
      "Deno.stdout.writeSync(new Uint8Array(1 << 20)); console.error('done');";
    await using child = start(
      spec(DENO, code(script), { stdout: "piped", stderr: "piped" }),
    );
    const view = new Uint8Array(100);
    const read = child.child.stderr!.read(view, false);
    const first = await Promise.race([
      Promise.resolve(read).then(() => "read"),
      new Promise<string>((resolve) => setTimeout(resolve, 1_500, "held")),
    ]);
    assertEquals(first, "held");
    await child.text();
    assertEquals(await read, 5);
  },
});

Deno.test({
  name: "stdin takes more than the pipe holds, while stdout is read",
  ignore,
  async fn() {
    const script =
      "let n = 0; for await (const c of Deno.stdin.readable) n += c.length;" +
      "console.log(n);";
    await using child = start(
      spec(DENO, code(script), { stdin: "piped", stdout: "piped" }),
    );
    await child.child.stdin!.write(new Uint8Array(5_000_000));
    child.child.stdin!.close();
    child.child.stdin!.close();
    assertEquals(await child.line(), "5000000");
  },
});

Deno.test({
  name: "writing to a child that has gone rejects with BrokenPipe",
  ignore,
  async fn() {
    await using child = start(
      spec("cmd", ["/c", "exit 3"], { stdin: "piped" }),
    );
    await child.exited;
    await child.child.watchTree().wait(5_000);
    await assertRejects(
      async () => await child.child.stdin!.write(new Uint8Array(1_000_000)),
      Deno.errors.BrokenPipe,
    );
  },
});

Deno.test({
  name: "finish() ends a stream that a grandchild still holds open",
  ignore,
  async fn() {
    const script =
      "new Deno.Command(Deno.execPath(), { args: ['eval', '--no-config', 'setInterval(() => {}, 1000)']," +
      "stdout: 'inherit', detached: true }).spawn().unref(); console.log('out'); Deno.exit(0)";
    await using child = start(spec(DENO, code(script), { stdout: "piped" }));
    assertEquals(await child.line(), "out");
    assertEquals((await child.exited).code, 0);
    assert(!child.child.treeIsEmpty());
    const pending = child.text();
    child.child.stdout!.finish();
    assertEquals(await pending, "");
  },
});

Deno.test({
  name: "settled() waits for the read that finish() has cancelled",
  ignore,
  async fn() {
    await using child = start(
      spec(DENO, fixture("handles_sigint"), { stdout: "piped" }),
    );
    await child.line();
    const { stdout } = child.child;
    let ended = false;
    const pending = child.text().then(() => ended = true);
    // The call for its packet has been made.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(child.child.settled(), null, "the read is wanted");
    stdout!.finish();
    const settled = child.child.settled();
    assert(settled !== null, "it is on its way back");
    await settled;
    await pending;
    assert(ended);
  },
});

Deno.test({
  name: "close() ends a pending read, and later reads are the end",
  ignore,
  async fn() {
    await using child = start(
      spec(DENO, fixture("handles_sigint"), { stdout: "piped" }),
    );
    await child.line();
    const pending = child.text();
    child.child.stdout!.close();
    child.child.stdout!.close();
    assertEquals(await pending, "");
    assertEquals(await child.text(), "");
  },
});

Deno.test({
  name: "64 children with piped output leave asynchronous file I/O fast",
  ignore,
  async fn() {
    const children = Array.from(
      { length: 64 },
      () =>
        start(
          spec("cmd", ["/c", "echo up& pause"], {
            stdin: "piped",
            stdout: "piped",
          }),
        ),
    );
    try {
      const lines = children.map((child) => child.line());
      const reads: number[] = [];
      for (let i = 0; i < 20; i++) {
        const before = performance.now();
        await Deno.readTextFile(new URL(import.meta.url));
        reads.push(performance.now() - before);
      }
      // One pending call per child would stall every read until children end.
      const slowest = Math.max(...reads);
      assert(slowest < 1_000, `slowest read: ${slowest} ms`);
      for (const line of lines) assert((await line).startsWith("up"));
    } finally {
      for (const child of children) child.child.killTree();
      for (const child of children) await child[Symbol.asyncDispose]();
    }
  },
});

Deno.test({
  name:
    "pumpSync() moves both ways without a deadlock, and drainSync() takes the rest",
  ignore,
  fn() {
    const child = windowsBackend().spawn(
      spec(
        DENO,
        code("await Deno.stdin.readable.pipeTo(Deno.stdout.writable)"),
        { stdin: "piped", stdout: "piped", stderr: "piped" },
      ),
    );
    let taken = 0;
    const io = {
      input: new Uint8Array(3_000_000) as Uint8Array | null,
      stdout(piece: Uint8Array): boolean {
        taken += piece.byteLength;
        return true;
      },
      stderr: () => true,
    };
    assertEquals(child.pumpSync(io, 30_000), "exited");
    child.drainSync(io);
    assertEquals(taken, 3_000_000);
    assertEquals(child.exitStatus(false)?.code, 0);
    assert(child.waitTreeEmptySync(5_000));
    child.release();
    child.retire();
  },
});

Deno.test({
  name: "pumpSync() does not wait while a pipe is fuller than it can take",
  ignore,
  fn() {
    const script = "const piece = new Uint8Array(65536);" +
      "for (let i = 0; i < 128; i++) Deno.stdout.writeSync(piece);";
    const child = windowsBackend().spawn(
      spec(DENO, code(script), { stdout: "piped" }),
    );
    let taken = 0;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const io = {
      input: null,
      // So slow that every read finds bytes, and none is ever in flight.
      stdout(piece: Uint8Array): boolean {
        Atomics.wait(pause, 0, 0, 3);
        taken += piece.byteLength;
        return true;
      },
      stderr: null,
    };
    assertEquals(child.pumpSync(io, 20_000), "exited");
    child.drainSync(io);
    assertEquals(taken, 128 * 65_536);
    assert(child.waitTreeEmptySync(5_000));
    child.release();
    child.retire();
  },
});

Deno.test({
  name: "pumpSync() tells a timeout and an overflow",
  ignore,
  fn() {
    const child = windowsBackend().spawn(
      spec(
        DENO,
        code("console.log('1234567890'); setInterval(() => {}, 1000)"),
        { stdin: "piped", stdout: "piped" },
      ),
    );
    let most = 5;
    const io = {
      input: new Uint8Array(0) as Uint8Array | null,
      stdout: (piece: Uint8Array) => piece.byteLength <= most,
      stderr: null,
    };
    assertEquals(child.pumpSync(io, 10_000), "overflow");
    most = 1_000;
    child.killTree();
    assert(child.waitTreeEmptySync(5_000));
    child.drainSync(io);
    assertEquals(child.exitStatus(true)?.signal, "SIGKILL");
    child.release();
    child.retire();

    const sleeper = windowsBackend().spawn(
      spec(DENO, code("setInterval(() => {}, 1000)"), { stdout: "piped" }),
    );
    assertEquals(sleeper.pumpSync({ ...io, input: null }, 100), "timeout");
    sleeper.killTree();
    assertEquals(sleeper.pumpSync({ ...io, input: null }, 5_000), "exited");
    sleeper.drainSync(io);
    assert(sleeper.waitTreeEmptySync(5_000));
    sleeper.release();
    sleeper.retire();
  },
});

Deno.test({
  name: "an unreferenced child does not hold the event loop",
  ignore,
  async fn() {
    const support = import.meta.resolve("../support.ts");
    const backend = import.meta.resolve("../../../windows/backend.ts");
    const script = `
      import { windowsBackend } from "${backend}";
      import { spec } from "${support}";
      const child = windowsBackend().spawn(spec("cmd", ["/c", "pause"], { stdin: "piped" }));
      child.onExit = () => {};
      child.unref();
      console.log("through");`;
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(file, script);
    const { code: exit, stdout } = await new Deno.Command(DENO, {
      args: ["run", "-A", "--no-config", "--no-check", file],
    }).output();
    await Deno.remove(file);
    assertEquals(exit, 0);
    assertEquals(new TextDecoder().decode(stdout).trim(), "through");
  },
});
