/**
 * C structures as bytes: a layout is declared once, with the offset and size of
 * every field as the C compiler places them, and read and written through a
 * `DataView`. Little-endian, as every system that Deno runs on.
 *
 * Pure: no FFI, so that layouts are tested on every operating system.
 *
 * @module
 */

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
