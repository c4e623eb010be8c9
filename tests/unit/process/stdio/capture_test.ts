import { assert, assertEquals } from "@std/assert";
import type { ByteSource } from "../../../../backend/native.ts";
import {
  Capture,
  type OutputPolicy,
} from "../../../../process/stdio/child_output.ts";

/** A source that gives `bytes` in pieces of these sizes, over and over. */
class Source implements ByteSource {
  readonly readSize = 65536;
  #at = 0;
  #turn = 0;
  constructor(
    readonly bytes: Uint8Array,
    readonly sizes: readonly number[],
  ) {}
  read(view: Uint8Array): number | Promise<number> {
    const size = this.sizes[this.#turn++ % this.sizes.length]!;
    const n = Math.min(size, view.length, this.bytes.length - this.#at);
    view.set(this.bytes.subarray(this.#at, this.#at + n));
    this.#at += n;
    // At once and later, in turn.
    return this.#turn % 2 === 0 ? n : Promise.resolve(n);
  }
  finish(): void {}
  close(): void {}
  ref(): void {}
  unref(): void {}
  settled(): null {
    return null;
  }
}

const numbered = (size: number) =>
  new Uint8Array(size).map((_, i) => (i * 7 + (i >> 8)) & 0xff);

const SIZES = [[1], [3, 1000], [65536], [8192, 1, 8191], [100_000]];
const TOTALS = [0, 1, 1023, 8192, 8193, 100_000, 300_001];

/** What must be kept of `bytes`. */
function expected(
  bytes: Uint8Array,
  limit: number,
  policy: OutputPolicy,
): Uint8Array {
  if (bytes.length <= limit) return bytes;
  if (policy === "ends") {
    const half = Math.ceil(limit / 2);
    const line = `\n[${bytes.length - limit} bytes left out]\n`;
    return new Uint8Array([
      ...bytes.subarray(0, half),
      ...new TextEncoder().encode(line),
      ...bytes.subarray(bytes.length - (limit - half)),
    ]);
  }
  return policy === "tail"
    ? bytes.subarray(bytes.length - limit)
    : bytes.subarray(0, limit);
}

for (const policy of ["error", "head", "tail", "ends"] as const) {
  Deno.test(`Capture keeps the right bytes, however they come: '${policy}'`, async () => {
    for (const total of TOTALS) {
      const bytes = numbered(total);
      for (const limit of [0, 1, 1000, 8192, 99_999, 300_001, Infinity]) {
        for (const sizes of SIZES) {
          // One byte at a time is slow, and shows nothing new for many.
          if (sizes[0] === 1 && sizes.length === 1 && total > 10_000) continue;
          const what = `${total} bytes by ${sizes}, limit ${limit}`;
          const capture = new Capture(limit, policy);
          let overflows = 0;
          await capture.readAll(new Source(bytes, sizes), () => overflows++);
          assertEquals(capture.truncated, total > limit, what);
          assertEquals(
            capture.exceeded,
            total > limit && policy === "error",
            what,
          );
          assertEquals(overflows, capture.exceeded ? 1 : 0, what);
          const kept = capture.result();
          const wanted = expected(bytes, limit, policy);
          assert(
            kept.length === wanted.length &&
              kept.every((byte, i) => byte === wanted[i]),
            `${what}: ${kept.length} instead of ${wanted.length}`,
          );
        }
      }
    }
  });
}

Deno.test("Capture.take() keeps the same as a source, from a view that is used again", () => {
  for (const policy of ["error", "head", "tail", "ends"] as const) {
    const bytes = numbered(50_000);
    const capture = new Capture(20_000, policy);
    const view = new Uint8Array(7000);
    for (let at = 0; at < bytes.length; at += view.length) {
      const piece = bytes.subarray(at, at + view.length);
      view.set(piece);
      const more = capture.take(view.subarray(0, piece.length));
      assertEquals(more, policy !== "error" || at + piece.length <= 20_000);
    }
    assertEquals(capture.result(), expected(bytes, 20_000, policy));
  }
});

Deno.test("Capture.readStream() keeps the same, and tells of the limit once", async () => {
  const bytes = numbered(50_000);
  const chunks = [
    bytes.slice(0, 1),
    bytes.slice(1, 30_000),
    bytes.slice(30_000),
  ];
  const capture = new Capture(20_000, "error");
  let overflows = 0;
  await capture.readStream(ReadableStream.from(chunks), () => overflows++);
  assertEquals([overflows, capture.exceeded], [1, true]);
  assertEquals(capture.result(), expected(bytes, 20_000, "error"));
});

Deno.test("Capture gives its bytes away: a second result is empty", () => {
  const capture = new Capture(100, "head");
  capture.take(new Uint8Array([1, 2, 3]));
  assertEquals([...capture.result()], [1, 2, 3]);
  assertEquals(capture.result().length, 0);
});
