/**
 * Which limits a job holds. Pages "JOBOBJECT_BASIC_LIMIT_INFORMATION structure",
 * "JOBOBJECT_EXTENDED_LIMIT_INFORMATION structure".
 *
 * @module
 */

import type { KernelLimits, LimitName, Limits } from "../../backend/limits.ts";
import type { JobLimits } from "../containment/job_object.ts";

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
 * What of the limits the kernel holds.
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
