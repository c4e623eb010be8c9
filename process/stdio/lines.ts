/**
 * The output of a child, line by line.
 *
 * @module
 */

import type { ChildOutput } from "./child_output.ts";
import { LineSplitter } from "./line_splitter.ts";
import type { OutputName } from "./tee.ts";

/** Options of {@linkcode ChildProcess.lines}. */
export interface LinesOptions {
  /**
   * Which output: one of them as strings, or both, tagged, in the order in which
   * they arrive. Between two streams that is nearly, not exactly, the order in
   * which the child wrote: `stderr: "stdout"` keeps that.
   *
   * @default {"stdout"}
   */
  stream?: OutputName | "both";
  /**
   * Bytes of the longest line that comes in one piece; a longer one comes in
   * several, each of them as long as this at most and ending between two
   * characters. At least 4.
   *
   * @default {1048576} (1 MiB)
   */
  maxLineLength?: number;
}

/** A line, and where it comes from. */
export interface OutputLine {
  /** The output it was written to. */
  readonly stream: OutputName;
  /** The text, without its end. */
  readonly line: string;
  /** Whether the line is longer than `maxLineLength` and goes on in the next one. */
  readonly cut: boolean;
}

/** The default of `maxLineLength`, in bytes. */
export const DEFAULT_MAX_LINE_LENGTH: number = 1 << 20;

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

interface Feed {
  readonly output: ChildOutput;
  readonly splitter: LineSplitter;
  readonly reader: Reader;
  pending: boolean;
  ended: boolean;
}

/**
 * Lines of one or two outputs. An output is read again only when its lines have
 * been taken, so that a slow taker slows the child down.
 */
export class LineReader {
  readonly #feeds: Feed[] = [];
  #turn = 0;
  #released = false;
  #wake: (() => void) | null = null;

  /**
   * Locks the outputs.
   *
   * @param outputs The outputs.
   * @param maxLineLength In bytes.
   * @throws {TypeError} when one of them is locked; none of them is then.
   */
  constructor(outputs: readonly ChildOutput[], maxLineLength: number) {
    try {
      for (let i = 0; i < outputs.length; i++) {
        const output = outputs[i] as ChildOutput;
        this.#feeds[i] = {
          output,
          splitter: new LineSplitter(maxLineLength),
          reader: output.read(),
          pending: false,
          ended: false,
        };
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Where the line that was taken last came from. */
  get stream(): OutputName {
    return (this.#feeds[this.#turn] as Feed).output.name;
  }

  /** Whether the line that was taken last goes on in the next. */
  get cut(): boolean {
    return (this.#feeds[this.#turn] as Feed).splitter.cut;
  }

  /**
   * Takes a line that is there.
   *
   * @returns The line; `null` when {@linkcode LineReader.more} has to be waited for.
   */
  take(): string | null {
    for (let i = 0; i < this.#feeds.length; i++) {
      const line = (this.#feeds[this.#turn] as Feed).splitter.take();
      if (line !== null) return line;
      this.#turn = (this.#turn + 1) % this.#feeds.length;
    }
    return null;
  }

  /**
   * Waits for more.
   *
   * @returns False at the end of all outputs, and after a release.
   */
  async more(): Promise<boolean> {
    if (this.#released) return false;
    let open = false;
    const woken = new Promise<void>((resolve) => this.#wake = resolve);
    for (let i = 0; i < this.#feeds.length; i++) {
      const feed = this.#feeds[i] as Feed;
      if (feed.ended) continue;
      open = true;
      if (!feed.pending) this.#read(feed);
    }
    if (!open) return false;
    await woken;
    return !this.#released;
  }

  async #read(feed: Feed): Promise<void> {
    feed.pending = true;
    try {
      const { value, done } = await feed.reader.read();
      if (this.#released) return;
      if (value !== undefined) feed.splitter.push(value);
      if (done) {
        feed.ended = true;
        feed.splitter.end();
      }
    } catch {
      // Released while it was pending, or closed: no more of it.
      feed.ended = true;
    }
    feed.pending = false;
    this.#wake?.();
  }

  /**
   * Gives the outputs back, with everything behind the line that was taken last.
   * Idempotent. A pending {@linkcode LineReader.more} ends.
   */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (let i = 0; i < this.#feeds.length; i++) {
      const { output, reader, splitter } = this.#feeds[i] as Feed;
      output.release(reader, splitter.rest());
    }
    this.#wake?.();
  }
}

/**
 * Iterates over lines. Written by hand, for two things that an async generator
 * cannot do: a line that is there costs one promise, and `return()` ends a
 * `next()` that is pending instead of waiting for it.
 */
class LineIterator<T> implements AsyncIterableIterator<T, void, void> {
  readonly #open: () => LineReader;
  readonly #toItem: (line: string, reader: LineReader) => T;
  #reader: LineReader | null = null;
  #done = false;
  // Calls of next() that wait: a later one must not overtake them.
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    open: () => LineReader,
    toItem: (line: string, reader: LineReader) => T,
  ) {
    this.#open = open;
    this.#toItem = toItem;
  }

  next(): Promise<IteratorResult<T, void>> {
    const line = this.#waiting === 0 ? this.#reader?.take() : undefined;
    if (typeof line === "string") {
      const value = this.#toItem(line, this.#reader as LineReader);
      return Promise.resolve({ value, done: false });
    }
    const result = this.#nextAfter(this.#last);
    this.#last = result;
    return result;
  }

  async #nextAfter(
    before: Promise<unknown>,
  ): Promise<IteratorResult<T, void>> {
    this.#waiting++;
    try {
      await before;
      return await this.#wait();
    } finally {
      this.#waiting--;
    }
  }

  async #wait(): Promise<IteratorResult<T, void>> {
    if (this.#done) return { value: undefined, done: true };
    const reader = this.#reader ??= this.#open();
    do {
      const line = reader.take();
      if (line !== null) {
        return { value: this.#toItem(line, reader), done: false };
      }
    } while (await reader.more());
    this.#end();
    return { value: undefined, done: true };
  }

  #end(): void {
    this.#done = true;
    this.#reader?.release();
    this.#reader = null;
  }

  return(): Promise<IteratorResult<T, void>> {
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    return Promise.resolve();
  }
}

/**
 * Iterates over the lines of one output. Leaving the loop gives it back.
 *
 * @param output The output; locked from the first step on.
 * @param maxLineLength In bytes.
 * @returns The lines.
 */
export function linesOf(
  output: ChildOutput,
  maxLineLength: number,
): AsyncIterableIterator<string, void, void> {
  const open = (): LineReader => new LineReader([output], maxLineLength);
  return new LineIterator(open, (line) => line);
}

/**
 * Iterates over the lines of several outputs, tagged.
 *
 * @param outputs The outputs; locked from the first step on.
 * @param maxLineLength In bytes.
 * @returns The lines.
 */
export function taggedLinesOf(
  outputs: readonly ChildOutput[],
  maxLineLength: number,
): AsyncIterableIterator<OutputLine, void, void> {
  const open = (): LineReader => new LineReader(outputs, maxLineLength);
  return new LineIterator(open, (line, reader) => {
    const { stream, cut } = reader;
    return { stream, line, cut };
  });
}
