/**
 * Durations as people write them.
 *
 * @module
 */

import { UsageError } from "./usage_error.ts";

const UNITS: Readonly<Record<string, number>> = {
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
 * @param text What was written.
 * @param what What it is for, for the message.
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
    total += Number(part[1]) * UNITS[part[2]!]!;
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
