import { assert, assertEquals } from "@std/assert";
import { Capture } from "../../../process/stdio/child_output.ts";
import { posixMemory } from "../../../posix/stdio/memory.ts";
import { denoArgs, denoUnderTest } from "../../fixtures/deno.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const MIB = 1 << 20;

/** Bytes that say where they were. */
function numbered(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  const words = new Uint32Array(bytes.buffer, 0, size >> 2);
  for (let i = 0; i < words.length; i++) words[i] = i * 2654435761;
  return bytes;
}

function same(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  if (a.byteLength !== b.byteLength) return false;
  if (a.byteOffset % 4 !== 0 || b.byteOffset % 4 !== 0) {
    return a.every((byte, i) => byte === b[i]);
  }
  const size = a.byteLength >> 2;
  const x = new Uint32Array(a.buffer, a.byteOffset, size);
  const y = new Uint32Array(b.buffer, b.byteOffset, size);
  for (let i = 0; i < size; i++) if (x[i] !== y[i]) return false;
  return a.subarray(size * 4).every((byte, i) => byte === b[size * 4 + i]);
}

Deno.test("a piece is moved to where it belongs, and nothing beside it changes", () => {
  const memory = posixMemory();
  // Where pages can change hands, where they cannot, and less than that.
  for (
    const [size, at] of [[33 * MIB, 8192], [33 * MIB + 5, 0], [33 * MIB, 4], [
      MIB,
      8192,
    ]] as const
  ) {
    const piece = numbered(size);
    const target = new Uint8Array(size + 20_000).fill(7);
    memory.move(target, at, piece);
    const what = `${size} bytes at ${at}`;
    assert(same(target.subarray(at, at + size), numbered(size)), what);
    const seven = (part: Uint8Array) => part.every((byte) => byte === 7);
    assert(seven(target.subarray(0, at)) && seven(target.subarray(at + size)));
    // Both are still memory, each its own.
    piece.fill(1);
    target.fill(2);
    assert(same(piece, new Uint8Array(size).fill(1)), what);
  }
});

Deno.test("memory that is announced is zero, and may be any part of an array", () => {
  const memory = posixMemory();
  const bytes = new Uint8Array(33 * MIB);
  for (const [from, to] of [[0, 0], [1, 2], [5000, 5001], [0, 33 * MIB]]) {
    memory.willWrite(bytes.subarray(from, to));
  }
  assert(bytes.every((byte) => byte === 0));
});

Deno.test("a capture in large pieces keeps every byte", () => {
  for (const policy of ["head", "tail"] as const) {
    const bytes = numbered(150 * MIB + 3);
    const limit = policy === "head" ? Infinity : 140 * MIB;
    const capture = new Capture(limit, policy, posixMemory());
    for (let at = 0; at < bytes.byteLength; at += 777_777) {
      capture.take(bytes.subarray(at, at + 777_777));
    }
    const kept = capture.result();
    assertEquals(kept.buffer.byteLength, kept.byteLength);
    assert(
      policy === "head"
        ? same(kept, bytes)
        : same(kept, bytes.slice(bytes.byteLength - limit)),
      policy,
    );
  }
});

// Runs in a process of its own, whose highest memory it looks at.
const SCRIPT = `
import { Command } from ${
  JSON.stringify(import.meta.resolve("../../../mod.ts"))
};
const MIB = 1 << 20;
const highest = () =>
  Number(/VmHWM:\\s+(\\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))[1]) / 1024;
const command = new Command("head", {
  args: ["-c", String(256 * MIB), "/dev/zero"],
});
const before = highest();
const { stdout } = Deno.args[0] === "sync" ? command.outputSync() : await command.output();
console.log(stdout.length / MIB, highest() - before < 2 * 256);
`;

Deno.test("output() and outputSync() of N bytes take less than 2 N", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, SCRIPT);
    for (const how of ["async", "sync"]) {
      const { stdout, stderr } = await new Deno.Command(denoUnderTest(), {
        args: denoArgs(new URL(`file://${file}`)).concat(how),
      }).output();
      const text = new TextDecoder().decode(stdout);
      assertEquals(text, "256 true\n", new TextDecoder().decode(stderr));
    }
  } finally {
    await Deno.remove(file);
  }
});
