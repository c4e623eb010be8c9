/**
 * Limits that the kernel holds for each process (getrlimit(2)), priority and CPUs.
 * They are set before the first instruction of the program and inherited by the
 * processes that it starts.
 *
 * `RLIMIT_LOCKS` is not for this: the lineage tag is there.
 *
 * @module
 */

import type { LimitName, Limits } from "../../backend/usage.ts";
import { buffer } from "../../ffi/library.ts";
import { errnoMeaning, posixError } from "../system/errno.ts";
import {
  DARWIN,
  errno,
  libcJobControl,
  libcLinux,
  libcTerminal,
} from "../system/libc.ts";

/** The limits that POSIX has, or that can be watched there. */
export const POSIX_LIMITS: readonly LimitName[] = [
  "memory",
  "cpuTime",
  "processes",
  "openFiles",
  "fileSize",
  "coreSize",
];

// <sys/resource.h> of Linux.
const RLIMIT_CPU = 0;
const RLIMIT_FSIZE = 1;
const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = 7;

// The block of POSIX. Bash had blocks of 1024 bytes even as `sh` until 4.0, and macOS keeps
// 3.2 as its /bin/sh.
const BLOCK = 512;

const BLOCK_OF_OLD_BASH = 1024;

/** One limit as setrlimit(2) takes it. */
export interface ResourceLimit {
  /** Its number on Linux. */
  readonly resource: number;
  /** The option of the shell's `ulimit` for it. */
  readonly option: string;
  /** Its unit there, in units of `soft`. */
  readonly unit: number;
  /** The soft limit, which is enforced. */
  readonly soft: number;
  /** The hard limit, up to which the process itself may raise it. */
  readonly hard: number;
}

/**
 * The limits that the kernel holds.
 *
 * @param limits The limits.
 * @returns The limits that each process gets.
 */
export function resourceLimits(limits: Limits): ResourceLimit[] {
  const list: ResourceLimit[] = [];
  const { cpuTime, fileSize, coreSize, openFiles } = limits;
  if (cpuTime !== undefined) {
    // Whole seconds; SIGXCPU at the soft one, SIGKILL at the hard one.
    const soft = Math.ceil(cpuTime / 1000);
    const hard = soft + 1;
    list.push({ resource: RLIMIT_CPU, option: "t", unit: 1, soft, hard });
  }
  // `ulimit -f` and `-c` count blocks.
  if (fileSize !== undefined) {
    list.push(same(RLIMIT_FSIZE, "f", BLOCK, fileSize));
  }
  if (coreSize !== undefined) {
    list.push(same(RLIMIT_CORE, "c", BLOCK, coreSize));
  }
  if (openFiles !== undefined) {
    list.push(same(RLIMIT_NOFILE, "n", 1, openFiles));
  }
  return list;
}

function same(
  resource: number,
  option: string,
  unit: number,
  value: number,
): ResourceLimit {
  return { resource, option, unit, soft: value, hard: value };
}

/**
 * The names of the limits that the kernel holds for each process.
 *
 * @param limits The limits.
 * @returns The names.
 */
export function heldByKernel(
  limits: Limits,
): Partial<Record<LimitName, "tree" | "process">> {
  const held: Partial<Record<LimitName, "process">> = {};
  if (limits.cpuTime !== undefined) held.cpuTime = "process";
  if (limits.fileSize !== undefined) held.fileSize = "process";
  if (limits.coreSize !== undefined) held.coreSize = "process";
  if (limits.openFiles !== undefined) held.openFiles = "process";
  return held;
}

/** Whether the child must be held back for its limits: Linux. */
export function limitsNeedHold(limits: Limits | null): boolean {
  if (DARWIN || limits === null) return false;
  const { cpuTime, fileSize, coreSize } = limits;
  return holdsForWatch(limits) || cpuTime !== undefined ||
    fileSize !== undefined || coreSize !== undefined;
}

/**
 * Whether the child is held back until the watch on its tree is ready: with a
 * limit of processes, since a fork bomb leaves this process hardly any processor time
 * a few milliseconds after it was let go.
 */
export function holdsForWatch(limits: Limits | null): boolean {
  return !DARWIN && limits?.processes !== undefined;
}

const pair = new BigUint64Array(2);
const pairBytes = new Uint8Array(pair.buffer);

/**
 * Sets the limits of a child that is held back: prlimit(2). None is raised above the
 * limit that the child would have had. For that of descriptors see
 * {@linkcode limitOfDescriptors}.
 *
 * @param pid The child.
 * @param limits The limits.
 * @throws {SystemError} when the kernel refuses.
 */
export function applyLimits(pid: number, limits: Limits): void {
  const list = resourceLimits(limits);
  const c = libcLinux();
  for (let i = 0; i < list.length; i++) {
    const { resource, soft, hard } = list[i] as ResourceLimit;
    if (resource === RLIMIT_NOFILE) continue;
    let failed = c.prlimit(pid, resource, null, pairBytes) !== 0;
    if (!failed) {
      const ceiling = pair[1] as bigint;
      pair[0] = least(BigInt(soft), ceiling);
      pair[1] = least(BigInt(hard), ceiling);
      failed = c.prlimit(pid, resource, pairBytes, null) !== 0;
    }
    if (failed) throw posixError("prlimit", errno(), { pid });
  }
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}

