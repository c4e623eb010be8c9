/**
 * Parsing of `/proc` files (proc(5)): pure, tested on every OS.
 *
 * @module
 */

/** How to ask for processes. */
export interface ProcessTable {
  /** All pids, newest first; `null` when the table cannot be read. */
  pids(): number[] | null;
  /** The number given last, to a process or a thread; where the OS tells. */
  newest?(): number;
  /**
   * Whether no number can have been given again since the newest was this one,
   * that many milliseconds ago.
   */
  numbersHold?(newest: number, ageMs: number): boolean;
  /** One process, or `null` when there is none with this number. */
  stat(pid: number): ProcStat | null;
  /** Its command line, or `null`. */
  commandLine(pid: number): string | null;
  /** When a process was started, in milliseconds since the epoch; NaN: not known. */
  startTime(stat: ProcStat): number;
}

/** The fields of `/proc/<pid>/stat` that matter here. */
export interface ProcStat {
  /** Process id. */
  readonly pid: number;
  /** Name of the program, at most 15 bytes. */
  readonly name: string;
  /**
   * One letter: R S D T t Z X I. That of the main thread; but Z only when no
   * other thread lives, so that a zombie is over.
   */
  readonly state: string;
  /** Parent. */
  readonly ppid: number;
  /** Process group. */
  readonly pgrp: number;
  /** Session. */
  readonly session: number;
  /**
   * Start time in clock ticks since boot, on macOS the unique id: it rises from
   * parent to child, and with the pid it names a process for good.
   */
  readonly startTicks: number;
  /** macOS: a number that no other process gets until reboot. */
  readonly uniqueId?: bigint;
  /** macOS: the unique id of who forked it, also when that is gone; of its parent since an exec. */
  readonly parentUniqueId?: bigint;
}

/**
 * Parses `/proc/<pid>/stat`.
 *
 * The name stands in parentheses and may contain spaces and parentheses itself,
 * so it ends at the last `)`.
 *
 * @param text The file's content.
 * @returns The fields, or `null` when the text is no stat line.
 */
export function parseStat(text: string): ProcStat | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const rest = text.slice(close + 2).split(" ", 20);
  const startTicks = Number(rest[19]);
  if (!Number.isFinite(startTicks)) return null;
  return {
    pid: parseInt(text, 10),
    name: text.slice(open + 1, close),
    state: stateOf(rest[0] as string, Number(rest[17])),
    ppid: Number(rest[1]),
    pgrp: Number(rest[2]),
    session: Number(rest[3]),
    startTicks,
  };
}

// A main thread that ended before the others, by pthread_exit(3) or in the middle
// of being killed, looks like a zombie. A true one has itself as its only thread.
function stateOf(letter: string, threads: number): string {
  return letter === "Z" && threads > 1 ? "S" : letter;
}

const STATES: Readonly<Record<string, string>> = {
  R: "running",
  S: "sleeping",
  D: "uninterruptible",
  T: "stopped",
  t: "traced",
  Z: "zombie",
  X: "dead",
  I: "idle",
};

/**
 * A state in words.
 *
 * @param letter The letter of proc(5).
 * @returns The word.
 */
export function stateName(letter: string): string {
  return STATES[letter] ?? letter;
}

/** Whether a process with this state is over: it can do nothing and needs no killing. */
export function isDead(letter: string): boolean {
  return letter === "Z" || letter === "X";
}

/**
 * The soft limit of "Max file locks" in `/proc/<pid>/limits`.
 *
 * @param text The file's content.
 * @returns The limit, or `null` when it is unlimited or not there.
 */
export function parseLocksLimit(text: string): bigint | null {
  const match = /^Max file locks\s+(\d+)/m.exec(text);
  return match === null ? null : BigInt(match[1] as string);
}

/**
 * The pids among the entries of a `getdents64` buffer of `/proc`.
 *
 * `struct linux_dirent64` (getdents64(2)): d_reclen u16 at 16, d_name at 19.
 *
 * @param bytes The buffer.
 * @param size How much of it is filled.
 * @param pids Where the pids are appended.
 */
export function collectPids(
  bytes: Uint8Array,
  size: number,
  pids: number[],
): void {
  let offset = 0;
  while (offset < size) {
    const length = (bytes[offset + 16] as number) |
      ((bytes[offset + 17] as number) << 8);
    let at = offset + 19;
    let pid = 0;
    let digit = (bytes[at] as number) - 48;
    while (digit >= 0 && digit <= 9) {
      pid = pid * 10 + digit;
      digit = (bytes[++at] as number) - 48;
    }
    // A name that is digits to its end is a process; d_name ends with NUL.
    if (pid > 0 && bytes[at] === 0) pids.push(pid);
    offset += length;
  }
}
