/**
 * The second mark of a tree, which processes keep that lose the tag (Linux): a
 * scheduling slice, the blocks that an owner takes its marks from, and the detector,
 * two bits that tell a process of some tree from one that never was in any.
 *
 * The slice (Linux 6.12) is `sched_runtime` of `struct sched_attr` under SCHED_OTHER,
 * see sched_setattr(2). Every fork and exec hands it on, no privilege is needed, and a
 * PAM session leaves it alone, where pam_limits(8) sets all resource limits anew. It
 * belongs to a thread: while this thread starts a child, children of other threads get
 * theirs. Any user may read that of any process.
 *
 * @module
 */

import { cString } from "../../ffi/memory.ts";
import { ESRCH } from "../system/errno.ts";
import { keep, type Kept } from "../system/isolate_end.ts";
import { errno, libc, libcLinux, libcWait } from "../system/libc.ts";
import { listPids, readProcFile } from "../system/proc_files.ts";

const ARM = Deno.build.arch === "aarch64";
const SYS_SCHED_SETATTR = ARM ? 274 : 314;
const SYS_SCHED_GETATTR = ARM ? 275 : 315;

// struct sched_attr (<linux/sched/types.h>), 56 bytes: size u32 at 0, sched_policy
// u32 at 4, sched_flags u64 at 8, sched_nice i32 at 16, sched_priority u32 at 20,
// sched_runtime u64 at 24. The first version ends at 48.
const SIZE = 56;

const SIZE_FIRST = 48;
const POLICY = 1;
const FLAGS = 2;
const RUNTIME = 6;
const SCHED_OTHER = 0;
const SCHED_BATCH = 3;
const RESET_ON_FORK = 1;
const bytes = new Uint8Array(new ArrayBuffer(SIZE));
const words = new Uint32Array(bytes.buffer);

// The range of marks above the default slice: 131 µs, where the default is between
// 0.7 and 2.8 ms. EEVDF gives equal shares whatever the slice is.
const BITS = 17;

/** So many marks there are. */
export const MARKS: number = 1 << BITS;
let refused = false;
let base = -1;

/** Makes this machine one without slices; for tests. */
export function refuseSlices(refuse: boolean): void {
  refused = refuse;
  base = -1;
}

// Reads the attributes of a process's first thread, of this thread for 0.
function read(pid: number): boolean {
  return libcLinux().sched_getattr(SYS_SCHED_GETATTR, pid, bytes, SIZE, 0) ===
    0;
}

function isFair(): boolean {
  const policy = words[POLICY];
  return policy === SCHED_OTHER || policy === SCHED_BATCH;
}

/**
 * The slice of a process.
 *
 * @param pid The process; 0 is this thread.
 * @returns Nanoseconds; 0 under a policy that has none, `"gone"` when there is no such process.
 */
export function sliceOf(pid: number): number | "gone" {
  if (refused) return 0;
  if (!read(pid)) return errno() === ESRCH ? "gone" : 0;
  return isFair() ? words[RUNTIME] as number : 0;
}

// All attributes but the slice keep their present values.
function write(ns: number): boolean {
  if (refused || !read(0) || !isFair()) return false;
  // Children of this thread would not inherit it.
  if ((words[FLAGS] as number) & RESET_ON_FORK) return false;
  words[0] = SIZE_FIRST;
  words[RUNTIME] = ns;
  words[RUNTIME + 1] = 0;
  return libcLinux().sched_setattr(SYS_SCHED_SETATTR, 0, bytes, 0) === 0;
}

/**
 * Gives this thread a mark, for the moment of a spawn.
 *
 * @param mark 1 to {@linkcode MARKS} - 1.
 * @returns Whether it has it.
 */
export function setMark(mark: number): boolean {
  return base > 0 && write(base + mark);
}

/** Gives this thread the default slice back. */
export function clearMark(): void {
  write(0);
}

/**
 * The mark of a process.
 *
 * @param pid The process.
 * @returns 1 to {@linkcode MARKS} - 1; 0 when it has none or is gone.
 */
export function markOf(pid: number): number {
  if (base <= 0) return 0;
  const slice = sliceOf(pid);
  if (slice === "gone") return 0;
  const mark = slice - base;
  return mark > 0 && mark < MARKS ? mark : 0;
}

/** The slice of a mark, in nanoseconds, as `/proc/<pid>/sched` shows it. */
export function sliceOfMark(mark: number): number {
  return base + mark;
}

/**
 * Tells why this thread cannot mark its children. Looked at once.
 *
 * @returns The reason, or `""`.
 */
export function sliceObstacle(): string {
  if (base < 0) reason = findBase();
  return reason;
}

let reason = "";

function findBase(): string {
  base = 0;
  const own = sliceOf(0);
  if (own === "gone" || own <= 0) {
    return "this thread has no scheduling slice: it runs under another policy than SCHED_OTHER, or the call is refused";
  }
  if (!write(0)) return "the scheduling slice cannot be set here";
  const normal = sliceOf(0) as number;
  if (own !== normal) {
    write(own);
    return "this process has a scheduling slice of its own, which its children keep";
  }
  // Before Linux 6.12 it is accepted and ignored.
  write(own + 1);
  const took = sliceOf(0) === own + 1;
  write(0);
  if (!took) return "the kernel has no scheduling slice (Linux 6.12)";
  base = own;
  return "";
}

