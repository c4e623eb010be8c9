/**
 * Checks of the options that say as what a child runs: groups, file mode mask,
 * priority, CPUs, and its terminal.
 *
 * @module
 */

import type { TerminalSize } from "../../backend/native.ts";
import type { ProcessGroupMode, WindowsSpec } from "../../backend/spec.ts";
import {
  checkOptions,
  flag,
  id,
  type Known,
  oneOf,
  shown,
  wholeNumber,
  withoutNul,
} from "../validate.ts";

/**
 * A scheduling priority, in words.
 *
 * @category Start a program
 */
export type ProcessPriority =
  | "idle"
  | "below-normal"
  | "normal"
  | "above-normal"
  | "high";

// NGROUPS_MAX of Linux (<limits.h>).
const MAX_GROUPS = 65536;

// The most that Linux can be built for (CONFIG_NR_CPUS).
const MAX_CPUS = 8192;

/** The nice values of the words, as in Node's `os.constants.priority`. */
const NICE: Readonly<Record<ProcessPriority, number>> = {
  idle: 19,
  "below-normal": 10,
  normal: 0,
  "above-normal": -7,
  high: -14,
};

/** The size of a pseudo-terminal where the options say nothing: that of a VT100. */
const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

function listOf(value: unknown, name: string): readonly unknown[] | null {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value;
  throw new TypeError(
    `Invalid ${name}: expected an array of numbers, got ${shown(value)}`,
  );
}

/**
 * Validates supplementary groups.
 *
 * @param value The option.
 * @returns A copy of the list; `null` where the value is undefined.
 * @throws {TypeError} when it is no list of group ids.
 * @throws {RangeError} when it is longer than Linux allows.
 */
export function groupIds(value: unknown): number[] | null {
  const list = listOf(value, "groups");
  if (list === null) return null;
  if (list.length > MAX_GROUPS) {
    throw new RangeError(
      `Invalid groups: ${list.length} are more than ${MAX_GROUPS}`,
    );
  }
  const groups: number[] = [];
  for (let i = 0; i < list.length; i++) {
    // What id() takes for "not given" is no group.
    groups[i] = id(list[i] ?? NaN, `groups[${i}]`) as number;
  }
  return groups;
}

/**
 * Validates a file mode creation mask.
 *
 * @param value The option.
 * @returns The mask; `null` where the value is undefined.
 * @throws {TypeError} when it is no number.
 * @throws {RangeError} when it has other bits than 0o777.
 */
export function umaskBits(value: unknown): number | null {
  return value === undefined ? null : wholeNumber(value, "umask", 0, 0o777);
}

/**
 * Validates a priority.
 *
 * @param value The option: a word or a nice value.
 * @returns The nice value; `null` where the value is undefined.
 * @throws {TypeError} when it is another word, or no number.
 * @throws {RangeError} when it is not from -20 to 19.
 */
export function niceValue(value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value !== "string") {
    return wholeNumber(value, "priority", -20, 19);
  }
  if (Object.hasOwn(NICE, value)) return NICE[value as ProcessPriority];
  const words = Object.keys(NICE).map((one) => `"${one}"`).join(", ");
  throw new TypeError(
    `Invalid priority: expected one of ${words}, or a nice value, got ${
      shown(value)
    }`,
  );
}

/**
 * Validates a list of CPUs.
 *
 * @param value The option.
 * @returns A copy of the list; `null` where the value is undefined.
 * @throws {TypeError} when it is no list of numbers.
 * @throws {RangeError} when it is empty, or a number cannot be a CPU's.
 */
export function cpuNumbers(value: unknown): number[] | null {
  const list = listOf(value, "affinity");
  if (list === null) return null;
  if (list.length === 0) {
    throw new RangeError("Invalid affinity: a child needs at least one CPU");
  }
  const cpus: number[] = [];
  for (let i = 0; i < list.length; i++) {
    cpus[i] = wholeNumber(list[i], `affinity[${i}]`, 0, MAX_CPUS - 1);
  }
  return cpus;
}

/**
 * Validates a terminal's size.
 *
 * @param value Columns and rows.
 * @param name For messages.
 * @param fallback The size for a field that is left out; without it, none may be.
 * @returns The size.
 * @throws {TypeError} when it is of the wrong type.
 * @throws {RangeError} when a number is not from 1 to 65535.
 */
export function terminalSize(
  value: unknown,
  name: string,
  fallback: TerminalSize | null = null,
): TerminalSize {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `Invalid ${name}: expected columns and rows, got ${shown(value)}`,
    );
  }
  const { columns, rows } = value as Partial<TerminalSize>;
  const side = (given: unknown, part: "columns" | "rows"): number =>
    given === undefined && fallback !== null
      ? fallback[part]
      : wholeNumber(given, `${name}.${part}`, 1, 0xffff);
  return { columns: side(columns, "columns"), rows: side(rows, "rows") };
}

