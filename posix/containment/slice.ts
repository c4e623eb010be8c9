/**
 * The scheduling slice of a thread (Linux 6.12): `sched_runtime` of
 * `struct sched_attr` under SCHED_OTHER, see sched_setattr(2). Every fork and exec
 * hands it on, no privilege is needed, and a PAM session leaves it alone, where
 * pam_limits(8) sets all resource limits anew.
 *
 * It belongs to a thread: while this thread starts a child, children of other
 * threads get theirs. Any user may read that of any process.
 *
 * @module
 */

import { errno, libcLinux } from "../system/libc.ts";
import { ESRCH } from "../system/errno.ts";
import { listPids } from "../system/proc_files.ts";

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

// Everything but the slice stays what it is at this moment.
function write(ns: number): boolean {
  if (refused || !read(0) || !isFair()) return false;
  // What this thread starts would not inherit it.
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
 * Why this thread cannot mark what it starts. Looked at once.
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

// The marks of an owner lie in blocks, so that one pattern means all of them.
const BLOCK = 512;

/** Marks for the trees of an owner, from a block that no living process has a mark of. */
export class MarkBlock {
  /** The number of the block, or -1 before the first mark is taken. */
  block = -1;
  #taken = 0;

  /**
   * Takes a mark.
   *
   * @param isUsed Whether a living tree has it.
   * @returns The mark, or 0 when none is free.
   */
  take(isUsed: (mark: number) => boolean): number {
    // Half of them at most: a random one is free at the first or second try.
    if (this.block < 0 || this.#taken >= BLOCK / 2) this.#next();
    if (this.block < 0) return 0;
    for (let tries = 0; tries < BLOCK; tries++) {
      const index = 1 + Math.floor(Math.random() * (BLOCK - 1));
      const mark = this.block * BLOCK + index;
      if (isUsed(mark)) continue;
      this.#taken++;
      return mark;
    }
    return 0;
  }

  /** The tree of a mark is empty. */
  give(): void {
    this.#taken--;
  }

  #next(): void {
    const living = new Set<number>();
    const pids = listPids() ?? [];
    for (let i = 0; i < pids.length; i++) {
      const mark = markOf(pids[i] as number);
      if (mark > 0) living.add(Math.floor(mark / BLOCK));
    }
    this.block = -1;
    this.#taken = 0;
    const count = MARKS / BLOCK;
    const first = Math.floor(Math.random() * count);
    for (let i = 0; i < count && this.block < 0; i++) {
      const block = (first + i) % count;
      if (!living.has(block)) this.block = block;
    }
  }
}
