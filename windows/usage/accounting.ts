/**
 * The resources that a child and its tree have used, and the limits of the job that
 * they met. The counters vanish with the handles: the last values are read right
 * before the handles are closed.
 *
 * @module
 */

import { SystemError } from "../../backend/errors.ts";
import {
  type LimitName,
  type Limits,
  type ResourceUsage,
  unknownUsage,
  type Usage,
  type UsageLook,
} from "../../backend/usage.ts";
import {
  JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT,
  JOB_OBJECT_MSG_END_OF_JOB_TIME,
  JOB_OBJECT_MSG_JOB_MEMORY_LIMIT,
} from "../system/constants.ts";
import { ERROR_NOT_ENOUGH_QUOTA } from "../system/errors.ts";
import type { JobObject } from "../system/job_object.ts";
import { jobUsage, processUsage } from "./tree_usage.ts";
import type { Leader } from "../wait/leader.ts";
import { forEachMember } from "../tree/members.ts";

// Committed memory comes in pages and larger steps: so close is at the limit.
const CLOSE_TO = 0.98;

/** The accounts of one child. */
export class Accounts {
  readonly #job: JobObject;
  readonly #leader: Leader;
  readonly #limits: Limits | null;
  readonly #startedAt = performance.now();
  #endedAt = 0;
  #lastLeader: ResourceUsage = unknownUsage("process");
  #lastTree: ResourceUsage = unknownUsage("job");
  // Members that the job keeps no counters of (Wine): their figures at the last look.
  readonly #seen = new Map<number, ResourceUsage>();
  #peak = 0;
  #reached: LimitName | null = null;

  /**
   * @param job The job.
   * @param leader The leader.
   * @param limits Its limits, or `null`.
   */
  constructor(job: JobObject, leader: Leader, limits: Limits | null) {
    this.#job = job;
    this.#leader = leader;
    this.#limits = limits;
  }

  /**
   * Takes a message of the job; those about limits are the only sign of some.
   *
   * @param message Its number.
   */
  noteMessage(message: number): void {
    if (this.#limits === null) return;
    if (message === JOB_OBJECT_MSG_JOB_MEMORY_LIMIT) this.#reached ??= "memory";
    if (message === JOB_OBJECT_MSG_END_OF_JOB_TIME) this.#reached ??= "cpuTime";
    if (message === JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT) {
      this.#reached ??= "processes";
    }
  }

  /** The leader has ended, and its handle is about to be closed. Idempotent. */
  leaderEnded(): void {
    if (this.#noteLeader()) this.#lookAtJobLast();
  }

  /**
   * The job's handle is about to be closed, with no member left in it, and the
   * leader's as well. Idempotent.
   */
  treeEnded(): void {
    this.#noteLeader();
    if (this.#job.handle.closed) return;
    this.#lookAtJobLast();
    this.#lastTree = { ...this.#lastTree, memory: 0, processes: 0 };
  }

  #noteLeader(): boolean {
    if (this.#endedAt > 0 || this.#leader.process.closed) return false;
    this.#endedAt = performance.now();
    this.#lookAtLeader();
    return true;
  }

  // Counters that cannot be read must not keep an end from being reported.
  #lookAtJobLast(): void {
    try {
      this.#lookAtJob();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  usage(look: UsageLook): Usage {
    if (look !== "known") {
      this.#lookAtLeader();
      this.#lookAtMembers();
      this.#lookAtJob();
    }
    const now = look === "known" && this.#endedAt > 0
      ? this.#endedAt
      : performance.now();
    return {
      elapsed: now - this.#startedAt,
      leader: this.#lastLeader,
      tree: this.#lastTree,
    };
  }

  #lookAtLeader(): void {
    const { process, status } = this.#leader;
    if (process.closed) return;
    const usage = processUsage(process);
    this.#lastLeader = status === null
      ? { ...usage, processes: 1 }
      // Of an ended process Windows tells the peak, and no present use.
      : {
        ...usage,
        peakMemory: usage.peakMemory || this.#lastLeader.peakMemory,
        memory: 0,
        processes: 0,
      };
  }

  #lookAtJob(): void {
    if (this.#job.handle.closed) return;
    const { memory, processes } = this.#lastTree;
    const counted = jobUsage(this.#job);
    this.#lastTree = { ...this.#withSums(counted), memory, processes };
  }

  // Where the job keeps no counters: sums of the figures of all looks.
  #withSums(counted: ResourceUsage): ResourceUsage {
    if (counted.userTime !== null) return counted;
    if (this.#seen.size === 0) return counted;
    let userTime = 0;
    let systemTime = 0;
    this.#seen.forEach((one) => {
      userTime += one.userTime ?? 0;
      systemTime += one.systemTime ?? 0;
    });
    const peakMemory = counted.peakMemory ?? (this.#peak || null);
    return { ...counted, source: "sampled", userTime, systemTime, peakMemory };
  }

  // Memory in use and exact numbers are the members' own.
  #lookAtMembers(): void {
    if (this.#job.handle.closed) return;
    let memory = 0;
    let processes = 0;
    forEachMember(this.#job, ({ pid, handle }) => {
      const usage = processUsage(handle);
      this.#seen.set(pid, usage);
      memory += usage.memory ?? 0;
      processes++;
      return false;
    });
    this.#peak = Math.max(this.#peak, memory);
    this.#lastTree = { ...this.#lastTree, memory, processes };
  }

  limitReached(): LimitName | null {
    const limits = this.#limits;
    if (limits === null || this.#reached !== null) return this.#reached;
    const code = this.#leader.status?.code ?? 0;
    if (code === 0) return null;
    // Only without messages, in a blocking run.
    if (limits.cpuTime !== undefined && code === ERROR_NOT_ENOUGH_QUOTA) {
      return "cpuTime";
    }
    const { peakMemory } = this.#lastTree;
    return limits.memory !== undefined &&
        (peakMemory ?? 0) >= limits.memory * CLOSE_TO
      ? "memory"
      : null;
  }
}