/** The options that {@linkcode terminalChoice} looks at, of a command. */
export interface TerminalOptions {
  /** Whether the child gets this process's terminal. */
  readonly foreground?: unknown;
  /** The size of a pseudo-terminal, or whether there is one. */
  readonly pty?: unknown;
  /** Whether the child gets a session of its own. */
  readonly detached?: unknown;
  /** The child's process group. */
  readonly processGroup?: ProcessGroupMode;
  /** Standard input. */
  readonly stdin?: unknown;
  /** Standard output. */
  readonly stdout?: unknown;
  /** Standard error. */
  readonly stderr?: unknown;
}

/** The terminal that a child gets. */
export interface TerminalChoice {
  /** Whether it gets this process's terminal. */
  readonly foreground: boolean;
  /** The size of a terminal of its own, or `null`. */
  readonly pty: TerminalSize | null;
}

/**
 * Validates `foreground` and `pty`, and what cannot go with them.
 *
 * @param options The options.
 * @returns The choice.
 * @throws {TypeError} for a combination that has no meaning.
 * @throws {RangeError} for a size out of range.
 */
export function terminalChoice(options: TerminalOptions): TerminalChoice {
  const foreground = flag(options.foreground, "foreground", false);
  const pty = ptySize(options.pty);
  const group = options.processGroup ?? "auto";
  if (foreground && pty !== null) {
    throw new TypeError(
      "Invalid foreground: with 'pty' the child has a terminal of its own",
    );
  }
  if (foreground && (options.detached || group !== "auto" && group !== "own")) {
    throw new TypeError(
      "Invalid foreground: it needs a process group of the child's own in this session, so neither 'detached' nor another 'processGroup'",
    );
  }
  if (pty === null) return { foreground, pty };
  if (group !== "auto" && group !== "session") {
    throw new TypeError(
      `Invalid processGroup: with 'pty' it is "session", got ${shown(group)}`,
    );
  }
  refuseStream(options.stdin, "stdin", "null");
  refuseStream(options.stdout, "stdout", "piped");
  refuseStream(options.stderr, "stderr", "null");
  return { foreground, pty };
}

function ptySize(value: unknown): TerminalSize | null {
  if (value === undefined || value === false) return null;
  return value === true
    ? DEFAULT_SIZE
    : terminalSize(value, "pty", DEFAULT_SIZE);
}

// With a terminal, stdin may be a pipe or nothing; stdout and stderr are one stream.
function refuseStream(value: unknown, name: string, also: string): void {
  const piped = name !== "stderr" && value === "piped";
  if (value === undefined || value === also || piped) return;
  throw new TypeError(
    `Invalid ${name}: with 'pty' the three streams are the terminal; leave it out`,
  );
}

// ---- Options of Windows: start-up information and creation flags of
// `CreateProcessW`. Checked on every system, without effect on the others. ----

/**
 * How a child is started on Windows.
 *
 * @category Start a program
 */
export interface WindowsOptions {
  /**
   * The console of the child.
   *
   * - `"auto"`: this process's console when the child has one of its streams, else
   *   one of its own without a window. Both can be asked to end.
   * - `"hidden"`: one of its own without a window.
   * - `"own"`: one of its own in a new window.
   * - `"shared"`: that of this process, in a console group of its own.
   * - `"none"`: no console. It can then only be asked to end by its windows.
   *
   * @default {"auto"}
   */
  console?: "auto" | "hidden" | "own" | "shared" | "none";
  /**
   * How the first window of the child is shown, when the child leaves that to
   * Windows: `"hidden"` is Node's `windowsHide` for programs with windows.
   *
   * @default {"default"} as the program wants it
   */
  window?: "default" | "normal" | "hidden" | "minimized" | "maximized";
  /**
   * The desktop of the child, as `window station\desktop`.
   *
   * @default {this process's}
   */
  desktop?: string;
  /**
   * Whether members of the tree may start processes outside of it, by the flag
   * CREATE_BREAKAWAY_FROM_JOB. What leaves the tree is not ended with it, so by
   * default Windows refuses such a start with ERROR_ACCESS_DENIED; members of a
   * `Job` are always refused.
   *
   * @default {false}
   */
  breakaway?: boolean;
}

const OPTIONS: Known<WindowsOptions> = {
  console: true,
  window: true,
  desktop: true,
  breakaway: true,
};

const CONSOLES = ["auto", "hidden", "own", "shared", "none"] as const;

const WINDOWS = [
  "default",
  "normal",
  "hidden",
  "minimized",
  "maximized",
] as const;

/**
 * Checks the options.
 *
 * @param options The options, as the caller gave them.
 * @returns The validated options for the backend, or `null` when there are none.
 * @throws {TypeError} for an option that does not exist, or of the wrong type.
 */
export function windowsSpec(
  options: WindowsOptions | undefined,
): WindowsSpec | null {
  if (options === undefined) return null;
  checkOptions(options, "windows", OPTIONS);
  const { desktop } = options;
  if (desktop !== undefined && typeof desktop !== "string") {
    throw new TypeError(
      `Invalid windows.desktop: expected a string, got ${shown(desktop)}`,
    );
  }
  return {
    console: oneOf(options.console, "windows.console", CONSOLES),
    window: oneOf(options.window, "windows.window", WINDOWS),
    desktop: desktop === undefined
      ? null
      : withoutNul(desktop, "windows.desktop"),
    breakaway: flag(options.breakaway, "windows.breakaway", false),
  };
}
