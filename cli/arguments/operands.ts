/**
 * Sizes on the command line: `512M`, `2G`, `100k`, or bytes.
 *
 * @module
 */

import { UsageError } from "../usage_error.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/**
 * Reads a size. Units are powers of 1024, as of `ulimit` and systemd.
 *
 * @param text What was given.
 * @param option For the message.
 * @returns Bytes, at least 1.
 * @throws {UsageError} when it is none.
 */
export function parseSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ""] ?? NaN;
  const bytes = Math.floor(Number(match?.[1] ?? NaN) * unit);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new UsageError(
    `invalid ${option} '${text}': write it like 512M, 2G or 100k`,
  );
}

/**
 * Reads a number of things.
 *
 * @param text What was given.
 * @param option For the message.
 * @returns The number, at least 1.
 * @throws {UsageError} when it is none.
 */
export function parseCount(text: string, option: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new UsageError(
    `invalid ${option} '${text}': write a whole number from 1`,
  );
}

/**
 * Words a size.
 *
 * @param bytes The size.
 * @returns For example `12.5 MiB`.
 */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = "B";
  for (const next of ["KiB", "MiB", "GiB", "TiB"]) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${
    value >= 100 || unit === "B" ? Math.round(value) : value.toFixed(1)
  } ${unit}`;
}
