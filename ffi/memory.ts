/**
 * Memory as C lays it out: strings and structures.
 *
 * A string is UTF-8 bytes with a NUL behind. File names and arguments of POSIX are
 * bytes, and need not be UTF-8: a lone surrogate from U+DC80 to U+DCFF stands for one
 * such byte, 0x80 to 0xFF ("surrogateescape" of Python, PEP 383).
 *
 * The layout of a structure is declared once, with the offset and size of every field
 * as the C compiler places them, and read and written through a `DataView`.
 * Little-endian, as every system that Deno runs on.
 *
 * Opens nothing, so that strings and layouts are tested on every operating system.
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

/**
 * How a field is stored. `bytes` is a nested structure or array.
 *
 * @category Windows
 */
export type FieldType = "u16" | "u32" | "i32" | "u64" | "i64" | "bytes";

/**
 * One field of a structure.
 *
 * @category Windows
 */
export interface Field {
  /** How it is stored. */
  readonly type: FieldType;
  /** Its distance from the start, in bytes. */
  readonly offset: number;
  /** Its length, in bytes. */
  readonly size: number;
}

/**
 * A structure as the C compiler lays it out.
 *
 * @category Windows
 */
export interface Layout<Name extends string> {
  /** The structure's name in the header. */
  readonly name: string;
  /** The header that declares it. */
  readonly header: string;
  /** `sizeof`, in bytes. */
  readonly size: number;
  /** The fields by name. */
  readonly fields: Readonly<Record<Name, Field>>;
}

const SIZES: Readonly<Record<Exclude<FieldType, "bytes">, number>> = {
  u16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  i64: 8,
};

/**
 * A field of a fixed width.
 *
 * @param type How it is stored.
 * @param offset Its distance from the start, in bytes.
 * @returns The field.
 * @category Windows
 */
export function field(
  type: Exclude<FieldType, "bytes">,
  offset: number,
): Field {
  return { type, offset, size: SIZES[type] };
}

/**
 * A nested structure or array.
 *
 * @param offset Its distance from the start, in bytes.
 * @param size Its length, in bytes.
 * @returns The field.
 * @category Windows
 */
export function bytesField(offset: number, size: number): Field {
  return { type: "bytes", offset, size };
}

/**
 * One structure in memory that stays where it is while it is referenced.
 *
 * @category Windows
 */
export class Struct<Name extends string> {
  /** The memory, to be passed to C. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  readonly #layout: Layout<Name>;

  /**
   * Takes memory as a structure, or makes some.
   *
   * @param layout The layout of the memory.
   * @param bytes Memory to look at; zeroed memory of the right size without it.
   * @throws {RangeError} when `bytes` is shorter than the structure.
   */
  constructor(layout: Layout<Name>, bytes?: Uint8Array<ArrayBuffer>) {
    const memory = bytes ?? new Uint8Array(new ArrayBuffer(layout.size));
    if (memory.byteLength < layout.size) {
      throw new RangeError(
        `Cannot view ${layout.name}: ${memory.byteLength} bytes are fewer than ${layout.size}`,
      );
    }
    this.bytes = memory;
    this.#layout = layout;
    this.#view = new DataView(memory.buffer, memory.byteOffset, layout.size);
  }

  /**
   * Reads a field of up to 32 bits.
   *
   * @param name The field.
   * @returns Its value.
   * @throws {TypeError} when the field is wider.
   */
  number(name: Name): number {
    const { type, offset } = this.#layout.fields[name];
    if (type === "u32") return this.#view.getUint32(offset, true);
    if (type === "i32") return this.#view.getInt32(offset, true);
    if (type === "u16") return this.#view.getUint16(offset, true);
    throw new TypeError(`Cannot read ${name} as a number: it is ${type}`);
  }

  /**
   * Reads a field of 64 bits.
   *
   * @param name The field.
   * @returns Its value.
   * @throws {TypeError} when the field has another width.
   */
  bigint(name: Name): bigint {
    const { type, offset } = this.#layout.fields[name];
    if (type === "u64") return this.#view.getBigUint64(offset, true);
    if (type === "i64") return this.#view.getBigInt64(offset, true);
    throw new TypeError(`Cannot read ${name} as a bigint: it is ${type}`);
  }

  /**
   * The part of the memory that a nested structure or array takes.
   *
   * @param name The field.
   * @returns A view of it.
   */
  part(name: Name): Uint8Array<ArrayBuffer> {
    const { offset, size } = this.#layout.fields[name];
    return this.bytes.subarray(offset, offset + size);
  }

  /**
   * Writes a field.
   *
   * @param name The field.
   * @param value A number for fields of up to 32 bits, a bigint for 64 bits.
   * @throws {TypeError} when the kind of value does not fit the field.
   */
  set(name: Name, value: number | bigint): void {
    const { type, offset } = this.#layout.fields[name];
    if (typeof value === "bigint") {
      if (type === "u64") this.#view.setBigUint64(offset, value, true);
      else if (type === "i64") this.#view.setBigInt64(offset, value, true);
      else {throw new TypeError(
          `Cannot write a bigint to ${name}: it is ${type}`,
        );}
      return;
    }
    if (type === "u32") this.#view.setUint32(offset, value, true);
    else if (type === "i32") this.#view.setInt32(offset, value, true);
    else if (type === "u16") this.#view.setUint16(offset, value, true);
    else throw new TypeError(`Cannot write a number to ${name}: it is ${type}`);
  }
}
