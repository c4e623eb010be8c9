/**
 * Waiting for a job to become empty, blocking.
 *
 * A job's handle is not signalled when the job is empty (only when its time
 * limit is over), so the members are waited for, one after the other, until the
 * job has none.
 *
 * @module
 */

import { SYNCHRONIZE } from "./system/constants.ts";
import type { JobObject } from "./containment/job_object.ts";
import { processes } from "./system/kernel32.ts";
import { openProcess } from "./process_info.ts";
import { waitForSingleObject } from "./wait.ts";

/** A member may be a stranger by now (its id used again): look again at last. */
const SLICE = 50;

/**
 * Waits.
 *
 * @param job The job.
 * @param isEmpty Whether it is over.
 * @param ms How long at most, in milliseconds.
 * @returns True when it is empty.
 */
export function waitForEmptyJob(
  job: JobObject,
  isEmpty: () => boolean,
  ms: number,
): boolean {
  const deadline = performance.now() + ms;
  while (true) {
    if (isEmpty()) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    waitForOne(job, Math.min(Math.ceil(left), SLICE));
  }
}

function waitForOne(job: JobObject, ms: number): void {
  const pids = job.processIds();
  for (let i = 0; i < pids.length; i++) {
    const process = openProcess(pids[i] as number, SYNCHRONIZE);
    if (process === null) continue;
    // One that is just being made by Wine counts as ended.
    const ended = waitForSingleObject(process, 0);
    if (!ended) processes().WaitForSingleObject(process.value, ms);
    process.close();
    if (!ended) return;
  }
  // Nobody could be opened, or all have ended: they are just leaving the job. The job's handle is not
  // signalled by that, so this is one millisecond of patience.
  processes().WaitForSingleObject(job.handle.value, 1);
}
