/**
 * `/proc` (proc(5)), read through libc, and the parsers of its files:
 * `Deno.readTextFile` would need far more permission than the process table is worth.
 *
 * @module
 */

import { cString } from "../../ffi/memory.ts";
import { buffer } from "../../ffi/library.ts";
import { EACCES, EMFILE, ENFILE, ENOENT, EPERM } from "./errno.ts";
import { closeKept, keep, type Kept } from "./isolate_end.ts";
import { errno, libc, libcLinux } from "./libc.ts";

// More forks per millisecond than any machine does: how soon numbers might wrap.
export const FORKS_PER_MS = 100;
let pidMaximum = 0;

export function pidMax(): number {
  if (pidMaximum === 0) {
    const path = "/proc/sys/kernel/pid_max";
    pidMaximum = Number(readProcFile(path) ?? "32768");
  }
  return pidMaximum;
}

/**
 * Whether every number still means the process that it meant.
 *
 * @param newest The number that was given last, some time ago.
 * @param ageMs How long ago, in milliseconds.
 * @returns False when numbers may have wrapped since, or cannot be read.
 */
export function numbersHold(newest: number, ageMs: number): boolean {
  return newest > 0 && lastPid() >= newest && numbersFresh(ageMs);
}

/**
 * Whether too little time has passed for numbers to come round.
 *
 * @param ageMs How long ago, in milliseconds.
 * @returns False when they may have.
 */
export function numbersFresh(ageMs: number): boolean {
  return ageMs * FORKS_PER_MS < pidMax();
}

const O_RDONLY_CLOEXEC = 0x80000;
const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0x4000 : 0x10000;
const decoder = new TextDecoder();
let space: Uint8Array<ArrayBuffer> | null = null;

/** A work buffer: nothing keeps a view of it over another call. */
function workspace(): Uint8Array<ArrayBuffer> {
  return space ??= buffer(65536);
}

/** Opens a file for reading (Linux): a descriptor, or `-errno`. Never the reserve: the caller may keep it. */
export function openFile(path: string): number {
  const fd = libcLinux().open(cString(path), O_RDONLY_CLOEXEC, 0);
  return fd >= 0 ? fd : -errno();
}

// One descriptor kept for when there are no others: a process that has used up
// its own must still be able to end its children.
const reserve: Kept = { fd: -1 };

function open(path: string, flags: number): number {
  const fd = libcLinux().open(cString(path), flags, 0);
  if (fd >= 0) return fd;
  const error = errno();
  if (reserve.fd < 0 || error !== EMFILE && error !== ENFILE) return -error;
  closeKept(reserve);
  return open(path, flags);
}

// Closes a descriptor of this module, or keeps it as the reserve.
function close(fd: number): void {
  if (reserve.fd >= 0) {
    libc().close(fd);
    return;
  }
  reserve.fd = fd;
  keep(reserve);
}

/**
 * A small file of `/proc` as text.
 *
 * @param path Its path.
 * @returns Its first 64 KiB, or `null` when it cannot be read.
 */
export function readProcFile(path: string): string | null {
  const fd = open(path, O_RDONLY_CLOEXEC);
  if (fd < 0) return null;
  const bytes = workspace();
  let size = 0;
  for (;;) {
    const n = libc().read(
      fd,
      bytes.subarray(size),
      BigInt(bytes.length - size),
    );
    if (n <= 0) break;
    size += n;
    if (size === bytes.length) break;
  }
  close(fd);
  return size > 0 ? decoder.decode(bytes.subarray(0, size)) : null;
}

/**
 * `/proc/<pid>/stat`.
 *
 * @param pid The process.
 * @returns Its fields, or `null` when there is no such process.
 */
