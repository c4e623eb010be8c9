import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type ChildProcess, Command, type OutputLine } from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();

function printing(source: string, ...args: string[]): ChildProcess {
  return new Command(deno, {
    args: evalArgs(source, ...args),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Writes bytes given as text, one write for each argument. */
const WRITES = `
const bytes = (text) => new TextEncoder().encode(JSON.parse('"' + text + '"'));
for (const arg of Deno.args) Deno.stdout.writeSync(bytes(arg));`;

Deno.test("lines() gives the lines of stdout, whatever their ends", async () => {
  await using child = printing(WRITES, "a\\n", "b\\r", "\\n\\n", "ä€", "😀");
  assertEquals(await Array.fromAsync(child.lines()), ["a", "b", "", "ä€😀"]);
  assertEquals((await child.status).code, 0);
});

Deno.test("lines() of a child that writes nothing is empty", async () => {
  await using child = printing("");
  assertEquals(await Array.fromAsync(child.lines()), []);
});

Deno.test("lines() of stderr are those of stderr", async () => {
  await using child = printing("console.log('a'); console.error('b\\nc')");
  const lines = child.lines({ stream: "stderr" });
  assertEquals(await Array.fromAsync(lines), ["b", "c"]);
});

Deno.test("a line comes as soon as it is written, and the child goes on", async () => {
  await using child = printing(IDLE);
  for await (const line of child.lines()) {
    assertEquals(line, "ready");
    break;
  }
  let ended = false;
  child.status.then(() => ended = true);
  await new Command(deno, { args: ["--version"] }).output();
  assertEquals(ended, false);
});

const COUNTS = "for (let i = 0; i < 1000; i++) console.log('line ' + i)";

Deno.test("after break the rest can be read: by lines(), and from the stream", async () => {
  await using child = printing(COUNTS);
  for await (const line of child.lines()) if (line === "line 99") break;
  for await (const line of child.lines()) {
    assertEquals(line, "line 100");
    break;
  }
  assertEquals(child.stdout.locked, false);
  const rest = (await child.stdout.text()).split("\n");
  assertEquals([rest[0], rest.at(-2), rest.length], [
    "line 101",
    "line 999",
    900,
  ]);
});

Deno.test("after break the rest can be collected by output()", async () => {
  await using child = printing(COUNTS);
  for await (const line of child.lines()) if (line === "line 899") break;
  const { stdout } = await child.output();
  assertEquals(new TextDecoder().decode(stdout).split("\n").length, 101);
});

Deno.test("after break nothing is lost while the other output is awaited", async () => {
  // "half" has no end yet, and stderr's read is pending, when the loop is left.
  await using child = new Command(deno, {
    args: evalArgs(
      `const write = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text));
       write("first\\nhalf");
       await Deno.stdin.read(new Uint8Array(1));
       write(" and half\\n");
       console.error("late");`,
    ),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  for await (const { line } of child.lines({ stream: "both" })) {
    assertEquals(line, "first");
    break;
  }
  const reader = child.stdout.getReader();
  const { value } = await within(reader.read(), "what was read already");
  assertEquals(new TextDecoder().decode(value), "half");
  reader.releaseLock();
  const writer = child.stdin.getWriter();
  await writer.write(new Uint8Array(1));
  await writer.close();
  assertEquals(await child.stdout.text(), " and half\n");
  assertEquals(await child.stderr.text(), "late\n");
});

Deno.test("both outputs come tagged, each in order", async () => {
  await using child = printing(
    "for (let i = 0; i < 500; i++) { console.log('o' + i); console.error('e' + i); }",
  );
  const found: Record<OutputLine["stream"], string[]> = {
    stdout: [],
    stderr: [],
  };
  for await (const { stream, line, cut } of child.lines({ stream: "both" })) {
    assertEquals(cut, false);
    found[stream].push(line);
  }
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  assertEquals(found.stdout, numbers.map((i) => `o${i}`));
  assertEquals(found.stderr, numbers.map((i) => `e${i}`));
});

Deno.test("an output that is quiet does not hold up the other", async () => {
  await using child = printing(IDLE);
  for await (const { stream, line } of child.lines({ stream: "both" })) {
    assertEquals([stream, line], ["stdout", "ready"]);
    break;
  }
});

Deno.test("long lines come in pieces, and say so", async () => {
  await using child = printing(WRITES, "123456789\\n", "😀😀x");
  const lines = await Array.fromAsync(
    child.lines({ stream: "both", maxLineLength: 8 }),
  );
  assertEquals(lines.map(({ line, cut }) => [line, cut]), [
    ["12345678", true],
    ["9", false],
    ["😀😀", true],
    ["x", false],
  ]);
});

Deno.test("a line without an end takes no more than maxLineLength at once", async () => {
  await using child = printing(
    "const piece = new Uint8Array(65536).fill(97); for (let i = 0; i < 64; i++) Deno.stdout.writeSync(piece)",
  );
  const sizes = [];
  for await (const line of child.lines()) sizes.push(line.length);
  assertEquals(sizes, [1 << 20, 1 << 20, 1 << 20, 1 << 20]);
});

Deno.test("a slow loop slows the child down", async () => {
  await using child = printing(
    `const line = new TextEncoder().encode("x".repeat(1023) + "\\n");
     for (let i = 0; i < 16384; i++) Deno.stdout.writeSync(line);
     console.error("all written");`,
  );
  const lines = child.lines();
  assertEquals((await lines.next()).value?.length, 1023);
  // 16 MiB fit into no pipe: the child cannot be through.
  let through = false;
  const told = child.stderr.text().then(() => through = true);
  await new Command(deno, { args: ["--version"] }).output();
  assertEquals(through, false);
  let count = 1;
  for await (const line of lines) count += line.length === 1023 ? 1 : 0;
  await told;
  assertEquals(count, 16384);
});

Deno.test("what cannot be given line by line is refused", async () => {
  await using child = new Command(deno, {
    args: evalArgs(IDLE),
    stdout: "piped",
    stderr: "null",
  }).spawn();
  // deno-lint-ignore no-explicit-any -- what a caller without types may pass
  const lines = child.lines.bind(child) as any;
  assertThrows(() => lines({ stream: "stderr" }), TypeError, "not piped");
  assertThrows(() => lines({ stream: "stdin" }), TypeError, "stream");
  for (const bad of [0, 3, -1, 4.5, NaN, Infinity]) {
    assertThrows(() => lines({ maxLineLength: bad }), RangeError);
  }
  assertThrows(() => lines({ maxLineLength: "9" }), TypeError);
  const reader = child.stdout.getReader();
  await assertRejects(() => child.lines().next(), TypeError);
  reader.releaseLock();
  assertEquals((await child.lines().next()).value, "ready");
});

Deno.test("return() ends a next() that is pending, and loses nothing", async () => {
  await using child = new Command(deno, {
    args: evalArgs(
      `${IDLE}; await Deno.stdin.read(new Uint8Array(1)); console.log("next")`,
    ),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = child.lines();
  const both = [lines.next(), lines.next(), lines.next()];
  assertEquals((await both[0])?.value, "ready");
  await lines.return?.();
  assertEquals((await within(both[1]!, "the end"))?.done, true);
  assertEquals((await both[2])?.done, true);
  assertEquals((await lines.next()).done, true);
  const writer = child.stdin.getWriter();
  await writer.write(new Uint8Array(1));
  assertEquals((await child.lines().next()).value, "next");
  writer.releaseLock();
});

Deno.test("the end of the scope ends a loop", async () => {
  const child = printing(IDLE);
  const lines = child.lines();
  assertEquals((await lines.next()).value, "ready");
  const next = lines.next();
  await child[Symbol.asyncDispose]();
  assert((await within(next, "the end of the lines")).done);
});
