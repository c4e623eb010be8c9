/**
 * The arguments of the program as bytes. `Deno.args` has U+FFFD in the place of what
 * is no UTF-8: the name of another file, or of none.
 *
 * @module
 */

import { isGranted } from "../is_granted.ts";

const CMDLINE = "/proc/self/cmdline";
const REPLACEMENT = "\uFFFD";

/**
 * Reads them from the system where that is needed: Linux. (Names of files are UTF-8
 * on macOS, and UTF-16 on Windows.)
 *
 * @param args `Deno.args`.
 * @returns The same, in which a lone surrogate U+DC80 to U+DCFF stands for each byte
 * that is no UTF-8; it reaches a command as that byte.
 */
export function rawArguments(args: readonly string[]): readonly string[] {
  if (!args.some((one) => one.includes(REPLACEMENT))) return args;
  if (!isGranted({ name: "read", path: CMDLINE })) return args;
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(CMDLINE);
  } catch {
    return args; // Another system.
  }
  const all = decodeArguments(bytes);
  const last = all.slice(Math.max(0, all.length - args.length));
  const same = last.length === args.length &&
    last.every((one, index) => asReplaced(one) === asReplaced(args[index]!));
  return same ? last : args;
}

// Deno replaces a run of wrong bytes by one U+FFFD or several.
function asReplaced(text: string): string {
  return text.toWellFormed().replace(/\uFFFD+/g, REPLACEMENT);
}

/**
 * Decodes strings that each end with a NUL.
 *
 * @param bytes The memory.
 * @returns The strings; U+DC80 to U+DCFF for bytes that are no UTF-8.
 */
export function decodeArguments(bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    found.push(decode(bytes.subarray(at, end < 0 ? bytes.length : end)));
    if (end < 0) break;
    at = end + 1;
  }
  return found;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const [character, size] = characterAt(bytes, at);
    text += character;
    at += size;
  }
  return text;
}

function characterAt(bytes: Uint8Array, at: number): [string, number] {
  const first = bytes[at]!;
  if (first < 0x80) return [String.fromCharCode(first), 1];
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  try {
    return [strict.decode(bytes.subarray(at, at + size)), size];
  } catch {
    return [String.fromCharCode(0xdc00 + first), 1];
  }
}
