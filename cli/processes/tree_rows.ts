/**
 * The rows of a tree, put together from the process table and the details.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import type { ProcessDetails } from "./details.ts";
import { readDetails } from "./process_details.ts";
import type { TreeRow } from "./tree_drawing.ts";

/** One look at a tree. */
export interface TreeLook {
  /** The rows, oldest first. */
  readonly rows: readonly TreeRow[];
  /** Why columns are missing; empty when none is. */
  readonly missing: string;
  /** When it was, in milliseconds since the epoch. */
  readonly time: number;
  /** Processor time by process id, for the next look. */
  readonly cpuTimes: ReadonlyMap<number, number>;
}

/**
 * Looks.
 *
 * @param members The members, oldest first.
 * @param before The look before, which makes the share of a processor that of
 * the time between; without one it is that of the whole life of the process.
 * @returns The look.
 */
export async function lookAt(
  members: readonly ProcessInfo[],
  before: TreeLook | null,
): Promise<TreeLook> {
  const { details, missing } = await readDetails(members.map((one) => one.pid));
  const time = Date.now();
  const cpuTimes = new Map<number, number>();
  const rows = members.map((member): TreeRow => {
    const found = details.get(member.pid);
    if (typeof found?.cpuTime === "number") {
      cpuTimes.set(member.pid, found.cpuTime);
    }
    const { pid, ppid, name, command, state, startTime } = member;
    const age = Number.isNaN(startTime) ? null : time - startTime;
    return {
      pid,
      ppid,
      name,
      command,
      state,
      age,
      user: found?.user ?? null,
      cpu: share(pid, found, age, time, before),
      memory: found?.memory ?? null,
    };
  });
  return { rows, missing, time, cpuTimes };
}

function share(
  pid: number,
  found: ProcessDetails | undefined,
  age: number | null,
  time: number,
  before: TreeLook | null,
): number | null {
  if (found === undefined || found.cpuTime === null) return null;
  const earlier = before?.cpuTimes.get(pid);
  if (earlier !== undefined) {
    const passed = Math.max(time - before!.time, 1);
    return Math.max(found.cpuTime - earlier, 0) / passed * 100;
  }
  return age === null ? null : found.cpuTime / Math.max(age, 1) * 100;
}
