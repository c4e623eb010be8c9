/**
 * Validation of single values, paths and options objects from a caller. Each message
 * names the value and the expectation.
 *
 * @module
 */

import { backend } from "../backend/backend.ts";
import { signalNumber } from "../backend/signals.ts";

/**
 * Validates an abort signal.
 *
 * @param value The value.
 * @returns The signal; `null` where the value is undefined.
 * @throws {TypeError} when it is none.
 */
export function abortSignal(value: unknown): AbortSignal | null {
  if (value === undefined || value === null) return null;
  if (value instanceof AbortSignal) return value;
  throw new TypeError("Invalid signal: expected an AbortSignal");
}

const NUL = "\0";

/**
 * A value as a message shows it.
 *
 * @param value Anything.
 * @returns Strings in quotes; of an object only that it is one.
 */
export function shown(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  if (Array.isArray(value)) return "an array";
  // String() of an object without a prototype throws.
  return typeof value === "object" && value !== null
    ? "an object"
    : String(value);
}

/**
 * Refuses text that C would cut short.
 *
 * @param text The text.
 * @param name For messages.
 * @returns The text.
 * @throws {TypeError} when it contains a NUL.
 */
export function withoutNul(text: string, name: string): string {
  if (text.includes(NUL)) {
    throw new TypeError(`Invalid ${name}: it contains a NUL character`);
  }
  return text;
}

/**
 * Validates a boolean.
 *
 * @param value The value.
 * @param name For messages.
 * @param fallback Where the value is undefined, or null as Deno takes it.
 * @returns The boolean.
 * @throws {TypeError} when it is none.
 */
export function flag(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback;
  if (typeof value === "boolean") return value;
  throw new TypeError(
    `Invalid ${name}: expected a boolean, got ${shown(value)}`,
  );
}

/**
 * Validates a user or group id.
 *
 * @param value The value.
 * @param name For messages.
 * @returns The id; `null` where the value is undefined.
 * @throws {TypeError} when it is none.
 */
export function id(value: unknown, name: string): number | null {
  if (value === undefined || value === null) return null;
  // 2^32 - 1 means "keep" to setresuid(2) and is no user.
  const number = typeof value === "number" ? value : -1;
  if (Number.isInteger(number) && number >= 0 && number < 0xffff_ffff) {
    return number;
  }
  throw new TypeError(
    `Invalid ${name}: expected a whole number from 0 to 4294967294, got ${
      shown(value)
    }`,
  );
}

/**
 * Validates a whole number.
 *
 * @param value The value.
 * @param name For messages.
 * @param least The smallest number allowed.
 * @param most The largest number allowed.
 * @returns The number.
 * @throws {TypeError} when it is no number.
 * @throws {RangeError} when it is not whole, or out of range.
 */
