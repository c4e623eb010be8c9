/**
 * Bytes to lines: bounded, whatever the pieces in which the bytes come.
 *
 * @module
 */

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

  // The last piece was somebody else's: bytes are never appended to it in place.
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
