/**
 * The resources that a child and its tree have used, and the limits of the job that
 * they met. The counters vanish with the handles: the last values are read right
 * before the handles are closed. The job itself counts its members, also those that
 * have ended: pages "JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION structure",
 * "JOBOBJECT_EXTENDED_LIMIT_INFORMATION structure".
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
import { Struct } from "../../ffi/memory.ts";
import {
  FILETIME,
  IO_COUNTERS,
  JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT,
  JOB_OBJECT_MSG_END_OF_JOB_TIME,
  JOB_OBJECT_MSG_JOB_MEMORY_LIMIT,
  JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
  JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION,
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
  JobObjectBasicAccountingInformation,
  JobObjectBasicAndIoAccountingInformation,
  JobObjectExtendedLimitInformation,
  PROCESS_MEMORY_COUNTERS,
} from "../system/win32.ts";
import {
  ERROR_INVALID_FUNCTION,
  ERROR_NOT_ENOUGH_QUOTA,
} from "../system/errors.ts";
import type { Handle } from "../system/handle.ts";
import type { JobObject } from "../system/job_object.ts";
import { accounting, table } from "../system/kernel32.ts";
import { forEachMember } from "../tree/job_tree.ts";
import type { Leader } from "../wait/leader.ts";

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

/**
 * Decodes the two structures: pure, tested on every OS.
 *
 * @param accounting A JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION.
 * @param limits A JOBOBJECT_EXTENDED_LIMIT_INFORMATION.
 * @returns The figures; `null` for a counter that is not kept, which Wine has.
 */
export function decodeJobUsage(
  accounting: Uint8Array<ArrayBuffer>,
  limits: Uint8Array<ArrayBuffer>,
): ResourceUsage {
  const both = new Struct(
    JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION,
    accounting,
  );
  const basic = new Struct(
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
    both.part("BasicInfo"),
  );
  const io = new Struct(IO_COUNTERS, both.part("IoInfo"));
  const extended = new Struct(JOBOBJECT_EXTENDED_LIMIT_INFORMATION, limits);
  const user = basic.bigint("TotalUserTime");
  const kernel = basic.bigint("TotalKernelTime");
  // Nothing runs without a page fault: with none the counters are not kept.
  const kept = basic.number("TotalPageFaultCount") > 0 || user + kernel > 0n;
  const peak = Number(extended.bigint("PeakJobMemoryUsed"));
  return {
    ...unknownUsage("job"),
    userTime: kept ? toMilliseconds(user) : null,
    systemTime: kept ? toMilliseconds(kernel) : null,
    peakMemory: peak > 0 ? peak : null,
    readBytes: kept ? Number(io.bigint("ReadTransferCount")) : null,
    writeBytes: kept ? Number(io.bigint("WriteTransferCount")) : null,
    minorFaults: kept ? basic.number("TotalPageFaultCount") : null,
    totalProcesses: basic.number("TotalProcesses") || null,
  };
}

/**
 * Asks a job.
 *
 * @param job The job.
 * @returns The figures, without those of the moment.
 */
export function jobUsage(job: JobObject): ResourceUsage {
  const accounting = new Struct(JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION);
  const limits = new Struct(JOBOBJECT_EXTENDED_LIMIT_INFORMATION);
  job.information(JobObjectExtendedLimitInformation, limits.bytes);
  const io = askBoth(job, accounting.bytes);
  if (!io) {
    job.information(
      JobObjectBasicAccountingInformation,
      accounting.part("BasicInfo"),
    );
  }
  const usage = decodeJobUsage(accounting.bytes, limits.bytes);
  return io ? usage : { ...usage, readBytes: null, writeBytes: null };
}

let bothKnown = true;

// Wine 10 does not know the class and calls it an invalid function.
function askBoth(job: JobObject, bytes: Uint8Array<ArrayBuffer>): boolean {
  if (!bothKnown) return false;
  try {
    job.information(JobObjectBasicAndIoAccountingInformation, bytes);
    return true;
  } catch (error) {
    const unknown = error instanceof SystemError &&
      error.errno === ERROR_INVALID_FUNCTION;
    if (!unknown) throw error;
    bothKnown = false;
    return false;
  }
}

// The resources of one process. Pages "GetProcessTimes function",
// "GetProcessMemoryInfo function", "GetProcessIoCounters function". The handle of
// a process that has ended still tells its times and counters.

// FILETIME and the times of a job are in units of 100 ns.
const UNITS_PER_MS = 10_000;

/**
 * A time of Windows in milliseconds.
 *
 * @param units Units of 100 ns.
 * @returns Milliseconds.
 */
export function toMilliseconds(units: bigint): number {
  return Number(units) / UNITS_PER_MS;
}

/**
 * The resources that one process has used, without its descendants.
 *
 * @param process The process, with the right to ask.
 * @returns The figures; unknown ones are `null`.
 */
export function processUsage(process: Handle): ResourceUsage {
  const k = accounting();
  const created = new Struct(FILETIME);
  const ended = new Struct(FILETIME);
  const kernel = new Struct(FILETIME);
  const user = new Struct(FILETIME);
  const timed = table().GetProcessTimes(
    process.value,
    created.bytes,
    ended.bytes,
    kernel.bytes,
    user.bytes,
  ) !== 0;
  const memory = new Struct(PROCESS_MEMORY_COUNTERS);
  memory.set("cb", PROCESS_MEMORY_COUNTERS.size);
  const size = PROCESS_MEMORY_COUNTERS.size;
  const measured =
    k.K32GetProcessMemoryInfo(process.value, memory.bytes, size) !== 0;
  const io = new Struct(IO_COUNTERS);
  const counted = k.GetProcessIoCounters(process.value, io.bytes) !== 0;
  const bytes = (name: "PagefileUsage" | "PeakPagefileUsage") =>
    measured ? Number(memory.bigint(name)) : null;
  return {
    ...unknownUsage("process"),
    userTime: timed ? toMilliseconds(user.bigint("time")) : null,
    systemTime: timed ? toMilliseconds(kernel.bigint("time")) : null,
    memory: bytes("PagefileUsage"),
    peakMemory: bytes("PeakPagefileUsage"),
    readBytes: counted ? Number(io.bigint("ReadTransferCount")) : null,
    writeBytes: counted ? Number(io.bigint("WriteTransferCount")) : null,
    minorFaults: measured ? memory.number("PageFaultCount") : null,
  };
}
