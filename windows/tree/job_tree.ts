/**
 * A tree of processes in one job: its members, their end, and stopping and continuing
 * their threads.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { SystemError } from "../../backend/errors.ts";
import type { HardKill, Survivor, TreeWatch } from "../../backend/native.ts";
import type { JobObject } from "../system/job_object.ts";
import { ERROR_ACCESS_DENIED } from "../system/errors.ts";
import type { Handle } from "../system/handle.ts";
import { nt } from "../system/kernel32.ts";
import { signalExitCode } from "../wait/leader.ts";
import {
  describeMembers,
  forEachProcess,
  isEmptyJob,
  memberIds,
  Unborn,
} from "./members.ts";
import { EmptinessWait, waitForEmptyJob } from "./watch.ts";

/** The members of a job. */
export class JobTree {
  readonly #job: JobObject;
  readonly #suspension = new Suspension();
  readonly #unborn = new Unborn();
  readonly #waits: EmptinessWait[] = [];
  readonly #watched: () => void;
  readonly #leaderEnded: () => boolean;

  /**
   * @param job The job; owned from now on.
   * @param watched Called before each wait, so that messages and polls come.
   * @param leaderEnded Whether the leader's exit has been seen, after a look.
   */
  constructor(
    job: JobObject,
    watched: () => void,
    leaderEnded: () => boolean,
  ) {
    this.#job = job;
    this.#watched = watched;
    this.#leaderEnded = leaderEnded;
  }

  /** The job. */
  get job(): JobObject {
    return this.#job;
  }

  /**
   * Whether no member lives. The job itself is the truth, messages are not. A
   * process leaves the job a moment before its handle shows the exit code: with
   * the tree empty, the leader's exit has been seen.
   */
  isEmpty(): boolean {
    if (this.#job.handle.closed) return true;
    if (!this.#leaderEnded()) return false;
    // The receiver of the exit may have given up the tree just now.
    return this.#job.handle.closed || isEmptyJob(this.#job, this.#unborn);
  }

  /** Tells the waits when the tree is empty. */
  check(): void {
    if (this.#waits.length === 0 || !this.isEmpty()) return;
    const waits = this.#waits.splice(0, this.#waits.length);
    for (let i = 0; i < waits.length; i++) {
      (waits[i] as EmptinessWait).settle(true);
    }
  }

  /** A wait for the tree to become empty. */
  watch(): TreeWatch {
    return new EmptinessWait(this.#waits, () => {
      this.#watched();
      return this.isEmpty();
    });
  }

  /** The same, blocking. */
  waitSync(ms: number): boolean {
    if (this.#job.handle.closed) return true;
    return waitForEmptyJob(this.#job, () => this.isEmpty(), ms);
  }

  /** The ids of the members. */
  pids(): number[] {
    return this.#job.handle.closed ? [] : memberIds(this.#job);
  }

  /** The members, described. */
  describe(): ProcessInfo[] {
    if (this.#job.handle.closed) return [];
    return describeMembers(this.#job, this.#suspension.active);
  }

  /**
   * Ends every member at once: one call, nothing can start in between.
   *
   * @param signal The signal this stands for; members get its exit code.
   * @returns The number of processes ended, and the means.
   */
  kill(signal: Deno.Signal): HardKill {
    const refused: Survivor[] = [];
    const count = this.pids().length;
    if (this.isEmpty()) return { count: 0, refused };
    try {
      this.#job.terminate(signalExitCode(signal));
    } catch (error) {
      const denied = error instanceof SystemError &&
        error.errno === ERROR_ACCESS_DENIED;
      if (!denied) throw error;
      const members = this.describe();
      for (let i = 0; i < members.length; i++) {
        const { pid, name } = members[i] as ProcessInfo;
        refused.push({ pid, name, reason: error.code });
      }
    }
    return { count, refused };
  }

  /** Stops every member; nested calls count. */
  suspend(): void {
    if (!this.#job.handle.closed) this.#suspension.suspend(this.#job);
  }

  /** Undoes one {@linkcode JobTree.suspend}. */
  resume(): void {
    this.#suspension.resume();
  }

  /** Whether it is suspended. */
  get suspended(): boolean {
    return this.#suspension.active;
  }

  /** Gives up the job, which is empty or may end now. Idempotent. */
  close(): void {
    this.#suspension.clear();
    this.#job.close();
    this.check();
  }
}

// Stopping and continuing all threads of a tree.
//
// Windows has no documented call for a whole process; `NtSuspendProcess` has
// been in ntdll since Windows XP and stops all threads of one at once, where a
// walk over thread ids would miss those that start meanwhile.

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