// Blocks: the marks of an owner lie side by side, so that one pattern means all of
// them.
const BLOCK = 512;

/** Slices of one block of marks, in nanoseconds. */
export interface SliceRange {
  /** The lowest. */
  readonly low: number;
  /** The highest. */
  readonly high: number;
}

/** Told of the slices that an owner uses. */
export interface RangeEvents {
  /** From now on some of these are used. */
  begins(range: SliceRange): void;
  /** None of these is used any more. */
  ends(range: SliceRange): void;
}

/** Marks for the trees of an owner, from blocks that no living process has a mark of. */
export class MarkBlocks {
  readonly #events: RangeEvents | null;
  readonly #used = new Set<number>();
  // How many marks of each block are used.
  readonly #counts = new Map<number, number>();
  #block = -1;

  /** @param events Told of each block, or `null`. */
  constructor(events: RangeEvents | null) {
    this.#events = events;
  }

  /**
   * Takes a mark.
   *
   * @returns The mark, or 0 when none is free.
   */
  take(): number {
    // Half of them at most: a random one is free at the first or second try.
    const count = this.#counts.get(this.#block) ?? 0;
    if (this.#block < 0 || count >= BLOCK / 2) this.#next();
    if (this.#block < 0) return 0;
    for (;;) {
      const index = 1 + Math.floor(Math.random() * (BLOCK - 1));
      const mark = this.#block * BLOCK + index;
      if (this.#used.has(mark)) continue;
      this.#used.add(mark);
      this.#counts.set(this.#block, (this.#counts.get(this.#block) ?? 0) + 1);
      return mark;
    }
  }

  /** The tree of a mark is empty. */
  give(mark: number): void {
    if (!this.#used.delete(mark)) return;
    const block = Math.floor(mark / BLOCK);
    const count = (this.#counts.get(block) ?? 1) - 1;
    this.#counts.set(block, count);
    if (count > 0 || block === this.#block) return;
    this.#counts.delete(block);
    this.#events?.ends(rangeOf(block));
  }

  #next(): void {
    const taken = new Set<number>();
    this.#counts.forEach((_, block) => taken.add(block));
    const pids = listPids() ?? [];
    for (let i = 0; i < pids.length; i++) {
      const mark = markOf(pids[i] as number);
      if (mark > 0) taken.add(Math.floor(mark / BLOCK));
    }
    this.#block = -1;
    const count = MARKS / BLOCK;
    const first = Math.floor(Math.random() * count);
    for (let i = 0; i < count && this.#block < 0; i++) {
      const block = (first + i) % count;
      if (!taken.has(block)) this.#block = block;
    }
    if (this.#block >= 0) this.#events?.begins(rangeOf(this.#block));
  }
}

function rangeOf(block: number): SliceRange {
  return {
    low: base + block * BLOCK + 1,
    high: base + block * BLOCK + BLOCK - 1,
  };
}

/**
 * An extended regular expression (POSIX ERE) for the numbers of a range, in decimal.
 *
 * @param low The lowest.
 * @param high The highest.
 * @returns Alternatives, with `|` in between.
 */
export function rangePattern(low: number, high: number): string {
  const parts: string[] = [];
  let from = low;
  while (from <= high) {
    // Of the same number of digits.
    const to = Math.min(high, 10 ** String(from).length - 1);
    addPatterns("", String(from), String(to), parts);
    from = to + 1;
  }
  return parts.join("|");
}

// Appends patterns for all numbers from one to another, which have as many digits.
function addPatterns(
  prefix: string,
  low: string,
  high: string,
  parts: string[],
): void {
  if (low === high) {
    parts.push(prefix + low);
    return;
  }
  const first = low.charCodeAt(0) - 48;
  const last = high.charCodeAt(0) - 48;
  const rest = low.length - 1;
  const zeros = "0".repeat(rest);
  const nines = "9".repeat(rest);
  if (first === last) {
    addPatterns(prefix + low[0], low.slice(1), high.slice(1), parts);
    return;
  }
  const wholeFirst = low.slice(1) === zeros;
  const wholeLast = high.slice(1) === nines;
  if (!wholeFirst) addPatterns(prefix + first, low.slice(1), nines, parts);
  const from = wholeFirst ? first : first + 1;
  const to = wholeLast ? last : last - 1;
  if (from <= to) parts.push(`${prefix}[${from}-${to}]${"[0-9]".repeat(rest)}`);
  if (!wholeLast) addPatterns(prefix + last, zeros, high.slice(1), parts);
}

// The detector: two bits that tell a process that has lost its marks from one that
// never had any, bits 7 and 8 of `/proc/<pid>/coredump_filter` (core(5), Linux 4.4),
// which say whether a core dump contains DAX pages. They are 0 by default and have no
// effect where no persistent memory is mapped; fork and exec hand them on, and
// nothing resets them: no PAM session, no change of user.
//
// They say "of some tree", not of which. They belong to the address space, which
// all threads share, so that what another thread starts at the same moment has
// them too; it is released as that is from the tag.

const DETECTOR_BITS = 0x180;
const O_RDONLY_CLOEXEC = 0x80000;
const O_RDWR_CLOEXEC = 0x80002;
let detectorRefused = false;

// Of this process: a descriptor, and the two texts that are written in turn. None
// where it has the bits already and its children inherit them.
const own: Kept = { fd: -1 };

let plain: Uint8Array<ArrayBuffer> | null = null;
let marked: Uint8Array<ArrayBuffer> | null = null;
let detectorReason: string | null = null;

/** Makes this machine one without the detector; for tests. */
export function refuseDetector(refuse: boolean): void {
  detectorRefused = refuse;
  detectorReason = null;
}

/**
 * Why the bits tell nothing here. Looked at once.
 *
 * @param tagged Whether this process is in a tree: then all that it starts has the
 * tag of that tree or has lost it.
 * @returns The reason, or `""`.
 */
export function detectorObstacle(tagged: boolean): string {
  return detectorReason ??= prepare(tagged);
}

function prepare(tagged: boolean): string {
  plain = marked = null;
  if (detectorRefused) return "the detector is switched off";
  if (inheritsDetector()) {
    return tagged
      ? ""
      : "this process has lost the marks of the tree that it is in";
  }
  const filter = readFilter();
  if (filter === null) return "/proc/self/coredump_filter cannot be read";
  const value = filter & ~DETECTOR_BITS;
  if (!isOpen()) return "/proc/self/coredump_filter cannot be written";
  plain = text(value);
  marked = text(value | DETECTOR_BITS);
  return "";
}

function readFilter(): number | null {
  const filter = readProcFile("/proc/self/coredump_filter");
  return filter === null ? null : parseInt(filter, 16);
}

// Looks at the bits of this process: another isolate has them set while it spawns.
const LOOKS = 5;

/**
 * Whether this process has the bits from what started it, and so comes from a tree.
 *
 * @returns False also where it cannot be read.
 */
export function inheritsDetector(): boolean {
  for (let looks = 1;; looks++) {
    if (((readFilter() ?? 0) & DETECTOR_BITS) === 0) return false;
    if (looks === LOOKS) return true;
    libcWait().poll(null, 0n, 1);
  }
}

// Opened again after an unload of this isolate after which it goes on.
function isOpen(): boolean {
  if (own.fd >= 0) return true;
  const path = cString("/proc/self/coredump_filter");
  own.fd = libcLinux().open(path, O_RDWR_CLOEXEC, 0);
  if (own.fd >= 0) keep(own);
  return own.fd >= 0;
}

function text(filter: number): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`0x${filter.toString(16)}\n`);
}

/** Sets or takes back the bits of this process, for the moment of a spawn. */
export function setDetector(on: boolean): void {
  const bytes = on ? marked : plain;
  if (bytes === null || !isOpen()) return;
  libcLinux().pwrite(own.fd, bytes, BigInt(bytes.length), 0n);
}

/** Takes the bits back from a process of another thread that was started at the moment of a spawn. */
export function clearDetector(pid: number): void {
  if (plain === null) return;
  const path = cString(`/proc/${pid}/coredump_filter`);
  const fd = libcLinux().open(path, O_RDWR_CLOEXEC, 0);
  if (fd < 0) return;
  libc().write(fd, plain, BigInt(plain.length));
  libc().close(fd);
}

// "/proc/", at most ten digits, and the rest of the path. Every stranger is read
// once: nothing is allocated for that.
const path = new Uint8Array(new ArrayBuffer(40));

const PREFIX = new TextEncoder().encode("/proc/");
const SUFFIX = new TextEncoder().encode("/coredump_filter\0");
const content = new Uint8Array(new ArrayBuffer(16));

/**
 * Whether a process was started by a tree of some owner, marks or not.
 *
 * @param pid The process.
 * @returns False also for zombies and kernel threads, and where it cannot be read.
 */
export function isDetected(pid: number): boolean {
  if (detectorReason !== "") return false;
  const digits = String(pid);
  path.set(PREFIX);
  for (let i = 0; i < digits.length; i++) path[6 + i] = digits.charCodeAt(i);
  path.set(SUFFIX, 6 + digits.length);
  const fd = libcLinux().open(path, O_RDONLY_CLOEXEC, 0);
  if (fd < 0) return false;
  const size = Number(libc().read(fd, content, BigInt(content.length)));
  libc().close(fd);
  // "%08lx\n".
  if (size < 4) return false;
  const hundreds = hexDigit(content[size - 4] as number);
  const tens = hexDigit(content[size - 3] as number);
  return (hundreds & 1) !== 0 && (tens & 8) !== 0;
}

function hexDigit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
