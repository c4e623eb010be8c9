/**
 * Keeping the output of a child: bounded, in as few and as large pieces as the
 * child writes.
 *
 * @module
 */

import { type BulkMemory, PLAIN_MEMORY } from "../../backend/backend.ts";
import type { ByteSource } from "../../backend/native.ts";
import { join } from "./streams.ts";

/**
 * What happens when a stream grows past `maxOutput`.
 *
 * @category Standard streams
 */
export type OutputPolicy = "error" | "head" | "tail" | "ends";

const FIRST_PIECE = 8 * 1024;
const LARGEST_PIECE = 64 << 20;

// How far ahead memory is asked for, once so much has come.
const AHEAD = 1 << 20;

/**
 * One captured stream. At its peak it takes twice the bytes that it returns, and
 * less where large pieces are moved, not copied.
 */
export class Capture {
  readonly #limit: number;
  readonly #policy: OutputPolicy;
  readonly #memory: BulkMemory;
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;
  #space: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;
  // With the policy "ends": takes the bytes beyond the first half of the limit.
  readonly #tail: Capture | null;
  // Up to where memory was told that bytes come.
  #announced = 0;

  /** Whether bytes were left out. */
  truncated = false;
  /** With the policy "tail", when the result was asked for: how many bytes. */
  leftOut = 0;

  /**
   * @param limit Bytes to keep.
   * @param policy What to do beyond it.
   * @param memory How they are kept.
   */
  constructor(
    limit: number,
    policy: OutputPolicy,
    memory: BulkMemory = PLAIN_MEMORY,
  ) {
    const first = policy === "ends" ? Math.ceil(limit / 2) : limit;
    this.#limit = first;
    this.#tail = policy === "ends" && first < Infinity
      ? new Capture(limit - first, "tail", memory)
      : null;
    this.#policy = policy;
    this.#memory = memory;
  }

  /** Whether the limit is passed and that is an error. */
  get exceeded(): boolean {
    return this.truncated && this.#policy === "error";
  }

  /**
   * Takes a copy of a piece.
   *
   * @param piece Some bytes.
   * @returns False when the limit is passed and that is an error.
   */
  readonly take = (piece: Uint8Array): boolean => {
    let rest = piece;
    while (rest.byteLength > 0) {
      const space = this.#freeSpace(rest.byteLength);
      const n = Math.min(space.byteLength, rest.byteLength);
      space.set(rest.subarray(0, n));
      rest = rest.subarray(n);
      this.#advance(n);
    }
    return !this.exceeded;
  };

  /**
   * Reads a source to its end.
   *
   * @param source The source.
   * @param overflow Called once when the limit is passed and that is an error.
   */
  async readAll(source: ByteSource, overflow: () => void): Promise<void> {
    for (;;) {
      const space = this.#freeSpace(source.readSize);
      const read = source.read(space, true);
      const n = typeof read === "number" ? read : await read;
      if (n === 0) return;
      const before = this.exceeded;
      this.#advance(n);
      if (this.exceeded && !before) overflow();
    }
  }

  /**
   * Reads a stream to its end: for one that has been read in part.
   *
   * @param stream The stream; not locked.
   * @param overflow Called once when the limit is passed and that is an error.
   */
  async readStream(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    overflow: () => void,
  ): Promise<void> {
    const reader = stream.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const before = this.exceeded;
      if (!this.take(value) && !before) overflow();
    }
  }

  // Room for the next bytes. Pieces grow to the amount that the source gives at once.
  #freeSpace(wanted: number): Uint8Array<ArrayBuffer> {
    if (this.#used === this.#space.byteLength) {
      this.#keepPiece();
      // As large as all before: few pieces, and never more room than there are
      // bytes. Memory that is not written takes no room yet. Pieces are filled,
      // and of whole pages: only then can these be moved into the result.
      const size = this.#size === 0
        ? FIRST_PIECE
        : Math.min(Math.max(wanted, this.#size), LARGEST_PIECE);
      this.#space = new Uint8Array(Math.ceil(size / FIRST_PIECE) * FIRST_PIECE);
      this.#used = 0;
      this.#announced = 0;
    }
    const space = this.#space.subarray(this.#used);
    const ahead = Math.max(wanted, Math.min(this.#size, AHEAD));
    const end = Math.min(this.#used + ahead, this.#space.byteLength);
    if (end > this.#announced) {
      const begin = Math.max(this.#used, this.#announced);
      this.#memory.willWrite(this.#space.subarray(begin, end));
      this.#announced = end;
    }
    return space;
  }

  #advance(n: number): void {
    const room = this.#limit - this.#size;
    if (this.#policy !== "tail" && n > room) {
      if (this.#tail !== null) {
        const from = this.#used + room;
        this.#tail.take(this.#space.subarray(from, this.#used + n));
      }
      this.truncated = this.#tail?.truncated ?? true;
      n = room;
    }
    this.#used += n;
    this.#size += n;
    if (this.#policy === "tail") this.#dropHead();
  }

  #keepPiece(): void {
    if (this.#used === 0) return;
    this.#pieces[this.#pieces.length] = this.#space.subarray(0, this.#used);
    this.#used = 0;
    this.#space = new Uint8Array(0);
  }

  // Pieces that are wholly before the last `limit` bytes.
  #dropHead(): void {
    if (this.#size > this.#limit) this.truncated = true;
    // Whole pieces are counted here, the rest when the result is asked for.
    let first = this.#pieces[0];
    while (
      first !== undefined && this.#size - first.byteLength >= this.#limit
    ) {
      this.#size -= first.byteLength;
      this.leftOut += first.byteLength;
      this.#pieces.shift();
      first = this.#pieces[0];
    }
  }

  /** The captured bytes. Gives them away: a second call is empty. */
  result(): Uint8Array<ArrayBuffer> {
    this.#keepPiece();
    const excess = this.#policy === "tail" ? this.#size - this.#limit : 0;
    if (excess > 0) {
      // The first piece begins before the last `limit` bytes.
      const first = this.#pieces[0] as Uint8Array<ArrayBuffer>;
      this.#pieces[0] = first.subarray(excess);
      this.#size = this.#limit;
      this.leftOut += excess;
    }
    if (this.#tail !== null) this.#append(this.#tail);
    const all = join(this.#pieces, this.#size, this.#memory);
    this.#pieces = [];
    this.#size = 0;
    return all;
  }

  // The last bytes, behind a line that says what is missing between.
  #append(tail: Capture): void {
    const end = tail.result();
    const gap = tail.leftOut === 0
      ? new Uint8Array(0)
      : new TextEncoder().encode(`\n[${tail.leftOut} bytes left out]\n`);
    this.#pieces.push(gap, end);
    this.#size += gap.byteLength + end.byteLength;
  }
}
