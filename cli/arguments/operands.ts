/**
 * Operands of one word: sizes, counts, durations, process
 * ids. A word that means nothing is a {@linkcode UsageError}.
 *
 * @module
 */

// Sizes: `512M`, `2G`, `100k`, or bytes.

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/**
 * Reads a size. Units are powers of 1024, as of `ulimit` and systemd.
 *
 * @param text The operand.
 * @param option For the message.
 * @returns Bytes, at least 1.
 * @throws {UsageError} when it is none.
 */
export function parseSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text);
  const unit = SIZE_UNITS[match?.[2]?.toLowerCase() ?? ""] ?? NaN;
  const bytes = Math.floor(Number(match?.[1] ?? NaN) * unit);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new UsageError(
    `invalid ${option} '${text}': write it like 512M, 2G or 100k`,
  );
}

/**
 * Reads a number of things.
 *
 * @param text The operand.
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

// Durations as people write them.

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const PART = /(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h|d)/y;

/**
 * Reads `30s`, `1m30s`, `500ms`, `1.5h`, `2d`; a number alone is seconds.
 *
 * @param text The operand.
 * @param what Its name, for the message.
 * @returns Milliseconds.
 * @throws {UsageError} when it is no duration.
 */
export function parseDuration(text: string, what: string): number {
  if (/^(\d+(\.\d*)?|\.\d+)$/.test(text)) return Number(text) * 1000;
  let total = 0;
  PART.lastIndex = 0;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    const part = PART.exec(text);
    if (part === null) return refuse(text, what);
    total += Number(part[1]) * DURATION_UNITS[part[2]!]!;
  }
  return text === "" ? refuse(text, what) : total;
}

function refuse(text: string, what: string): never {
  throw new UsageError(
    `invalid ${what} '${text}': write it like 30s, 1m30s, 500ms or 2h`,
  );
}

/**
 * Words a duration, short enough for a column.
 *
 * @param ms Milliseconds.
 * @returns `350ms`, `4.2s`, `1m05s`, `3h07m`, `2d04h`.
 */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(seconds, 60, "m", "s");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return pair(minutes, 60, "h", "m");
  return pair(Math.floor(minutes / 60), 24, "d", "h");
}

function pair(n: number, base: number, big: string, small: string): string {
  const rest = String(n % base).padStart(2, "0");
  return `${Math.floor(n / base)}${big}${rest}${small}`;
}

// The DURATION of GNU timeout: a floating point number and at most one suffix.

const MULTIPLIERS: Readonly<Record<string, number>> = {
  "": 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

// A decimal number as strtod(3) reads it, with leading blanks.
const FORM =
  /^\s*([+-]?)((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)([smhd]?)$/i;

/**
 * Reads `10`, `.5`, `1.5m`, `2e3s`, `1d`.
 *
 * @param text The operand.
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

/**
 * Reads a process id.
 *
 * @param text The operand.
 * @returns The number.
 * @throws {UsageError} when it is none.
 */
export function parsePid(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new UsageError(`invalid PID '${text}': expected a number from 2`);
}

/** A mistake in the command line: the message says what, the help says how. */
export class UsageError extends Error {
  /** The class's name. */
  override name = "UsageError";
}
