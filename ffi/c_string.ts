/**
 * Strings as C reads them: UTF-8 bytes with a NUL behind. File names and arguments
 * of POSIX are bytes, and need not be UTF-8: a lone surrogate from U+DC80 to U+DCFF
 * stands for one such byte, 0x80 to 0xFF ("surrogateescape" of Python, PEP 383).
 *
 * @module
 */

import { addressOf } from "./library.ts";

const encoder = new TextEncoder();

const FIRST_ESCAPE = 0xdc80;
const LAST_ESCAPE = 0xdcff;

// Returns the number of bytes written. Room for three bytes a unit is there.
function encodeInto(text: string, bytes: Uint8Array<ArrayBuffer>): number {
  if (text.isWellFormed()) return encoder.encodeInto(text, bytes).written;
  let at = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < FIRST_ESCAPE || unit > LAST_ESCAPE || isPaired(text, i)) {
      continue;
    }
    const before = text.slice(from, i);
    at += encoder.encodeInto(before, bytes.subarray(at)).written;
    bytes[at++] = unit - 0xdc00;
    from = i + 1;
  }
  return at + encoder.encodeInto(text.slice(from), bytes.subarray(at)).written;
}

// Whether the low surrogate at an index follows a high one.
function isPaired(text: string, index: number): boolean {
  const before = text.charCodeAt(index - 1);
  return before >= 0xd800 && before <= 0xdbff;
}

/**
 * One C string.
 *
 * @param text The text; without NUL, which the caller has checked.
 * @returns Its bytes, NUL included.
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 3 + 1);
  const written = encodeInto(text, bytes);
  return bytes.subarray(0, written + 1);
}

/**
 * Reads the string that C has written to a buffer.
 *
 * @param bytes The buffer, with a NUL in it.
 * @returns The text before the NUL.
 */
export function readCString(bytes: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** A `char *[]` with its strings: keep the whole object while C uses it. */
export interface CStringArray {
  /** The pointers, with a NULL behind. */
  readonly pointers: BigUint64Array<ArrayBuffer>;
  /** The memory of the strings. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * A NULL-terminated array of C strings, in one piece of memory.
 *
 * @param texts The strings; without NUL, which the caller has checked.
 * @param foreign Addresses of C strings to put in front; their memory belongs to others.
 * @returns The array.
 */
export function cStringArray(
  texts: readonly string[],
  foreign: readonly bigint[] = [],
): CStringArray {
  let size = 1;
  for (let i = 0; i < texts.length; i++) {
    size += (texts[i] as string).length * 3 + 1;
  }
  const bytes = new Uint8Array(size);
  const count = foreign.length + texts.length;
  const pointers = new BigUint64Array(count + 1);
  for (let i = 0; i < foreign.length; i++) pointers[i] = foreign[i] as bigint;
  const base = addressOf(bytes);
  let offset = 0;
  for (let i = 0; i < texts.length; i++) {
    pointers[foreign.length + i] = base + BigInt(offset);
    const written = encodeInto(texts[i] as string, bytes.subarray(offset));
    offset += written + 1;
  }
  return { pointers, bytes };
}

// A `char *[]` in memory that is used again and again, for calls that have no use for
// it after they return, such as posix_spawn(3).

const FIRST_BYTES = 4096;

const FIRST_POINTERS = 64;

/** The memory. Each fill overwrites the one before. */
export class ArgumentVector {
  #bytes = new Uint8Array(FIRST_BYTES);
  #base = addressOf(this.#bytes);
  #pointers = new BigUint64Array(FIRST_POINTERS);
  #pointerBytes = new Uint8Array(this.#pointers.buffer);

  /**
   * Writes the strings and a NULL behind them.
   *
   * @param texts The strings; without NUL, which the caller has checked.
   */
  fill(texts: readonly string[]): void {
    let most = 0;
    for (let i = 0; i < texts.length; i++) {
      most += (texts[i] as string).length * 3 + 1;
    }
    this.#grow(most, texts.length + 1);
    let offset = 0;
    for (let i = 0; i < texts.length; i++) {
      this.#pointers[i] = this.#base + BigInt(offset);
      offset = this.#write(texts[i] as string, offset);
    }
    this.#pointers[texts.length] = 0n;
  }

  /** The first string, as C reads it: to its NUL. */
  get first(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** The array, for C. */
  get pointers(): Uint8Array<ArrayBuffer> {
    return this.#pointerBytes;
  }

  #grow(bytes: number, pointers: number): void {
    if (bytes > this.#bytes.length) {
      this.#bytes = new Uint8Array(bytes * 2);
      this.#base = addressOf(this.#bytes);
    }
    if (pointers > this.#pointers.length) {
      this.#pointers = new BigUint64Array(pointers * 2);
      this.#pointerBytes = new Uint8Array(this.#pointers.buffer);
    }
  }

  // Returns the offset behind the NUL. Arguments are short and mostly ASCII:
  // a loop is done before the encoder has been called.
  #write(text: string, start: number): number {
    const bytes = this.#bytes;
    const { length } = text;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80 || length > 256) {
        const written = encodeInto(text, bytes.subarray(start));
        bytes[start + written] = 0;
        return start + written + 1;
      }
      bytes[start + i] = unit;
    }
    bytes[start + length] = 0;
    return start + length + 1;
  }
}

// Strings as Windows reads them: UTF-16 units, little-endian.

/**
 * A NUL-terminated wide string.
 *
 * @param text The text; without NUL, which the caller has checked.
 * @returns Its bytes, the terminating NUL included.
 */
export function wideString(text: string): Uint8Array<ArrayBuffer> {
  const units = new Uint16Array(new ArrayBuffer((text.length + 1) * 2));
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  return new Uint8Array(units.buffer);
}

/**
 * Reads UTF-16 units up to a NUL or the end.
 *
 * @param bytes The memory.
 * @param units How many units to read at most; all without it.
 * @returns The text. Lone surrogates stay as they are.
 */
export function readWide(
  bytes: Uint8Array<ArrayBuffer>,
  units: number = bytes.byteLength >> 1,
): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let i = 0; i < units; i++) {
    const unit = view.getUint16(i * 2, true);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text;
}

/**
 * Reads a list of NUL-terminated strings that an empty one ends.
 *
 * @param view The memory, as far as it is needed.
 * @returns The strings.
 */
export function readWideList(view: Deno.UnsafePointerView): string[] {
  const texts: string[] = [];
  let text = "";
  for (let offset = 0;; offset += 2) {
    const unit = view.getUint16(offset);
    if (unit !== 0) {
      text += String.fromCharCode(unit);
    } else if (text === "") {
      return texts;
    } else {
      texts.push(text);
      text = "";
    }
  }
}
