/**
 * The shape of an options object: that it is one, and that every option in it
 * exists. A mistake that is ignored costs more than an error that names it.
 *
 * @module
 */

import { shown } from "../validate.ts";

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
 * The name that was probably meant.
 *
 * @param word The word that was written.
 * @param names The names that exist.
 * @returns The nearest name, or `null` when none is near.
 */
export function closest(word: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
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

// Levenshtein's distance, one row at a time.
function editDistance(a: string, b: string): number {
  let row: number[] = [];
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
        (row[j - 1] as number) + change,
      );
    }
    row = next;
  }
  return row[b.length] as number;
}
