/**
 * The DURATION of GNU timeout: a floating point number and at most one suffix.
 *
 * @module
 */

import { UsageError } from "./usage_error.ts";

const MULTIPLIERS: Readonly<Record<string, number>> = {
  "": 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

// What strtod(3) takes in decimal; leading blanks belong to it.
const FORM =
  /^\s*([+-]?)((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)([smhd]?)$/i;

/**
 * Reads `10`, `.5`, `1.5m`, `2e3s`, `1d`.
 *
 * @param text What was written.
 * @returns Milliseconds; 0 for none, Infinity for one out of range.
 * @throws {UsageError} when it is no duration.
 */
export function parseGnuDuration(text: string): number {
  const [, sign, number, suffix] = FORM.exec(text) ?? [];
  // Suffixes are lower case only, unlike the letters of the number.
  const multiplier = MULTIPLIERS[suffix ?? "?"];
  if (number === undefined || multiplier === undefined) throw invalid(text);
  const value = /^i/i.test(number) ? Infinity : Number(number);
  // Something that is too small for a number is still not "none".
  const zero = value === 0 && !/[1-9]/.test(number.replace(/e.*/i, ""));
  if (sign === "-" && !zero) throw invalid(text);
  return zero ? 0 : Math.max(value, Number.MIN_VALUE) * multiplier;
}

function invalid(text: string): UsageError {
  return new UsageError(`invalid time interval '${text}'`);
}
