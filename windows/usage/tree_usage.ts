/**
 * The resources that the members of a job have used, also those that have ended: the
 * job's own counters; and those of one process. Pages "JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION structure",
 * "JOBOBJECT_EXTENDED_LIMIT_INFORMATION structure".
 *
 * @module
 */

import { SystemError } from "../../backend/errors.ts";
import { type ResourceUsage, unknownUsage } from "../../backend/usage.ts";
import { Struct } from "../../ffi/struct.ts";
import type { JobObject } from "../system/job_object.ts";
import {
  JobObjectBasicAccountingInformation,
  JobObjectBasicAndIoAccountingInformation,
  JobObjectExtendedLimitInformation,
} from "../system/constants.ts";
import { ERROR_INVALID_FUNCTION } from "../system/errors.ts";
import type { Handle } from "../system/handle.ts";
import { accounting, table } from "../system/kernel32.ts";
import {
  FILETIME,
  IO_COUNTERS,
  JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
  JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION,
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
  PROCESS_MEMORY_COUNTERS,
} from "../system/structs.ts";

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
