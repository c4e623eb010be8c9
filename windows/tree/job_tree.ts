/**
 * A tree of processes in one job: its members, their end and the wait for it, and
 * stopping and continuing their threads.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { SystemError } from "../../backend/errors.ts";
import type { HardKill, Survivor, TreeWatch } from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import { ERROR_ACCESS_DENIED } from "../system/errors.ts";
import { type Handle, waitForSingleObject } from "../system/handle.ts";
import type { JobObject } from "../system/job_object.ts";
import { nt, processes } from "../system/kernel32.ts";
import {
  commandLineOf,
  imagePath,
  openProcess,
  parentId,
  startTime,
} from "../system/process_table.ts";
import {
  PROCESS_QUERY_INFORMATION,
  PROCESS_SUSPEND_RESUME,
  SYNCHRONIZE,
} from "../system/win32.ts";
import { completionPort, type Poller } from "../wait/completion_port.ts";
import { signalExitCode } from "../wait/leader.ts";

/** A tree that Windows does not let into its job: it is known by the parents' ids. */
export interface Outside {
  /** Whether no member lives, after a look. */
  treeIsEmpty(): boolean;
  /** The living members. */
  members(): ProcessInfo[];
  /** Ends them with an exit code. */
  killTree(exitCode?: number): HardKill;
  /** Gives up the handles of the members. Idempotent. */
  close(): void;
}

/** The members of a job. */
export class JobTree {
  readonly #job: JobObject;
  readonly #suspension = new Suspension();
  readonly #unborn = new Unborn();
  readonly #waits: EmptinessWait[] = [];
  readonly #watched: () => void;
  readonly #leaderEnded: () => boolean;
  readonly #outside: Outside | null;

  /**
   * @param job The job; owned from now on.
   * @param watched Called before each wait, so that messages and polls come.
   * @param leaderEnded Whether the leader's exit has been seen, after a look.
   * @param outside The tree, when it could not be taken into the job; owned.
   */
  constructor(
    job: JobObject,
    watched: () => void,
    leaderEnded: () => boolean,
    outside: Outside | null = null,
  ) {
    this.#outside = outside;
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
    if (this.#job.handle.closed) return true;
    if (!isEmptyJob(this.#job, this.#unborn)) return false;
    return this.#outside === null || this.#outside.treeIsEmpty();
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
    if (this.#job.handle.closed) return [];
    if (this.#outside === null) return memberIds(this.#job);
    return this.#outside.members().map(({ pid }) => pid);
  }

  /** The members, described. */
  describe(): ProcessInfo[] {
    if (this.#job.handle.closed) return [];
    if (this.#outside !== null) return this.#outside.members();
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
    if (this.#outside !== null) {
      return this.#outside.killTree(signalExitCode(signal));
    }
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
    if (this.#outside !== null) {
      throw new Deno.errors.NotSupported(
        "Cannot suspend a tree that Windows did not let into a job: see the notes of 'containment'. End it instead",
      );
    }
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
    this.#outside?.close();
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
