import { UsageError } from "./usage_error.ts";

/**
 * Reads a process id.
 *
 * @param text What was written.
 * @returns The number.
 * @throws {UsageError} when it is none.
 */
export function parsePid(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new UsageError(`invalid PID '${text}': expected a number from 2`);
}
