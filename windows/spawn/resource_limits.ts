/**
 * The limits that a job holds, the priority class and the CPUs of a child. Pages "JOBOBJECT_BASIC_LIMIT_INFORMATION structure",
 * "JOBOBJECT_EXTENDED_LIMIT_INFORMATION structure".
 *
 * @module
 */

import type { KernelLimits, LimitName, Limits } from "../../backend/usage.ts";
import type { JobLimits } from "../system/job_object.ts";
import {
  ABOVE_NORMAL_PRIORITY_CLASS,
  BELOW_NORMAL_PRIORITY_CLASS,
  HIGH_PRIORITY_CLASS,
  IDLE_PRIORITY_CLASS,
  NORMAL_PRIORITY_CLASS,
} from "../system/win32.ts";
import { ERROR_INVALID_PARAMETER, windowsError } from "../system/errors.ts";
import type { Handle } from "../system/handle.ts";
import { scheduling } from "../system/kernel32.ts";

/** The limits that Windows has. */
export const WINDOWS_LIMITS: readonly LimitName[] = [
  "memory",
  "cpuTime",
  "processes",
];

// A program with a console may have a console host in the job, which is none of
// the caller's processes: the watcher counts exactly, this is the wider bound.
const WITH_CONSOLE_HOST = 2;

/**
 * The limits of a tree as its job takes them.
 *
 * @param limits The limits, or `null`.
 * @returns Those that are the job's.
 */
export function jobLimits(limits: Limits | null): JobLimits {
  const own: { -readonly [K in keyof JobLimits]: JobLimits[K] } = {};
  if (limits === null) return own;
  const { memory, cpuTime, processes } = limits;
  if (memory !== undefined) own.memory = memory;
  // A job's time is user time alone, and so never over before the watched one.
  if (cpuTime !== undefined) own.userTime = cpuTime;
  if (processes !== undefined) own.processes = processes * WITH_CONSOLE_HOST;
  return own;
}

/**
 * The names of the limits that the kernel holds.
 *
 * @param limits The limits, or `null`.
 * @returns The names.
 */
export function heldByJob(limits: Limits | null): KernelLimits {
  const held: Partial<Record<LimitName, "tree">> = {};
  for (let i = 0; i < WINDOWS_LIMITS.length; i++) {
    const name = WINDOWS_LIMITS[i] as LimitName;
    if (limits?.[name] !== undefined) held[name] = "tree";
  }
  return held;
}

// Priority class and CPUs of a child.
//
// Pages: "Scheduling Priorities", "SetProcessAffinityMask function".

/**
 * The priority class for a nice value, by the bounds that libuv and Node have;
 * never the real-time class, which can starve the system's own threads.
 *
 * @param nice -20 to 19, or `null`.
 * @returns A creation flag; 0 leaves it to Windows.
 */
export function priorityClass(nice: number | null): number {
  if (nice === null) return 0;
  if (nice < -7) return HIGH_PRIORITY_CLASS;
  if (nice < 0) return ABOVE_NORMAL_PRIORITY_CLASS;
  if (nice < 10) return NORMAL_PRIORITY_CLASS;
  return nice < 19 ? BELOW_NORMAL_PRIORITY_CLASS : IDLE_PRIORITY_CLASS;
}

/**
 * The mask for a list of CPUs.
 *
 * @param cpus Their numbers.
 * @param command For messages.
 * @returns The mask.
 * @throws {RangeError} for a number above 63: a mask is for one processor group.
 */
export function affinityMask(
  cpus: readonly number[],
  command: string,
): bigint {
  let mask = 0n;
  for (let i = 0; i < cpus.length; i++) {
    const cpu = cpus[i] as number;
    if (cpu > 63) throw noSuchCpus(command, "one above 63");
    mask |= 1n << BigInt(cpu);
  }
  return mask;
}

/**
 * Sets the CPUs that a suspended process may use.
 *
 * @param process The process.
 * @param mask Its CPUs.
 * @param command For messages.
 * @throws {RangeError} when one does not exist or is not allowed to its job.
 */
export function setAffinityMask(
  process: Handle,
  mask: bigint,
  command: string,
): void {
  const k = scheduling();
  const ok = k.SetProcessAffinityMask(process.value, mask);
  const code = ok ? 0 : k.GetLastError();
  if (code === 0) return;
  if (code === ERROR_INVALID_PARAMETER) {
    throw noSuchCpus(command, "one that does not exist or is not allowed here");
  }
  throw windowsError(code, "SetProcessAffinityMask", { command });
}

function noSuchCpus(command: string, which: string): RangeError {
  return new RangeError(
    `Failed to spawn '${command}': the CPUs in 'affinity' include ${which}`,
  );
}
