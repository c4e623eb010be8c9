/**
 * Strings as C reads them: UTF-8 bytes with a NUL behind.
 *
 * @module
 */

import { addressOf } from "./pointer.ts";

const encoder = new TextEncoder();

/**
 * One C string.
 *
 * @param text The text; without NUL, which the caller has checked.
 * @returns Its bytes, NUL included.
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 3 + 1);
  const { written } = encoder.encodeInto(text, bytes);
  return bytes.subarray(0, written + 1);
}

/**
 * What C has written to a buffer.
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
  /** What the pointers point into. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * A NULL-terminated array of C strings, in one piece of memory.
 *
 * @param texts The strings; without NUL, which the caller has checked.
 * @param foreign Addresses of C strings to put in front, owned by somebody else.
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
    const { written } = encoder.encodeInto(
      texts[i] as string,
      bytes.subarray(offset),
    );
    offset += written + 1;
  }
  return { pointers, bytes };
}
