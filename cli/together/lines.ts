/**
 * Lines of several commands on one output: each begins with the name of its
 * command. Whole lines only where the output is a file or a pipe; on a terminal an
 * unfinished line (a prompt, a progress bar that ends in a carriage return) is
 * shown as well, a moment after it has come.
 *
 * @module
 */

import type { Output, OutputName } from "../terminal/output.ts";

const NEWLINE = 10;
const RETURN = 13;

/** An unfinished line is shown when nothing more has come for so long. */
const PARTIAL_MS = 100;

/** A line without an end is passed on in pieces of this size. */
const LONGEST_LINE = 1 << 16;

const MOST_SPARE = 4;

const EMPTY = new Uint8Array();

/** The output that several {@linkcode LineStream}s write to. */
export class Screen {
  readonly output: Output;
  readonly #terminal: boolean;
  // The stream whose unfinished line is on the screen.
  #open: LineStream | null = null;

  /**
   * @param output Where the lines go.
   * @param terminal Whether it is one: unfinished lines are shown.
   */
  constructor(output: Output, terminal: boolean) {
    this.output = output;
    this.#terminal = terminal;
  }

  /** Whether unfinished lines are shown. */
  get terminal(): boolean {
    return this.#terminal;
  }

  /** Whether the unfinished line of a stream is the last thing shown. */
  isOpen(stream: LineStream): boolean {
    return this.#open === stream;
  }

  /** Ends the unfinished line of any other stream, and writes. */
  show(
    stream: LineStream,
    name: OutputName,
    bytes: Uint8Array,
    open: boolean,
    written?: () => void,
  ): void {
    if (bytes.length === 0) return;
    if (this.#open !== null && this.#open !== stream) this.endLine();
    this.output.write(name, bytes, written);
    this.#open = open ? stream : null;
  }

  /** A message of the program itself, on a line of its own. */
  say(line: string): void {
    this.endLine();
    this.output.say(line);
  }

  /** Ends the unfinished line, if there is one. */
  endLine(): void {
    if (this.#open === null) return;
    this.output.write(this.#open.name, Uint8Array.of(NEWLINE));
    this.#open = null;
  }
}

/** One stream of one command. */
export class LineStream {
  readonly #screen: Screen;
  readonly #prefix: Uint8Array;
  readonly #makePrefix: (() => Uint8Array) | null;
  #rest: Uint8Array = EMPTY;
  // Memory that was written out: a fast command would fill the collector's hands.
  readonly #spare: Uint8Array[] = [];
  // Whether the last byte shown was a carriage return.
  #returned = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The output it goes to. */
  readonly name: OutputName;

  /**
   * @param screen Where the lines go.
   * @param name The output.
   * @param prefix The prefix of lines; a function for one that changes.
   */
  constructor(
    screen: Screen,
    name: OutputName,
    prefix: Uint8Array | (() => Uint8Array),
  ) {
    this.#screen = screen;
    this.name = name;
    this.#prefix = typeof prefix === "function" ? EMPTY : prefix;
    this.#makePrefix = typeof prefix === "function" ? prefix : null;
  }

  /** Takes a piece of output, and shows the lines that it finishes. */
  push(bytes: Uint8Array): void {
    clearTimeout(this.#timer);
    const input = this.#rest.length === 0 ? bytes : join(this.#rest, bytes);
    const end = this.#endOf(input);
    if (end > 0) {
      const lines = this.#prefixed(input.subarray(0, end));
      const unfinished = input[end - 1] !== NEWLINE;
      this.#screen.show(
        this,
        this.name,
        lines,
        unfinished,
        () => this.#giveBack(lines),
      );
    }
    this.#rest = end < input.length ? input.slice(end) : EMPTY;
    if (this.#rest.length > LONGEST_LINE) this.#showRest();
    else if (this.#rest.length > 0 && this.#screen.terminal) {
      this.#timer = setTimeout(() => this.#showRest(), PARTIAL_MS);
    }
  }

  /** The stream has ended: its last line gets an end. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#rest.length > 0) this.#showRest();
    if (this.#screen.isOpen(this)) this.#screen.endLine();
  }

  #prefixed(bytes: Uint8Array): Uint8Array {
    const { terminal } = this.#screen;
    const prefix = this.#makePrefix?.() ?? this.#prefix;
    const overwrites = terminal && this.#returned && bytes[0] !== NEWLINE;
    this.#returned = bytes.at(-1) === RETURN;
    const start = overwrites || !this.#screen.isOpen(this);
    // Without one the input itself is shown, which is not to be written to.
    if (prefix.length === 0) return bytes;
    return prefixed(bytes, prefix, start, terminal, this.#spare.pop());
  }

  #giveBack(bytes: Uint8Array): void {
    if (this.#prefix.length === 0 && this.#makePrefix === null) return;
    if (this.#spare.length >= MOST_SPARE) return;
    this.#spare.push(new Uint8Array(bytes.buffer as ArrayBuffer));
  }

  // Behind the last line end; on a terminal also behind the last carriage return.
  #endOf(bytes: Uint8Array): number {
    const newline = bytes.lastIndexOf(NEWLINE) + 1;
    if (!this.#screen.terminal) return newline;
    const last = bytes.lastIndexOf(RETURN);
    // The last byte may be the first half of CR LF.
    return last + 1 < bytes.length ? Math.max(newline, last + 1) : newline;
  }

  #showRest(): void {
    const rest = this.#rest;
    this.#rest = EMPTY;
    this.#screen.show(this, this.name, this.#prefixed(rest), true);
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/**
 * Puts a prefix in front of every line. One pass over the bytes: a line of two
 * bytes costs no call.
 *
 * @param bytes The lines.
 * @param prefix The prefix of each.
 * @param start Whether the bytes begin a line.
 * @param returns Whether a carriage return begins a line as well, as it does on a
 * terminal.
 * @param memory The memory to write to, if it is large enough.
 * @returns A view of that, or of new memory.
 */
export function prefixed(
  bytes: Uint8Array,
  prefix: Uint8Array,
  start: boolean,
  returns = false,
  memory: Uint8Array = EMPTY,
): Uint8Array {
  const { length } = bytes;
  const size = prefix.length;
  let out = memory.length >= length + size
    ? memory
    : new Uint8Array(length + (length >> 2) + size * 2);
  let to = 0;
  for (let i = 0; i < length; i++) {
    if (start) {
      if (to + size + length - i > out.length) {
        const larger = new Uint8Array(out.length * 2 + size);
        larger.set(out.subarray(0, to));
        out = larger;
      }
      for (let n = 0; n < size; n++) out[to++] = prefix[n]!;
    }
    const byte = bytes[i]!;
    out[to++] = byte;
    // After a carriage return the name is written over the old text.
    start = byte === NEWLINE ||
      returns && byte === RETURN && i + 1 < length && bytes[i + 1] !== NEWLINE;
  }
  return out.subarray(0, to);
}