export function wholeNumber(
  value: unknown,
  name: string,
  least: number,
  most: number,
): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Invalid ${name}: expected a number, got ${shown(value)}`,
    );
  }
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(
    `Invalid ${name}: expected a whole number from ${least} to ${most}, got ${value}`,
  );
}

/**
 * Validates one of several words.
 *
 * @param value The value.
 * @param name For messages.
 * @param allowed The words; the first one is the default.
 * @returns The word.
 * @throws {TypeError} when it is another.
 */
export function oneOf<T extends string>(
  value: unknown,
  name: string,
  allowed: readonly T[],
): T {
  if (value === undefined) return allowed[0] as T;
  if (allowed.includes(value as T)) return value as T;
  const names = allowed.map((one) => `"${one}"`).join(", ");
  throw new TypeError(
    `Invalid ${name}: expected one of ${names}, got ${shown(value)}`,
  );
}

/**
 * Validates a duration.
 *
 * @param value Milliseconds: 0 or more, Infinity allowed.
 * @param name For messages.
 * @param fallback Where the value is undefined.
 * @returns The duration, in milliseconds.
 * @throws {TypeError} when it is no number.
 * @throws {RangeError} when it is negative or NaN.
 */
export function duration(
  value: unknown,
  name: string,
  fallback: number,
): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number") {
    throw new TypeError(
      `Invalid ${name}: expected milliseconds as a number, got ${shown(value)}`,
    );
  }
  if (value >= 0) return value;
  throw new RangeError(
    `Invalid ${name}: expected milliseconds from 0, got ${value}`,
  );
}

/**
 * Validates a limit of time. 0 is no limit, as it is for Node, execa and GNU
 * timeout: a setting that was never set must not end a program at once.
 *
 * @param value Milliseconds: 0 or more, Infinity allowed.
 * @param name For messages.
 * @param fallback Where the value is undefined.
 * @returns The limit, in milliseconds; Infinity for none.
 * @throws {TypeError} when it is no number.
 * @throws {RangeError} when it is negative or NaN.
 */
export function timeLimit(
  value: unknown,
  name: string,
  fallback: number = Infinity,
): number {
  const ms = duration(value, name, fallback);
  return ms === 0 ? Infinity : ms;
}

/**
 * Validates a number of bytes.
 *
 * @param value The value.
 * @param name For messages.
 * @param fallback Where the value is undefined.
 * @returns The number; Infinity allowed.
 * @throws {TypeError} when it is no number.
 * @throws {RangeError} when it is negative or not whole.
 */
export function size(value: unknown, name: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number") {
    throw new TypeError(
      `Invalid ${name}: expected bytes as a number, got ${shown(value)}`,
    );
  }
  if (value === Infinity || Number.isInteger(value) && value >= 0) return value;
  throw new RangeError(
    `Invalid ${name}: expected a whole number of bytes from 0, or Infinity, got ${value}`,
  );
}

/**
 * Validates the length of the longest line.
 *
 * @param value The value, in bytes.
 * @param fallback Where the value is undefined.
 * @returns The length.
 * @throws {TypeError} when it is no number.
 * @throws {RangeError} when no character fits into it, or it is not finite.
 */
export function lineLength(value: unknown, fallback: number): number {
  const bytes = size(value, "maxLineLength", fallback);
  // The longest character of UTF-8 has 4 bytes.
  if (bytes >= 4 && bytes < Infinity) return bytes;
  throw new RangeError(
    `Invalid maxLineLength: expected a finite number of bytes from 4, got ${bytes}`,
  );
}

/**
 * Validates a soft signal.
 *
 * @param value A signal's name.
 * @param fallback Where the value is undefined.
 * @returns The name.
 * @throws {TypeError} when this OS does not know it.
 */
export function stopSignal(
  value: Deno.Signal | undefined,
  fallback: Deno.Signal,
): Deno.Signal {
  if (value === undefined) return fallback;
  if (typeof value !== "string") {
    throw new TypeError(`Invalid stopSignal: expected a name, got ${value}`);
  }
  signalNumber(backend().signals, value);
  return value;
}

// ---- Paths, given as a string or as a file URL ----

/**
 * Validates a path.
 *
 * @param value A path, or a file URL.
 * @param name For messages.
 * @returns The path.
 * @throws {TypeError} when it is neither, or contains a NUL.
 */
export function pathOf(value: string | URL, name: string): string {
  // In plain JavaScript Deno takes a String object as well.
  let path: unknown = (value as unknown) instanceof String
    ? String(value)
    : value;
  if (value instanceof URL) path = fileUrlPath(value);
  if (typeof path !== "string") {
    throw new TypeError(`Invalid ${name}: expected a string or a file URL`);
  }
  return withoutNul(path, name);
}

function fileUrlPath(url: URL): string {
  if (url.protocol !== "file:") throw new TypeError("Must be a file URL");
  if (backend().name === "posix") {
    // A literal % that is no escape stays what it is, as in Deno.
    return decodeURIComponent(
      url.pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"),
    );
  }
  const path = decodeURIComponent(
    url.pathname.replace(/^\/*([A-Za-z]:)(\/|$)/, "$1/").replace(/\//g, "\\")
      .replace(/%(?![0-9A-Fa-f]{2})/g, "%25"),
  );
  return url.hostname === "" ? path : `\\\\${url.hostname}${path}`;
}

/**
 * Whether an option is a stream to read from. Deno loads its streams when they
 * are named (2 to 3 ms), so they are named only when an object needs a look.
 *
 * @param value The option.
 * @returns Whether it is one.
 */
export function isReadable(
  value: unknown,
): value is ReadableStream<Uint8Array> {
  return isStreamLike(value) && value instanceof ReadableStream;
}

/**
 * Whether an option is a stream to write to; see {@linkcode isReadable}.
 *
 * @param value The option.
 * @returns Whether it is one.
 */
export function isWritable(
  value: unknown,
): value is WritableStream<Uint8Array> {
  return isStreamLike(value) && value instanceof WritableStream;
}

function isStreamLike(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    !ArrayBuffer.isView(value);
}

// ---- The shape of an options object: it is one, and every option in it exists. A
// mistake that is ignored costs more than an error that names it. ----

/** The options that there are. */
export type Known<T> = Readonly<Record<keyof T, true>>;

// Names that Node, execa and others have for the same.
const ALIASES: Readonly<Record<string, string>> = {
  abortSignal: "signal",
  arguments: "args",
  argv: "args",
  cancelSignal: "signal",
  environment: "env",
  forceKillAfterDelay: "grace",
  forceKillAfterTimeout: "grace",
  gracePeriod: "grace",
  killAfter: "grace",
  killSignal: "stopSignal",
  maxBuffer: "maxOutput",
  nice: "priority",
  timeLimit: "timeout",
  windowsVerbatimArguments: "windowsRawArguments",
  workingDirectory: "cwd",
};

/**
 * Validates a hook for events.
 *
 * @param value The option.
 * @returns The hook; `null` where the value is undefined.
 * @throws {TypeError} when it is no function.
 */
export function eventHook<T>(
  value: ((event: T) => void) | undefined,
): ((event: T) => void) | null {
  if (value === undefined) return null;
  if (typeof value === "function") return value;
  throw new TypeError(
    `Invalid onEvent: expected a function, got ${shown(value)}`,
  );
}

/**
 * Refuses what is no options object, and options that do not exist.
 *
 * @param value The options, as a caller gave them.
 * @param where The function or class that takes them, for messages.
 * @param known The options that there are.
 * @throws {TypeError} naming the option, and the one that was probably meant.
 */
export function checkOptions(
  value: unknown,
  where: string,
  known: Readonly<Record<string, true>>,
): void {
  if (value === undefined) return;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(
      `Invalid options of ${where}: expected an object with ${
        Object.keys(known).join(", ")
      }, got ${shown(value)}`,
    );
  }
  const names = Object.keys(value);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (Object.hasOwn(known, name)) continue;
    // Options that are given on may be undefined.
    if ((value as Record<string, unknown>)[name] === undefined) continue;
    throw new TypeError(
      `Unknown option '${name}' of ${where}${meant(name, Object.keys(known))}`,
    );
  }
}

/**
 * The end of a message about a name that does not exist.
 *
 * @param name The name.
 * @param names Those that exist.
 * @returns The one that was probably meant, or all of them.
 */
export function meant(name: string, names: readonly string[]): string {
  const other = ALIASES[name];
  const alias = other !== undefined && names.includes(other) ? other : null;
  const near = alias ?? closest(name.toLowerCase(), names);
  return near === null
    ? `: there are ${names.join(", ")}`
    : `: did you mean '${near}'?`;
}

/**
 * The name that was probably meant: one edit away from a short word, one edit more for
 * every three letters of a longer one. An edit adds, leaves out or replaces a letter,
 * or swaps two neighbours.
 *
 * @param word The word that was written.
 * @param names The names that exist.
 * @returns The nearest name, or `null` when none is near.
 */
export function closest(word: string, names: readonly string[]): string | null {
  // Every letter of a word changed is another word.
  if (word.length < 2) return null;
  let best: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const distance = editDistance(word, name.toLowerCase());
    if (distance < least) {
      best = name;
      least = distance;
    }
  }
  return best;
}

// The distance of optimal string alignment, one row at a time.
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row: number[] = [];
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
        (row[j - 1] as number) + change,
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] &&
        a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, (before[j - 2] as number) + 1);
      next[j] = least;
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