/**
 * The limit of descriptors, which the child sets on itself right before it becomes
 * the program: the errand before that may need more than the program may have.
 *
 * @param limits The limits.
 * @returns The limit, no higher than the one that is inherited; `null` for none, and
 * on macOS, which has no prlimit: see {@linkcode ulimitCommands}.
 * @throws {SystemError} when the kernel does not tell the limit that there is.
 */
export function limitOfDescriptors(limits: Limits): bigint | null {
  const { openFiles } = limits;
  if (DARWIN || openFiles === undefined) return null;
  if (libcLinux().prlimit(0, RLIMIT_NOFILE, null, pairBytes) !== 0) {
    throw posixError("prlimit", errno());
  }
  return least(BigInt(openFiles), pair[1] as bigint);
}

/**
 * The shell's commands that set the limits on itself: where there is no prlimit.
 *
 * @param limits The limits.
 * @returns Commands, each with `;` behind it; empty without such limits.
 */
export function ulimitCommands(limits: Limits): string {
  const list = resourceLimits(limits);
  let script = "";
  for (let i = 0; i < list.length; i++) {
    const limit = list[i] as ResourceLimit;
    const commands = ulimits(limit, limit.unit);
    script += limit.unit !== BLOCK
      ? commands
      : `case $BASH_VERSION in [1-3].*) ${
        ulimits(limit, BLOCK_OF_OLD_BASH)
      };; *) ${commands};; esac; `;
  }
  return script;
}

function ulimits({ option, soft, hard }: ResourceLimit, unit: number): string {
  const blocks = (value: number): number => Math.ceil(value / unit);
  // The soft one first: a hard one below it would be refused. One that is
  // lower already stays what it is.
  return `ulimit -S -${option} ${blocks(soft)} 2>/dev/null; ` +
    `ulimit -H -${option} ${blocks(hard)} 2>/dev/null; `;
}

// Priority and CPUs of a child that does not run yet. Set on the child, not on
// this thread for a moment: a lower priority could not be taken back without
// privilege (setpriority(2)).

const PRIO_PROCESS = 0;

// A mask for every CPU that Linux can be built for (CONFIG_NR_CPUS, 8192).
const MASK_BYTES = 1024;

/**
 * Sets the nice value of a child that has one thread.
 *
 * @param pid The child.
 * @param nice -20 to 19.
 * @param command For messages.
 * @throws {Deno.errors.PermissionDenied} when it is less than this process may give.
 */
export function setNice(pid: number, nice: number, command: string): void {
  if (libcJobControl().setpriority(PRIO_PROCESS, pid, nice) === 0) return;
  const error = errno();
  throw posixError("setpriority", error, {
    message:
      `Failed to spawn '${command}': this process may not give it the nice value ${nice}: ${
        errnoMeaning(error)
      }. Less than its own takes CAP_SYS_NICE or a limit 'ulimit -e'`,
    command,
  });
}

/**
 * Refuses a list of CPUs where the OS knows none.
 *
 * @param cpus The list, or `null`.
 * @throws {Deno.errors.NotSupported} on macOS.
 */
export function refuseAffinity(cpus: readonly number[] | null): void {
  if (cpus === null || !DARWIN) return;
  throw new Deno.errors.NotSupported(
    "Cannot set 'affinity' on macOS: it has no call that binds a process to CPUs. Leave it out, or use 'priority'",
  );
}

/**
 * Sets the CPUs that a child may use (Linux).
 *
 * @param pid The child; it has one thread.
 * @param cpus Their numbers.
 * @param command For messages.
 * @throws {RangeError} when one does not exist, is offline or not allowed to us.
 */
export function setAffinity(
  pid: number,
  cpus: readonly number[],
  command: string,
): void {
  const mask = buffer(MASK_BYTES);
  for (let i = 0; i < cpus.length; i++) {
    const cpu = cpus[i] as number;
    mask[cpu >> 3] = (mask[cpu >> 3] as number) | 1 << (cpu & 7);
  }
  const size = BigInt(MASK_BYTES);
  // The kernel leaves out CPUs that do not exist, unless none is left (EINVAL,
  // sched_setaffinity(2)): so the list that it has made of it is read back.
  const failed = libcTerminal().sched_setaffinity(pid, size, mask) !== 0;
  const got = buffer(MASK_BYTES);
  if (!failed) libcTerminal().sched_getaffinity(pid, size, got);
  for (let i = 0; i < cpus.length; i++) {
    const cpu = cpus[i] as number;
    if (((got[cpu >> 3] as number) & 1 << (cpu & 7)) !== 0) continue;
    throw new RangeError(
      `Failed to spawn '${command}': CPU ${cpu} in 'affinity' does not exist here, is offline, or is not allowed to this process`,
    );
  }
}
