/**
 * The output of a child, line by line.
 *
 * @module
 */

import { Timer, turnBegan, turnIsSpent } from "../../backend/timer.ts";
import type { ChildOutput, OutputName } from "./child_output.ts";

/**
 * Options of {@linkcode ChildProcess.lines}.
 *
 * @category Standard streams
 */
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

/**
 * A line, and where it comes from.
 *
 * @category Standard streams
 */
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

/** A read that has taken longer, in milliseconds, has waited for the child. */
const WAITED_MS = 1;

/** Lines that are taken between two looks at the clock, where they take no time. */
const MOST_LINES = 16;

/** What they may take together for that, in milliseconds. */
const NO_TIME_MS = 0.2;

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
   * The beginnings of lines that have come without their ends, when
   * {@linkcode LineReader.take} has given `null`.
   *
   * @returns For each output that has one, its name and the text.
   */
  partials(): OutputLine[] {
    const partials: OutputLine[] = [];
    for (let i = 0; i < this.#feeds.length; i++) {
      const { output, splitter } = this.#feeds[i] as Feed;
      const line = splitter.partial();
      if (line === "") continue;
      partials[partials.length] = { stream: output.name, line, cut: true };
    }
    return partials;
  }

  /** Takes the beginning of a line of this output as if it were one. */
  takePartial(stream: OutputName): void {
    for (let i = 0; i < this.#feeds.length; i++) {
      const { output, splitter } = this.#feeds[i] as Feed;
      if (output.name === stream) splitter.takePartial();
    }
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
    const asked = performance.now();
    await woken;
    // What was there already takes no such time: the event loop has turned.
    if (performance.now() - asked > WAITED_MS) turnBegan();
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

async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => new Timer(0, resolve));
  turnBegan();
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
  // Until the next look at the clock, the last one, and how often it is due.
  #unasked = 0;
  #asked = 0;
  #stride = 1;

  constructor(
    open: () => LineReader,
    toItem: (line: string, reader: LineReader) => T,
  ) {
    this.#open = open;
    this.#toItem = toItem;
  }

  next(): Promise<IteratorResult<T, void>> {
    const now = this.#waiting === 0 && !this.#mustTurn();
    const line = now ? this.#reader?.take() : undefined;
    if (typeof line === "string") {
      const value = this.#toItem(line, this.#reader as LineReader);
      return Promise.resolve({ value, done: false });
    }
    const result = this.#nextAfter(this.#last);
    this.#last = result;
    return result;
  }

  // Thousands of lines come in one piece; the caller takes its time for each.
  #mustTurn(): boolean {
    if (--this.#unasked > 0) return false;
    const now = performance.now();
    const quick = now - this.#asked < NO_TIME_MS;
    this.#stride = quick ? Math.min(this.#stride * 2, MOST_LINES) : 1;
    this.#unasked = this.#stride;
    this.#asked = now;
    return this.#reader !== null && turnIsSpent();
  }

  async #nextAfter(
    before: Promise<unknown>,
  ): Promise<IteratorResult<T, void>> {
    this.#waiting++;
    try {
      await before;
      if (this.#reader !== null && turnIsSpent()) await nextTurn();
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

// ---- Bytes to lines: bounded, in whatever pieces the bytes come ----

const LF = 10;
const CR = 13;
const CONTINUATION_MASK = 0xc0;
const CONTINUATION = 0x80;

// One call for many lines; a mark in the middle of a text is a character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const BYTE_ORDER_MARK = "\ufeff";

/**
 * Takes pieces of bytes and gives lines of text, without their `\n` or `\r\n`.
 *
 * Only whole lines are decoded, so a character never comes apart; what is no
 * UTF-8 becomes U+FFFD. A line longer than the limit comes in pieces, which end
 * between two characters.
 */
export class LineSplitter {
  readonly #max: number;
  // Bytes not decoded yet: #bytes from #start to #end.
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #own = false;
  // Up to here there is no line feed.
  #seen = 0;
  // Lines not given yet: #lines from #next on, and the bytes they were made of.
  #lines: string[] = [];
  #next = 0;
  #block: Uint8Array = new Uint8Array(0);
  #cutBlock = false;
  #terminated = false;
  #first = true;
  #ended = false;

  /** Whether the line that {@linkcode LineSplitter.take} gave last goes on in the next. */
  cut = false;

  /** @param maxLineLength Bytes of the longest line that comes in one piece; 4 or more. */
  constructor(maxLineLength: number) {
    this.#max = maxLineLength;
  }

  /**
   * Adds a piece, when {@linkcode LineSplitter.take} has given `null`.
   *
   * @param piece The bytes; kept, not copied.
   */
  push(piece: Uint8Array): void {
    if (this.#start === this.#end) {
      this.#bytes = piece;
      this.#own = false;
      this.#start = this.#seen = 0;
      this.#end = piece.byteLength;
      return;
    }
    this.#makeRoom(piece.byteLength);
    this.#bytes.set(piece, this.#end);
    this.#end += piece.byteLength;
  }

  /** There is nothing more to come: what is left is the last line. */
  end(): void {
    this.#ended = true;
  }

  /**
   * Gives the next line.
   *
   * @returns The line; `null` when more bytes are needed, or nothing is left.
   */
  take(): string | null {
    if (this.#next === this.#lines.length && !this.#decode()) return null;
    const line = this.#lines[this.#next++] as string;
    this.cut = this.#cutBlock;
    return line.charCodeAt(line.length - 1) === CR && this.#terminated
      ? line.slice(0, -1)
      : line;
  }

  /**
   * The beginning of a line whose end has not come: a prompt, for example. Only when
   * {@linkcode LineSplitter.take} has given `null`.
   *
   * @returns The text; empty when there is none.
   */
  partial(): string {
    return decoder.decode(this.#bytes.subarray(this.#start, this.#end));
  }

  /** Takes the beginning of a line as if it were one. */
  takePartial(): void {
    this.#start = this.#seen = this.#end;
  }

  /**
   * Gives back what was pushed and has not been given as a line.
   *
   * @returns The bytes; the splitter is empty then.
   */
  rest(): Uint8Array<ArrayBuffer> {
    let at = 0;
    for (let i = 0; i < this.#next && this.#next < this.#lines.length; i++) {
      at = this.#block.indexOf(LF, at) + 1;
    }
    const given = this.#next === this.#lines.length;
    const lines = given ? this.#block.subarray(0, 0) : this.#block.subarray(at);
    const tail = this.#bytes.subarray(this.#start, this.#end);
    const rest = new Uint8Array(lines.byteLength + tail.byteLength);
    rest.set(lines);
    rest.set(tail, lines.byteLength);
    this.#lines = [];
    this.#next = 0;
    this.#start = this.#end = this.#seen = 0;
    return rest;
  }

  // The last piece belongs to the caller: bytes are never appended to it in place.
  #makeRoom(wanted: number): void {
    if (this.#own && this.#end + wanted <= this.#bytes.byteLength) return;
    const size = this.#end - this.#start;
    // Twice as large each time: a line that comes byte by byte is copied rarely.
    const room = new Uint8Array(2 * (size + wanted));
    room.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = room;
    this.#own = true;
    this.#seen -= this.#start;
    this.#start = 0;
    this.#end = size;
  }

  // As many whole lines as fit into the limit are one block: one call decodes
  // them all, and none of them can be too long.
  #decode(): boolean {
    const size = this.#end - this.#start;
    if (size === 0) return false;
    // No further than matters: "\r\n" behind the longest line.
    const window = Math.min(this.#end, this.#start + this.#max + 2);
    const first = this.#bytes.subarray(0, window).indexOf(LF, this.#seen);
    const length = first < 0 ? size : first - this.#start;
    if (length > this.#max && !this.#fitsWithoutReturn(length, first)) {
      return this.#give(this.#boundary(), 0, true);
    }
    if (first >= 0) {
      const last = this.#bytes.lastIndexOf(
        LF,
        Math.min(this.#start + this.#max, this.#end - 1),
      );
      return this.#give(Math.max(last, first) - this.#start, 1, false);
    }
    return this.#ended ? this.#give(size, 0, false) : this.#wait();
  }

  #wait(): false {
    this.#seen = this.#end;
    return false;
  }

  // One byte more than the limit, and that is the return of "\r\n", or may be.
  #fitsWithoutReturn(length: number, lineFeed: number): boolean {
    if (length !== this.#max + 1) return false;
    if (lineFeed < 0 && this.#ended) return false;
    return this.#bytes[this.#start + this.#max] === CR;
  }

  // The last place at or before the limit that is between two characters.
  #boundary(): number {
    let at = this.#max;
    for (let back = 0; back < 4; back++, at--) {
      const byte = this.#bytes[this.#start + at] as number;
      if ((byte & CONTINUATION_MASK) !== CONTINUATION) return at;
    }
    return this.#max;
  }

  // Decodes `size` bytes; `end` bytes of a line's end come behind them.
  #give(size: number, end: number, cut: boolean): true {
    const from = this.#start;
    this.#block = this.#bytes.subarray(from, from + size + end);
    let text = decoder.decode(this.#bytes.subarray(from, from + size));
    if (this.#first && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    this.#first = false;
    this.#lines = text.split("\n");
    this.#next = 0;
    this.#cutBlock = cut;
    this.#terminated = end > 0;
    this.#start = from + size + end;
    this.#seen = this.#start;
    return true;
  }
}
