/**
 * The system's words for an error code.
 *
 * Reading `GetLastError` itself is not here: it has to be the very next native
 * call after the one that failed, so it stands beside each of them.
 *
 * Page: "FormatMessageW function".
 *
 * @module
 */

import { readWide } from "../ffi/wide_string.ts";
import { messages } from "./system/kernel32.ts";

const FORMAT_MESSAGE_IGNORE_INSERTS = 0x200;
const FORMAT_MESSAGE_FROM_SYSTEM = 0x1000;
const UNITS = 512;

/**
 * What the system says about an error, in the user's language.
 *
 * @param code The error code.
 * @returns One line of text, as `Deno.errors` have it.
 */
export function errorText(code: number): string {
  if (Deno.build.os !== "windows") return "Unknown error";
  const text = new Uint8Array(new ArrayBuffer(UNITS * 2));
  const units = messages().FormatMessageW(
    FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
    0n,
    code,
    0,
    text,
    UNITS,
    0n,
  );
  return units === 0 ? "Unknown error" : readWide(text, units).trim();
}
