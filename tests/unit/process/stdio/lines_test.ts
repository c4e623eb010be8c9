import { assert, assertEquals } from "@std/assert";
import { LineSplitter } from "../../../../process/stdio/lines.ts";

const encoder = new TextEncoder();

/** All lines that there are now; a `+` stands for a line that goes on. */
function takeAll(splitter: LineSplitter, lines: string[]): void {
  for (let line = splitter.take(); line !== null; line = splitter.take()) {
    lines.push(splitter.cut ? line + "+" : line);
  }
}

/** All lines of bytes that come in these pieces. */
function linesOf(pieces: readonly Uint8Array[], max = 1 << 20): string[] {
  const splitter = new LineSplitter(max);
  const lines: string[] = [];
  for (const piece of pieces) {
    splitter.push(piece);
    takeAll(splitter, lines);
  }
  splitter.end();
  takeAll(splitter, lines);
  return lines;
}

/** The same bytes in pieces of `size`, each in memory of its own. */
function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    pieces.push(bytes.slice(at, at + size));
  }
  return pieces;
}

const CASES: readonly (readonly [string, string[]])[] = [
  ["", []],
  ["\n", [""]],
  ["\n\n", ["", ""]],
  ["a", ["a"]],
  ["a\n", ["a"]],
  ["a\nb", ["a", "b"]],
  ["a\r\nb\r\n", ["a", "b"]],
  ["\r\n\r\n", ["", ""]],
  ["a\rb\n", ["a\rb"]],
  ["a\r\r\n", ["a\r"]],
  ["a\r", ["a\r"]],
  ["\n\ra\n", ["", "\ra"]],
  ["ä€😀\n😀€ä", ["ä€😀", "😀€ä"]],
  ["\ufeffa\n\ufeffb\n", ["a", "\ufeffb"]],
  ["a\0b\n", ["a\0b"]],
  ["x".repeat(300) + "\ny", ["x".repeat(300), "y"]],
];

for (const [text, expected] of CASES) {
  const name = JSON.stringify(text).slice(0, 40);
  Deno.test(`${name} is the same lines in any pieces`, () => {
    const bytes = encoder.encode(text);
    for (let size = 1; size <= bytes.length + 1; size++) {
      assertEquals(linesOf(inPieces(bytes, size)), expected, `${size}`);
    }
    for (let at = 0; at <= bytes.length; at++) {
      const two = [bytes.slice(0, at), bytes.slice(at)];
      assertEquals(linesOf(two), expected, `in two at ${at}`);
    }
  });
}

Deno.test("what is no UTF-8 becomes U+FFFD and harms no other line", () => {
  const bytes = Uint8Array.of(0xff, 10, 0xe2, 0x82, 10, 97, 10, 0xf0, 0x9f);
  const expected = ["\ufffd", "\ufffd", "a", "\ufffd"];
  for (let size = 1; size <= bytes.length; size++) {
    assertEquals(linesOf(inPieces(bytes, size)), expected, `${size}`);
  }
});

const LONG: readonly (readonly [string, string[]])[] = [
  ["12345678\n", ["12345678"]],
  ["12345678\r\n", ["12345678"]],
  ["12345678\r\r\n", ["12345678+", "\r"]],
  ["12345678\rx\n", ["12345678+", "\rx"]],
  ["12345678\r", ["12345678+", "\r"]],
  ["12345678", ["12345678"]],
  ["123456789\n", ["12345678+", "9"]],
  ["1234567890abcdefg\n", ["12345678+", "90abcdef+", "g"]],
  ["1234567890abcdef\nx\n", ["12345678+", "90abcdef", "x"]],
  ["a\n1234567890\nb\n", ["a", "12345678+", "90", "b"]],
  // A character of two, three, four bytes across the limit.
  ["1234567ä\n", ["1234567+", "ä"]],
  ["123456€€\n", ["123456+", "€€"]],
  ["12345😀x\n", ["12345+", "😀x"]],
  ["😀😀😀", ["😀😀+", "😀"]],
];

for (const [text, expected] of LONG) {
  Deno.test(`${JSON.stringify(text)} is cut at 8 bytes, in any pieces`, () => {
    const bytes = encoder.encode(text);
    for (let size = 1; size <= bytes.length; size++) {
      assertEquals(linesOf(inPieces(bytes, size), 8), expected, `${size}`);
    }
  });
}

Deno.test("a long run of no UTF-8 is cut all the same", () => {
  const lines = linesOf([new Uint8Array(20).fill(0x80)], 8);
  assertEquals(lines.map((line) => line.length), [9, 9, 4]);
});

/** A small generator with a seed: the same numbers each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

const PARTS = [
  "a",
  "ä",
  "€",
  "😀",
  "\n",
  "\r\n",
  "\r",
  "\n\n",
  "0123456789",
];

function randomText(next: (below: number) => number): string {
  let text = "";
  for (let i = next(60); i > 0; i--) text += PARTS[next(PARTS.length)];
  return text;
}

function inRandomPieces(
  bytes: Uint8Array,
  next: (below: number) => number,
): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + next(12);
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

Deno.test("random text in random pieces is what split() makes of it", () => {
  const next = random(4711);
  for (let round = 0; round < 500; round++) {
    const text = randomText(next);
    const expected = text.split(/\r?\n/);
    if (expected.at(-1) === "") expected.pop();
    const pieces = inRandomPieces(encoder.encode(text), next);
    assertEquals(linesOf(pieces), expected, JSON.stringify(text));
  }
});

Deno.test("cut lines put together are the text, and none is too long", () => {
  const next = random(42);
  for (let round = 0; round < 500; round++) {
    const text = randomText(next).replaceAll("\r", "");
    const max = 4 + next(9);
    const lines = linesOf(inRandomPieces(encoder.encode(text), next), max);
    let all = "";
    for (const line of lines) {
      const cut = line.endsWith("+");
      const part = cut ? line.slice(0, -1) : line;
      assert(encoder.encode(part).length <= max, line);
      all += cut ? part : part + "\n";
    }
    const whole = text === "" || text.endsWith("\n");
    assertEquals(all, whole ? text : text + "\n");
  }
});

Deno.test("what has not been given comes back, byte for byte", () => {
  const bytes = Uint8Array.of(97, 10, 0xff, 13, 10, 10, 99, 100);
  const behind = [0, 2, 5, 6];
  for (let taken = 0; taken < behind.length; taken++) {
    const splitter = new LineSplitter(100);
    splitter.push(bytes);
    for (let i = 0; i < taken; i++) splitter.take();
    assertEquals(splitter.rest(), bytes.slice(behind[taken]), `${taken}`);
    assertEquals(splitter.take(), null);
  }
});

Deno.test("a line that comes byte by byte is not copied each time", () => {
  const splitter = new LineSplitter(1 << 20);
  for (let i = 0; i < 300_000; i++) {
    splitter.push(new Uint8Array(1).fill(97));
    if (splitter.take() !== null) throw new Error("a line without its end");
  }
  assertEquals(splitter.rest().length, 300_000);
});

Deno.test("a large piece without an end is not looked through for each cut", () => {
  const lines = linesOf([new Uint8Array(1 << 22).fill(97)], 16);
  assertEquals(lines.length, (1 << 22) / 16);
});
