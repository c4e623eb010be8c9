/**
 * Stopping and continuing all threads of a tree.
 *
 * Windows has no documented call for a whole process; `NtSuspendProcess` has
 * been in ntdll since Windows XP and stops all threads of one at once, where a
 * walk over thread ids would miss those that start meanwhile.
 *
 * @module
 */

import type { Handle } from "../system/handle.ts";
import type { JobObject } from "../containment/job_object.ts";
import { nt } from "../system/kernel32.ts";
import { forEachProcess } from "./members.ts";

/** The suspended members of a job; calls nest. */
export class Suspension {
  readonly #suspended = new Map<number, Handle>();
  #depth = 0;

  /** Whether the tree is suspended now. */
  get active(): boolean {
    return this.#depth > 0;
  }

  /**
   * Suspends every member, and again until a look shows no new one: a member
   * may have started another before its turn came.
   *
   * @param job The job.
   */
  suspend(job: JobObject): void {
    if (this.#depth++ > 0) return;
    let before = -1;
    while (before !== this.#suspended.size) {
      before = this.#suspended.size;
      forEachProcess(job, ({ pid, handle }) => {
        if (this.#suspended.has(pid)) return false;
        if (nt().NtSuspendProcess(handle.value) !== 0) return false;
        this.#suspended.set(pid, handle);
        return true;
      });
    }
  }

  /** Undoes one {@linkcode Suspension.suspend}: the same processes, by their handles. */
  resume(): void {
    if (this.#depth === 0 || --this.#depth > 0) return;
    this.#suspended.forEach((handle) => {
      nt().NtResumeProcess(handle.value);
      handle.close();
    });
    this.#suspended.clear();
  }

  /** Gives up the handles of processes that are gone. */
  clear(): void {
    this.#depth = 0;
    this.#suspended.forEach((handle) => handle.close());
    this.#suspended.clear();
  }
}
