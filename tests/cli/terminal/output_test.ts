/** Output that never blocks: bounds, readers that stall, readers that go. */

import { assert, assertEquals } from "@std/assert";
import { Output } from "../../../cli/terminal/output.ts";
import { within } from "../../fixtures/deadline.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A reader that takes what it is told to. */
class Reader {
  text = "";
  #stalled: PromiseWithResolvers<void> | null = null;
  #error: Error | null = null;

  stall(): void {
    this.#stalled = Promise.withResolvers();
  }

  goOn(): void {
    this.#stalled?.resolve();
    this.#stalled = null;
  }

  leave(error: Error = new Deno.errors.BrokenPipe()): void {
    this.#error = error;
    this.goOn();
  }

  async write(piece: Uint8Array): Promise<number> {
    await this.#stalled?.promise;
    if (this.#error !== null) throw this.#error;
    // As a pipe that is nearly full: a part.
    const part = piece.subarray(0, Math.max(1, piece.length >> 1));
    this.text += new TextDecoder().decode(part);
    return part.length;
  }
}

function both(
  { bound, shared = true }: { bound?: number; shared?: boolean } = {},
) {
  const stdout = new Reader();
  const stderr = new Reader();
  const output = new Output({ stdout, stderr }, shared, bound);
  return { stdout, stderr, output };
}

Deno.test("what is written in parts arrives whole and in order", async () => {
  const { stdout, stderr, output } = both();
  output.write("stdout", bytes("one\n"));
  output.say("two");
  output.write("stdout", bytes("three\n"));
  assert(await within(output.drained(Infinity), "the output"));
  assertEquals([stdout.text, stderr.text], ["one\nthree\n", "two\n"]);
});

Deno.test("on a shared file the pieces of both outputs keep their order", async () => {
  const reader = new Reader();
  const output = new Output({ stdout: reader, stderr: reader }, true);
  output.write("stdout", bytes("one\n"));
  output.say("two");
  output.write("stdout", bytes("three\n"));
  assert(await within(output.drained(Infinity), "the output"));
  assertEquals(reader.text, "one\ntwo\nthree\n");
});

Deno.test("there is no room beyond the bound until the reader goes on", async () => {
  const { stdout, output } = both({ bound: 4 });
  assertEquals(output.room("stdout"), null);
  stdout.stall();
  output.write("stdout", bytes("12345"));
  const room = output.room("stdout");
  assert(room !== null);
  stdout.goOn();
  await within(room, "room");
  assertEquals(output.room("stdout"), null);
  await within(output.drained(Infinity), "the output");
});

Deno.test("a stalled reader is given up, one that reads slowly is not", async () => {
  const { stdout, output } = both();
  output.write("stdout", bytes("x".repeat(1000)));
  assert(await within(output.drained(5000), "a slow reader"));
  stdout.stall();
  output.write("stdout", bytes("y"));
  assertEquals(await within(output.drained(1), "a stalled one"), false);
  stdout.goOn();
  assert(await within(output.drained(Infinity), "the rest"));
});

Deno.test("the end of a reader is told once, and the other one goes on", async () => {
  const { stdout, stderr, output } = both();
  const gone: string[] = [];
  output.onGone = (name) => gone.push(name);
  stdout.leave();
  output.write("stdout", bytes("lost"));
  output.say("kept");
  output.write("stdout", bytes("lost too"));
  assert(await within(output.drained(Infinity), "the output"));
  output.write("stdout", bytes("dropped at once"));
  assert(await within(output.drained(Infinity), "the output"));
  assertEquals([gone, stderr.text], [["stdout"], "kept\n"]);
  assertEquals(output.room("stdout"), null);
});

Deno.test("a full pipe that does not block is tried again", async () => {
  const { stdout, output } = both();
  const write = stdout.write.bind(stdout);
  let refusals = 3;
  stdout.write = (piece) => {
    if (refusals-- > 0) throw new Deno.errors.WouldBlock();
    return write(piece);
  };
  output.write("stdout", bytes("there"));
  assert(await within(output.drained(Infinity), "the output"));
  assertEquals(stdout.text, "there");
});

Deno.test("abandoned, it waits for nobody and takes nothing", async () => {
  const { stdout, output } = both({ bound: 1 });
  stdout.stall();
  output.write("stdout", bytes("stuck"));
  const room = output.room("stdout");
  const drained = output.drained(Infinity);
  output.abandon();
  assertEquals(await within(drained, "the wait"), false);
  await within(room!, "room");
  assertEquals(output.room("stdout"), null);
  stdout.goOn();
});

Deno.test("last words on one output pass a stalled other one", async () => {
  const { stdout, stderr, output } = both({ shared: false });
  stdout.stall();
  output.write("stdout", bytes("stuck"));
  await within(output.finish(["the time was up"], 1), "the end");
  assertEquals(stderr.text, "the time was up\n");
  stdout.goOn();
  await within(output.drained(Infinity), "the output");
});
