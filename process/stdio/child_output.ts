/**
 * The piped outputs of a child and their readers: a caller, a capture, a tee or,
 * without any of them, a drain.
 *
 * @module
 */

import { type BulkMemory, PLAIN_MEMORY } from "../../backend/backend.ts";
import type { ByteSource, NativeDescriptor } from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import { isWritable, shown } from "../validate.ts";
import {
  join,
  notPiped,
  readableFrom,
  type ReadableOutput,
  type SubprocessReadableStream,
  writableTo,
} from "./streams.ts";

// A capture keeps the output in as few and as large pieces as the child writes.

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** A piped stdout or stderr. */
export class ChildOutput {
  /** Which. */
  readonly name: OutputName;
  readonly #source: ByteSource;
  #output: ReadableOutput | null = null;
  #asked = false;
  #referenced = true;
  // What is captured has its reader for ever: a second one would get nothing, and
  // take that for the whole output.
  #captured = false;
  // Set while output is thrown away, or about to be.
  #drainSoon: Timer | null = null;
  #drain: Reader | null = null;

  /**
   * @param name Which output it is.
   * @param source Its pipe.
   */
  constructor(name: OutputName, source: ByteSource) {
    this.name = name;
    this.#source = source;
  }

  /** Whether a caller has the stream: then reading it is up to the caller. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Whether the stream has a reader; a drain does not count. */
  get locked(): boolean {
    if (this.#captured) return true;
    return this.#drain === null && (this.#output?.stream.locked ?? false);
  }

  /** The stream, for a caller. Ends a drain, without losing what comes next. */
  ask(): SubprocessReadableStream {
    this.#asked = true;
    this.#endDrain();
    return this.#readable().stream;
  }

  /** A reader, for this library; its holder calls {@linkcode ChildOutput.release}. */
  read(): Reader {
    this.#endDrain();
    return this.#readable().stream.getReader();
  }

  /**
   * Gives up a reader. A read that is pending is not lost: what it would have
   * brought comes behind `rest`.
   *
   * @param reader The reader.
   * @param rest What it has read too much.
   */
  release(reader: Reader, rest: Uint8Array<ArrayBuffer>): void {
    reader.releaseLock();
    this.#output?.unread(rest);
  }

  /**
   * Captures it to its end.
   *
   * @param capture Takes the bytes.
   * @param overflow Called once when they are too many and that is an error.
   */
  async capture(capture: Capture, overflow: () => void): Promise<void> {
    this.#endDrain();
    this.#captured = true;
    if (this.#output === null) await capture.readAll(this.#source, overflow);
    else await capture.readStream(this.#output.stream, overflow);
  }

  /**
   * Reads and throws away from the next turn of the event loop on, until the stream
   * gets a reader: output without a reader must not block the child.
   */
  drain(): void {
    if (this.#asked || this.#captured || this.#drain !== null) return;
    this.#drainSoon ??= new Timer(0, () => this.#startDrain());
  }

  async #startDrain(): Promise<void> {
    const reader = this.#readable().stream.getReader();
    this.#drain = reader;
    // Output without a reader does not hold the event loop.
    this.#source.unref();
    try {
      while (!(await reader.read()).done);
    } catch {
      // Released while the read was pending: the stream gets a reader.
    }
  }

  #endDrain(): void {
    this.#drainSoon?.clear();
    this.#drainSoon = null;
    if (this.#drain === null) return;
    this.#drain.releaseLock();
    this.#drain = null;
    if (this.#referenced) this.#source.ref();
  }

  #readable(): ReadableOutput {
    const output = this.#output ??= readableFrom(this.#source);
    if (this.#captured && !output.stream.locked) output.stream.getReader();
    return output;
  }

  /** Whether a pending read holds the event loop. */
  hold(referenced: boolean): void {
    this.#referenced = referenced;
    if (referenced && this.#drain === null) this.#source.ref();
    else this.#source.unref();
  }

  /** The tree is empty: other holders of the pipe are not of it. */
  finish(): void {
    this.#source.finish();
  }

  /** The same, for what is only drained. */
  finishDrain(): void {
    if (this.#drain !== null) this.#source.finish();
    if (this.#drainSoon !== null) this.#endDrain();
  }

  /** End of scope: a stream without a reader is closed, the others can be read. */
  dispose(): void {
    if (this.#asked) this.#source.finish();
    else {
      this.#drainSoon?.clear();
      this.#source.close();
    }
  }
}

// ---- A descriptor beyond the standard streams, on the parent's side ----

/**
 * A descriptor that a child was given by `fds`.
 *
 * @category Descriptors and sockets
 * @example
 * ```ts
 * import { Command } from "@killable/process";
 *
 * if (Deno.build.os !== "windows") {
 *   await using child = new Command("sh", {
 *     args: ["-c", "tr a-z A-Z <&3 >&4"],
 *     fds: { 3: { pipe: "read" }, 4: { pipe: "write" } },
 *   }).spawn();
 *   const writer = child.fds[3]!.writable.getWriter();
 *   await writer.write(new TextEncoder().encode("hello"));
 *   await writer.close();
 *   console.log(await child.fds[4]!.readable.text()); // HELLO
 * }
 * ```
 */
export interface ChildDescriptor {
  /** Its number in the child. */
  readonly number: number;
  /** Windows: its handle in the child, to be told to it. POSIX: its number. */
  readonly handle: number;
  /**
   * What the child writes to it.
   *
   * @throws {TypeError} unless it is `{ pipe: "write" }`.
   */
  readonly readable: SubprocessReadableStream;
  /**
   * What the child reads from it.
   *
   * @throws {TypeError} unless it is `{ pipe: "read" }`.
   */
  readonly writable: WritableStream<Uint8Array>;
}

/** The streams of a descriptor, made when they are asked for. */
export class DescriptorStreams implements ChildDescriptor {
  readonly #native: NativeDescriptor;
  #readable: SubprocessReadableStream | null = null;
  #writable: WritableStream<Uint8Array> | null = null;

  /** @param native Our end. */
  constructor(native: NativeDescriptor) {
    this.#native = native;
  }

  get number(): number {
    return this.#native.target;
  }

  get handle(): number {
    return this.#native.handle;
  }

  get readable(): SubprocessReadableStream {
    if (this.#native.source === null) throw this.#notPiped("write");
    return this.#readable ??= readableFrom(this.#native.source).stream;
  }

  get writable(): WritableStream<Uint8Array> {
    if (this.#native.sink === null) throw this.#notPiped("read");
    return this.#writable ??= writableTo(this.#native.sink);
  }

  #notPiped(child: string): TypeError {
    const { message } = notPiped(`fds[${this.number}]`);
    return new TypeError(`${message}: start it with { pipe: "${child}" }`);
  }

  /** The tree is gone: closes streams without a reader, and ends the others. */
  release(): void {
    if (this.#writable === null) this.#native.sink?.close();
    if (this.#readable === null) this.#native.source?.close();
    this.#native.source?.finish();
  }
}

// ---- Tee: output shown live elsewhere, while it is captured or read ----

/**
 * One of the two outputs of a child.
 *
 * @category Standard streams
 */
export type OutputName = "stdout" | "stderr";

/**
 * A function that is shown every piece of output; the next one waits for its promise.
 *
 * @category Standard streams
 */
export type TeeFunction = (
  chunk: Uint8Array<ArrayBuffer>,
  stream: OutputName,
) => void | Promise<void>;

/**
 * Where output goes besides.
 *
 * @category Standard streams
 */
export type TeeTarget = "inherit" | WritableStream<Uint8Array> | TeeFunction;

/**
 * Validates the option.
 *
 * @param value The option.
 * @returns The target; `null` where the option is undefined.
 * @throws {TypeError} when it is none, or a stream that is locked.
 */
export function teeTarget(value: unknown): TeeTarget | null {
  if (value === undefined) return null;
  if (value === "inherit" || typeof value === "function") {
    return value as TeeTarget;
  }
  if (isWritable(value)) {
    if (!value.locked) return value;
    throw new TypeError("Invalid tee: the stream is locked");
  }
  throw new TypeError(
    `Invalid tee: expected "inherit", a WritableStream or a function, got ${
      shown(value)
    }`,
  );
}

/** The receiver of one run's output. */
export class Tee {
  readonly #show: TeeFunction;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  readonly #failed: (error: unknown) => void;
  #broken = false;
  #streams = 0;

  /**
   * @param target Where output goes.
   * @param failed Called once when the receiver fails; it gets no more then.
   */
  constructor(target: TeeTarget, failed: (error: unknown) => void) {
    this.#failed = failed;
    if (target === "inherit") this.#show = writeOwn;
    else if (typeof target === "function") this.#show = target;
    else {
      const writer = target.getWriter();
      this.#writer = writer;
      this.#show = (chunk) => writer.write(chunk);
    }
  }

  /**
   * Shows one piece. Never rejects: the run goes on to its end and is told.
   *
   * @param piece The piece; copied, since the reader's memory is its own.
   * @param stream Where it comes from.
   */
  async show(piece: Uint8Array, stream: OutputName): Promise<void> {
    if (this.#broken) return;
    try {
      await this.#show(new Uint8Array(piece), stream);
    } catch (error) {
      if (this.#broken) return;
      this.#broken = true;
      this.#failed(error);
    }
  }

  /** One more output is shown to it. */
  begin(): void {
    this.#streams++;
  }

  /** One output has ended; with the last one the stream is given back, open. */
  end(): void {
    if (--this.#streams === 0) this.#writer?.releaseLock();
  }
}

async function writeOwn(chunk: Uint8Array, stream: OutputName): Promise<void> {
  const own = stream === "stdout" ? Deno.stdout : Deno.stderr;
  for (let at = 0; at < chunk.byteLength;) {
    at += await own.write(chunk.subarray(at));
  }
}

/**
 * Shows one piece, blocking: for a run that blocks.
 *
 * @param target Where output goes; no stream.
 * @param piece The piece.
 * @param stream Where it comes from.
 */
export function showSync(
  target: Exclude<TeeTarget, WritableStream>,
  piece: Uint8Array,
  stream: OutputName,
): void {
  if (typeof target === "function") {
    target(new Uint8Array(piece), stream);
    return;
  }
  const own = stream === "stdout" ? Deno.stdout : Deno.stderr;
  for (let at = 0; at < piece.byteLength;) {
    at += own.writeSync(piece.subarray(at));
  }
}

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
