/**
 * The members of a job.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import type { JobObject } from "../system/job_object.ts";
import {
  PROCESS_QUERY_INFORMATION,
  PROCESS_SUSPEND_RESUME,
  SYNCHRONIZE,
} from "../system/constants.ts";
import { type Handle, waitForSingleObject } from "../system/handle.ts";
import {
  commandLineOf,
  imagePath,
  openProcess,
  parentId,
  startTime,
} from "../system/process_table.ts";

/** An opened member: the handle keeps its id from being used again. */
export interface Member {
  /** Process id. */
  readonly pid: number;
  /** The process. */
  readonly handle: Handle;
  /** Path of its program. */
  readonly image: string;
}

/**
 * Opens the members of a job, without the console host: Windows starts one in
 * the job for every console of the tree, and ends it with the console.
 *
 * @param job The job.
 * @param visit Called for each. It may keep the handle and return true; else
 * the handle is closed.
 */
export function forEachMember(
  job: JobObject,
  visit: (member: Member) => boolean,
): void {
  // Wine lists a process while it is being made, a console host too, and knows
  // no program of it yet.
  forEachProcess(job, (member) => member.image !== "" && visit(member));
}

/**
 * The same with the processes that could not be looked at yet.
 *
 * @param job The job.
 * @param visit Called for each, as by {@linkcode forEachMember}.
 */
export function forEachProcess(
  job: JobObject,
  visit: (member: Member) => boolean,
): void {
  const pids = job.processIds();
  // Wine asks for the full right where Windows takes the limited one.
  const rights = PROCESS_QUERY_INFORMATION | PROCESS_SUSPEND_RESUME |
    SYNCHRONIZE;
  for (let i = 0; i < pids.length; i++) {
    const pid = pids[i] as number;
    const handle = openProcess(pid, rights);
    if (handle === null) continue;
    const image = imagePath(handle);
    // Between the list and the opening another process may have got the id.
    const ours = !isConsoleHost(image) && job.contains(handle);
    if (!ours || !visit({ pid, handle, image })) handle.close();
  }
}

function isConsoleHost(image: string): boolean {
  return /\\system32\\conhost\.exe$/i.test(image);
}

/**
 * Whether a job has no member left but console hosts: these end a moment
 * after the last program of their console, and are not of the tree.
 *
 * @param job The job.
 * @param unborn The record of its processes that are being made.
 * @returns Whether no member lives. One that cannot be looked at counts as living.
 */
export function isEmptyJob(job: JobObject, unborn: Unborn): boolean {
  if (job.activeProcesses() === 0) return true;
  const pids = job.processIds();
  for (let i = 0; i < pids.length; i++) {
    const pid = pids[i] as number;
    const handle = openProcess(pid, PROCESS_QUERY_INFORMATION | SYNCHRONIZE);
    if (handle === null) return false;
    const image = imagePath(handle);
    const lives = !isConsoleHost(image) && !unborn.has(pid, handle, image);
    handle.close();
    if (lives) return false;
  }
  return true;
}

/**
 * The ids of the members.
 *
 * @param job The job.
 * @returns The ids.
 */
export function memberIds(job: JobObject): number[] {
  const pids: number[] = [];
  forEachMember(job, ({ pid }) => {
    pids.push(pid);
    return false;
  });
  return pids;
}

/**
 * The members, described.
 *
 * @param job The job.
 * @param suspended Whether the tree is suspended.
 * @returns The members.
 */
export function describeMembers(
  job: JobObject,
  suspended: boolean,
): ProcessInfo[] {
  const infos: ProcessInfo[] = [];
  forEachMember(job, ({ pid, handle, image }) => {
    const name = image.slice(image.lastIndexOf("\\") + 1);
    infos.push({
      pid,
      ppid: parentId(handle),
      name,
      command: commandLineOf(handle) || name,
      state: suspended ? "stopped" : "running",
      startTime: startTime(handle),
    });
    return false;
  });
  return infos;
}

// Processes that are never born (Wine). There a process is counted in its job as
// soon as it begins to be made, before it has a thread. When the process that makes it is
// ended in that moment it stays in the job for ever, with no program and no thread, and
// `TerminateJobObject`, which ends threads, does nothing to it. Windows makes a
// process and its first thread in one call.

// The maker may have done its part before it was ended: so long the thread may take.
const UNBORN_MS = 900;

/** The record of the unborn processes of one job. */
export class Unborn {
  // When each was first seen so.
  readonly #since = new Map<number, number>();

  /**
   * Looks at one process.
   *
   * @param pid Its id.
   * @param process The process, opened for queries and waits.
   * @param image Its program, or nothing.
   * @returns Whether it has been unborn for so long that it is never born.
   */
  has(pid: number, process: Handle, image: string): boolean {
    // Without a thread it counts as ended.
    const unborn = image === "" && waitForSingleObject(process, 0) &&
      !isRunning(parentId(process));
    if (!unborn) {
      this.#since.delete(pid);
      return false;
    }
    const now = performance.now();
    const since = this.#since.get(pid);
    if (since === undefined) this.#since.set(pid, now);
    return now - (since ?? now) >= UNBORN_MS;
  }
}

function isRunning(pid: number): boolean {
  const process = openProcess(pid, PROCESS_QUERY_INFORMATION | SYNCHRONIZE);
  if (process === null) return false;
  const running = !waitForSingleObject(process, 0);
  process.close();
  return running;
}
