/**
 * Web streams over the pipes of a child.
 *
 * @module
 */

import { type BulkMemory, PLAIN_MEMORY } from "../../backend/backend.ts";
import type { ByteSink, ByteSource } from "../../backend/native.ts";

/**
 * A child's stdout or stderr: a byte stream with `Deno.SubprocessReadableStream`'s
 * helpers.
 *
 * Bytes are read only on demand, so a child that writes faster than it is read is
 * held back by its pipe.
 *
 * @category Standard streams
 * @example
 * ```ts
 * import { Command } from "@killable/process";
 *
 * await using child = new Command(Deno.execPath(), {
 *   args: ["eval", "console.log(JSON.stringify({ port: 8080 }))"],
 *   stdout: "piped",
 * }).spawn();
 * console.log(await child.stdout.json()); // { port: 8080 }
 * ```
 */
export interface SubprocessReadableStream
  extends ReadableStream<Uint8Array<ArrayBuffer>> {
  /**
   * Reads the rest of the stream.
   *
   * @returns The bytes, as an `ArrayBuffer`.
   * @throws {TypeError} when the stream is locked.
   */
  arrayBuffer(): Promise<ArrayBuffer>;

  /**
   * Reads the rest of the stream.
   *
   * @returns The bytes.
   * @throws {TypeError} when the stream is locked.
   */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;

  /**
   * Reads the rest of the stream and parses it.
   *
   * @returns The value.
   * @throws {SyntaxError} when it is no JSON.
   */
  // deno-lint-ignore no-explicit-any
  json(): Promise<any>;

  /**
   * Reads the rest of the stream.
   *
   * @returns The bytes as text, without a byte order mark.
   * @throws {TypeError} when the stream is locked.
   */
  text(): Promise<string>;
}

type StreamClass = new (
  source: UnderlyingByteSource,
) => SubprocessReadableStream;

let streamClass: StreamClass | null = null;

// The class is made for the first stream that is asked for: naming its parent
// makes Deno load its streams, which takes 2 to 3 ms.
function subprocessReadableStream(): StreamClass {
  streamClass ??= class SubprocessReadableStream
    extends ReadableStream<Uint8Array<ArrayBuffer>> {
    constructor(source: UnderlyingByteSource) {
      super(source as unknown as UnderlyingSource<Uint8Array<ArrayBuffer>>);
    }

    async arrayBuffer(): Promise<ArrayBuffer> {
      return (await collect(this)).buffer;
    }

    async bytes(): Promise<Uint8Array<ArrayBuffer>> {
      return await collect(this);
    }

    // deno-lint-ignore no-explicit-any
    async json(): Promise<any> {
      return JSON.parse(decode(await collect(this)));
    }

    async text(): Promise<string> {
      return decode(await collect(this));
    }
  };
  return streamClass;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    pieces[pieces.length] = value;
    size += value.byteLength;
  }
  return join(pieces, size);
}

/**
 * Joins pieces.
 *
 * @param pieces The pieces, in order; not to be used afterwards.
 * @param size Their total length.
 * @param memory Moves the bytes.
 * @returns One array.
 */
export function join(
  pieces: readonly Uint8Array<ArrayBuffer>[],
  size: number,
  memory: BulkMemory = PLAIN_MEMORY,
): Uint8Array<ArrayBuffer> {
  const first = pieces[0];
  if (pieces.length === 1 && first && first.buffer.byteLength === size) {
    return first;
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i] as Uint8Array<ArrayBuffer>;
    memory.move(all, at, piece);
    at += piece.byteLength;
  }
  return all;
}

/** A readable stream, and the way to give back what was read too much of it. */
export interface ReadableOutput {
  /** The stream. */
  readonly stream: SubprocessReadableStream;
  /**
   * Puts bytes before what has not been read yet. Only for a reader that has
   * taken all that there was; one of its reads may still be pending.
   */
  unread(bytes: Uint8Array<ArrayBuffer>): void;
}

/**
 * The readable stream over a source.
 *
 * @param source The pipe's reading end; cancelled streams close it.
 * @returns The stream.
 */
export function readableFrom(source: ByteSource): ReadableOutput {
  return new Output(source);
}

// A class and no closures: less memory for each of many children.
class Output implements ReadableOutput, UnderlyingByteSource {
  readonly type = "bytes";
  readonly stream: SubprocessReadableStream;
  readonly #source: ByteSource;
  #queue!: ReadableByteStreamController;
  #open = true;
  // What the last read did not fill, for the next one.
  #spare: Uint8Array<ArrayBuffer> | null = null;