export function readStat(pid: number): ProcStat | null {
  const fd = open(`/proc/${pid}/stat`, O_RDONLY_CLOEXEC);
  if (fd < 0) return null;
  const bytes = workspace();
  // The kernel writes it in one go; of a large tree it is read a thousand times.
  const size = libc().read(fd, bytes, BigInt(bytes.length));
  close(fd);
  return size > 0 ? parseStat(decoder.decode(bytes.subarray(0, size))) : null;
}

/**
 * Whether `/proc` shows nothing of a process: it is not there, or hidden (hidepid, see
 * proc(5)).
 *
 * @param pid The process.
 * @returns False also when it cannot be told, for want of a descriptor.
 */
export function isHidden(pid: number): boolean {
  const fd = openFile(`/proc/${pid}/stat`);
  if (fd >= 0) libc().close(fd);
  return fd === -ENOENT || fd === -EACCES || fd === -EPERM;
}

/**
 * The command line of a process.
 *
 * @param pid The process.
 * @returns Its arguments joined by spaces, or `null` for a zombie or kernel thread.
 */
export function readCommandLine(pid: number): string | null {
  const text = readProcFile(`/proc/${pid}/cmdline`);
  if (text === null) return null;
  return text.replace(/\0+$/, "").replaceAll("\0", " ");
}

/**
 * All process ids that `/proc` shows, newest first.
 *
 * Newest first: a chain of processes that fork a successor and exit is overtaken
 * only by a reader that goes against its direction.
 *
 * @returns The pids, or `null` when `/proc` cannot be read.
 */
export function listPids(): number[] | null {
  const pids = listNumbers("/proc");
  return pids === null ? null : pids.sort((a, b) => b - a);
}

/** The numbers of a process's threads; `null` when it is gone. */
export function listThreads(pid: number): number[] | null {
  return listNumbers(`/proc/${pid}/task`);
}

/**
 * The children that one thread of a process has forked, or adopted, zombies included.
 * When one of them is reaped meanwhile, another may be missing.
 *
 * @param pid The process.
 * @param thread The thread.
 * @returns Their numbers; `null` when the thread is gone or the kernel was built
 * without CONFIG_PROC_CHILDREN.
 */
export function listChildrenOf(pid: number, thread: number): number[] | null {
  const fd = open(`/proc/${pid}/task/${thread}/children`, O_RDONLY_CLOEXEC);
  if (fd < 0) return null;
  const bytes = workspace();
  const children: number[] = [];
  let number = 0;
  for (;;) {
    const size = Number(libc().read(fd, bytes, BigInt(bytes.length)));
    if (size <= 0) break;
    for (let i = 0; i < size; i++) {
      const digit = (bytes[i] as number) - 48;
      if (digit >= 0) number = number * 10 + digit;
      else if (number > 0) {
        children[children.length] = number;
        number = 0;
      }
    }
  }
  close(fd);
  return children;
}

/**
 * The children of a process.
 *
 * @param pid The process.
 * @returns Their numbers; `null` when the kernel does not tell.
 */
export function listChildren(pid: number): number[] | null {
  const threads = listThreads(pid);
  if (threads === null) return childrenAreListed() ? [] : null;
  let all: number[] = [];
  for (let i = 0; i < threads.length; i++) {
    const some = listChildrenOf(pid, threads[i] as number);
    if (some === null && !childrenAreListed()) return null;
    if (some !== null && some.length > 0) all = all.concat(some);
  }
  return all;
}

let listed: boolean | null = null;

// CONFIG_PROC_CHILDREN.
function childrenAreListed(): boolean {
  return listed ??= listChildrenOf(Deno.pid, Deno.pid) !== null;
}

/**
 * The entries of a directory of `/proc` whose names are numbers.
 *
 * @param directory Its path.
 * @returns The numbers, or `null` when it cannot be read to its end.
 */
