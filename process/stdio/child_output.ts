/**
 * One piped output of a child, and who reads it: a caller, a capture, or, while
 * nobody wants it, a drain.
 *
 * @module
 */

import type { ByteSource } from "../../backend/native.ts";
import type { Capture } from "./capture.ts";
import {
  readableFrom,
  type ReadableOutput,
  type SubprocessReadableStream,
} from "./streams.ts";
import type { OutputName } from "./tee.ts";
import { Timer } from "../../backend/timer.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** A piped stdout or stderr. */
export class ChildOutput {
  /** Which. */
  readonly name: OutputName;
  readonly #source: ByteSource;
  #output: ReadableOutput | null = null;
  #asked = false;
  #referenced = true;
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

  /** Whether somebody has a reader on the stream; a drain does not count. */
  get locked(): boolean {
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
    if (this.#output === null) await capture.readAll(this.#source, overflow);
    else await capture.readStream(this.#output.stream, overflow);
  }

  /**
   * Reads and throws away from the next turn of the event loop on, until somebody
   * wants the stream: nobody's output must not block the child.
   */
  drain(): void {
    if (this.#asked || this.#drain !== null) return;
    this.#drainSoon ??= new Timer(0, () => this.#startDrain());
  }

  async #startDrain(): Promise<void> {
    const reader = this.#readable().stream.getReader();
    this.#drain = reader;
    // What nobody wants does not hold the event loop.
    this.#source.unref();
    try {
      while (!(await reader.read()).done);
    } catch {
      // Released while the read was pending: somebody wants the stream.
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
    return this.#output ??= readableFrom(this.#source);
  }

  /** Whether a pending read holds the event loop. */
  hold(referenced: boolean): void {
    this.#referenced = referenced;
    if (referenced && this.#drain === null) this.#source.ref();
    else this.#source.unref();
  }

  /** The tree is empty: whoever else holds the pipe is not of it. */
  finish(): void {
    this.#source.finish();
  }

  /** The same, for what is only drained. */
  finishDrain(): void {
    if (this.#drain !== null) this.#source.finish();
    if (this.#drainSoon !== null) this.#endDrain();
  }

  /** End of scope: what nobody has asked for is closed, the rest can be read. */
  dispose(): void {
    if (this.#asked) this.#source.finish();
    else {
      this.#drainSoon?.clear();
      this.#source.close();
    }
  }
}
