/**
 * Waiting for a job to become empty, asynchronously.
 *
 * @module
 */

import type { TreeWatch } from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import type { JobObject } from "../system/job_object.ts";
import { SYNCHRONIZE } from "../system/win32.ts";
import { waitForSingleObject } from "../system/handle.ts";
import { processes } from "../system/kernel32.ts";
import { openProcess } from "../system/process_table.ts";
import { completionPort, type Poller } from "../wait/completion_port.ts";

/** One wait. While it is pending it stands in the tree's list. */
export class EmptinessWait implements TreeWatch, Poller {
  readonly #list: EmptinessWait[];
  readonly #isEmpty: () => boolean;
  #resolve: ((empty: boolean) => void) | null = null;
  #timer: Timer | null = null;

  /**
   * @param list The tree's pending waits.
   * @param isEmpty Prepares for messages, then looks.
   */
  constructor(list: EmptinessWait[], isEmpty: () => boolean) {
    this.#list = list;
    this.#isEmpty = isEmpty;
  }

  async wait(ms: number): Promise<boolean> {
    if (this.#isEmpty()) return true;
    if (ms <= 0) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#resolve = resolve;
    this.#list.push(this);
    completionPort().hold();
    completionPort().watch(this);
    if (ms < Infinity) {
      this.#timer = new Timer(ms, () => this.settle(this.#isEmpty()));
    }
    return await promise;
  }

  /** Looks at the truth. */
  poll(): void {
    if (this.#resolve !== null && this.#isEmpty()) this.settle(true);
  }

  cancel(): void {
    this.settle(false);
  }

  /** Ends the wait, if one is pending. */
  settle(empty: boolean): void {
    const resolve = this.#resolve;
    if (resolve === null) return;
    this.#resolve = null;
    this.#timer?.clear();
    const index = this.#list.indexOf(this);
    if (index >= 0) this.#list.splice(index, 1);
    completionPort().unwatch(this);
    completionPort().release();
    resolve(empty);
  }
}

// Waiting for a job to become empty, blocking.
//
// A job's handle is not signalled when the job is empty (only when its time
// limit is over), so the members are waited for, one after the other, until the
// job has none.

/** The longest wait for one member: its id may be in use again. In milliseconds. */
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
  // None could be opened, or all have ended and are just leaving the job. The job's
  // handle is not signalled by that: this waits for one millisecond.
  processes().WaitForSingleObject(job.handle.value, 1);
}