export function listNumbers(directory: string): number[] | null {
  const c = libcLinux();
  const fd = open(directory, O_RDONLY_CLOEXEC | O_DIRECTORY);
  if (fd < 0) return null;
  const bytes = workspace();
  const pids: number[] = [];
  let n: number;
  for (;;) {
    n = c.getdents64(fd, bytes, BigInt(bytes.length));
    if (n <= 0) break;
    collectPids(bytes, n, pids);
  }
  close(fd);
  // Half a list would prove that the processes of the other half are gone.
  return n < 0 ? null : pids;
}

/**
 * The target of a symbolic link.
 *
 * @param path The link.
 * @returns Its text, or `null`.
 */
export function readLink(path: string): string | null {
  const bytes = workspace();
  const n = libcLinux().readlink(cString(path), bytes, 4096n);
  return n > 0 ? decoder.decode(bytes.subarray(0, n)) : null;
}

let usable: boolean | null = null;

/**
 * Whether `/proc` is there and shows this process under its own number. With a
 * `/proc` of another pid namespace the numbers would be strangers'.
 */
export function procIsUsable(): boolean {
  if (usable === null) {
    usable = readLink("/proc/self") === String(Deno.pid);
  }
  return usable;
}

const loadavg: Kept = { fd: -1 };

// The number read last, and when.
let recent = -1;
let recentAt = 0;

/**
 * The number of the process or thread that was created last in this pid
 * namespace: the fifth field of `/proc/loadavg`. Numbers are given in rising
 * order until they wrap, so an unchanged one proves that nothing was forked.
 *
 * @param now The time, on the clock of `performance.now()`, if it is known.
 * @returns The number, or -1 when it cannot be read.
 */
export function lastPid(now: number = performance.now()): number {
  // Tried again: descriptors that are used up now may be free later.
  if (loadavg.fd < 0) {
    loadavg.fd = openFile("/proc/loadavg");
    if (loadavg.fd < 0) return -1;
    keep(loadavg);
  }
  const bytes = workspace();
  const n = libcLinux().pread(loadavg.fd, bytes, 128n, 0n);
  // The number ends before the newline; read it backwards.
  let value = 0;
  let scale = 1;
  for (let i = n - 2; i >= 0; i--) {
    const digit = (bytes[i] as number) - 48;
    if (digit < 0 || digit > 9) {
      recent = value > 0 ? value : -1;
      recentAt = now;
      return recent;
    }
    value += digit * scale;
    scale *= 10;
  }
  return -1;
}

/**
 * The same, where an earlier answer will do.
 *
 * @param ms How old it may be, in milliseconds.
 * @returns The number at that time or later, or -1.
 */
export function recentLastPid(ms: number): number {
  return recent > 0 && performance.now() - recentAt < ms ? recent : lastPid();
}

let origin: number | null = null;

/**
 * A start time of `/proc/<pid>/stat` on the wall clock.
 *
 * @param startTicks Ticks since boot.
 * @returns Milliseconds since the epoch; `NaN` where boot time is unknown.
 */
export function startTimeOf(startTicks: number): number {
  if (origin === null) {
    const match = /^btime (\d+)/m.exec(readProcFile("/proc/stat") ?? "");
    origin = match === null ? NaN : Number(match[1]) * 1000;
  }
  // sysconf(_SC_CLK_TCK) is 100 on every Linux that Deno runs on.
  return origin + startTicks * 10;
}

// Parsing of `/proc` files (proc(5)): pure, tested on every OS.

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
  /** The children of a process, where the system tells; `null` when it does not after all. */
  children?(pid: number): number[] | null;
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
  /** Linux: it has been forked and has not called exec since. */
  readonly forked?: boolean;
  /** macOS: a number that no other process gets until reboot. */
  readonly uniqueId?: bigint;
  /** macOS: the unique id of the process that forked it, also when that is gone; of its parent since an exec. */
  readonly parentUniqueId?: bigint;
}

// <linux/sched.h>
const PF_FORKNOEXEC = 0x40;

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
    forked: (Number(rest[6]) & PF_FORKNOEXEC) !== 0,
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
