/**
 * Strings as Windows reads them: UTF-16 units, little-endian.
 *
 * @module
 */

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
