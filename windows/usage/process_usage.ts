/**
 * What one process has used. Pages "GetProcessTimes function",
 * "GetProcessMemoryInfo function", "GetProcessIoCounters function". The handle of
 * a process that has ended still tells its times and counters.
 *
 * @module
 */

import { Struct } from "../../ffi/struct.ts";
import { type ResourceUsage, unknownUsage } from "../../backend/usage.ts";
import type { Handle } from "../system/handle.ts";
import {
  FILETIME,
  IO_COUNTERS,
  PROCESS_MEMORY_COUNTERS,
} from "../system/structs.ts";
import { accounting, table } from "../system/kernel32.ts";

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
 * What a process has used, it alone.
 *
 * @param process The process, with the right to ask.
 * @returns The figures; what cannot be told is `null`.
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