  constructor(source: ByteSource) {
    this.#source = source;
    this.stream = new (subprocessReadableStream())(this);
  }

  start(controller: ReadableByteStreamController): void {
    this.#queue = controller;
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    const source = this.#source;
    const request = controller.byobRequest;
    if (request !== null) {
      const view = request.view as Uint8Array;
      const n = await source.read(
        new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
        false,
      );
      if (n === 0) this.#close();
      request.respond(n);
      return;
    }
    const space = this.#spare?.byteLength === source.readSize
      ? this.#spare
      : new Uint8Array(source.readSize);
    this.#spare = space;
    const n = await source.read(space, false);
    if (n === 0) {
      this.#close();
    } else if (n * 4 < space.byteLength * 3) {
      // A copy of the right size: a new array for every read would be cleared
      // and collected for bytes that never came, most of the time of a stream.
      controller.enqueue(new Uint8Array(space.subarray(0, n)));
    } else {
      this.#spare = null;
      controller.enqueue(space.subarray(0, n));
    }
  }

  async cancel(): Promise<void> {
    this.#open = false;
    this.#source.close();
    await this.#source.settled();
  }

  #close(): void {
    this.#open = false;
    this.#spare = null;
    this.#queue.close();
  }

  unread(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#open && bytes.byteLength > 0) this.#queue.enqueue(bytes);
  }
}

/**
 * The writable stream over a sink.
 *
 * @param sink The pipe's writing end; closing or aborting the stream closes it.
 * @returns The stream.
 */
export function writableTo(sink: ByteSink): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>(new InputSink(sink));
}

class InputSink implements UnderlyingSink<Uint8Array> {
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError("Cannot write to stdin: expected a Uint8Array");
    }
    await this.#sink.write(chunk);
  }

  close(): void {
    this.#sink.close();
  }

  async abort(): Promise<void> {
    this.#sink.close();
    await this.#sink.settled();
  }
}

/**
 * The error of asking for a stream that was not piped, in Deno's words.
 *
 * @param name `stdin`, `stdout` or `stderr`.
 * @returns The error.
 */
export function notPiped(name: string): TypeError {
  return new TypeError(`Cannot get '${name}': '${name}' is not piped`);
}

// ---- Feeding a child's standard input while its outputs are drained ----

/** The kinds of input that a child can be fed with. */
export type Input = Uint8Array | ReadableStream<Uint8Array>;

/**
 * Writes all of the input, then closes the sink. A child that ends, or closes
 * its stdin, has read what it wanted: no error (EPIPE).
 */
export class InputFeed {
  readonly #sink: ByteSink;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  #stopped = false;
  /**
   * Resolves when all is written, or nothing more can be. Rejects with the error of
   * the stream, or a TypeError when that gives something other than bytes.
   */
  readonly done: Promise<void>;

  /**
   * @param sink The child's standard input.
   * @param input Bytes, or a stream of them.
   */
  constructor(sink: ByteSink, input: Input) {
    this.#sink = sink;
    this.#reader = input instanceof Uint8Array ? null : input.getReader();
    this.done = this.#feed(input);
  }

  async #feed(input: Input): Promise<void> {
    try {
      if (input instanceof Uint8Array) await this.#written(input);
      else await this.#copy();
    } finally {
      this.#sink.close();
      this.#giveBack("the child takes no more input");
    }
  }

  async #copy(): Promise<void> {
    try {
      for (;;) {
        const read = await this.#reader?.read();
        if (read === undefined || read.done || this.#stopped) return;
        if (!(read.value instanceof Uint8Array)) {
          throw new TypeError(
            "Invalid input: the stream gave something other than a Uint8Array",
          );
        }
        if (!await this.#written(read.value)) return;
      }
    } catch (error) {
      // Of a read that was pending when the stream was given back.
      if (this.#stopped) return;
      this.#giveBack(error);
      throw error;
    }
  }

  // False when the child takes no more.
  async #written(bytes: Uint8Array): Promise<boolean> {
    try {
      await this.#sink.write(bytes);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * The child and its tree are gone: a stream is cancelled, so that its producer
   * stops, and unlocked, also when it has nothing to give yet. Idempotent.
   */
  stop(): void {
    this.#giveBack("the child has ended");
    this.#sink.close();
  }

  #giveBack(reason: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#reader === null) return;
    cancelQuietly(this.#reader, reason);
    this.#reader.releaseLock();
  }
}

async function cancelQuietly(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  reason: unknown,
): Promise<void> {
  try {
    await reader.cancel(reason);
  } catch {
    // The stream has failed by itself, or has ended: nothing more to do with it.
  }
}
