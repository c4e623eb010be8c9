/**
 * The system's process table, as one snapshot, and the properties of a single process.
 *
 * Page: "CreateToolhelp32Snapshot function".
 *
 * @module
 */

import { readWide, Struct } from "../../ffi/memory.ts";
import {
  FILETIME,
  INVALID_HANDLE_VALUE,
  PROCESS_QUERY_LIMITED_INFORMATION,
  PROCESSENTRY32W,
  TH32CS_SNAPPROCESS,
} from "./win32.ts";
import { windowsError } from "./errors.ts";
import { Handle } from "./handle.ts";
import { nt, table } from "./kernel32.ts";

/**
 * One line of the process table.
 *
 * @category Windows
 */
export interface ProcessEntry {
  /** Process id. */
  readonly pid: number;
  /** Id of the process that started it, which may be that of another by now. */
  readonly ppid: number;
  /** File name of the program. */
  readonly name: string;
  /** How many threads it has. */
  readonly threads: number;
}

/**
 * All processes at one moment.
 *
 * @returns One entry each.
 * @throws {SystemError} when Windows refuses the snapshot.
 * @category Windows
 */
export function processSnapshot(): ProcessEntry[] {
  const k = table();
  const value = k.CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
  const code = value === INVALID_HANDLE_VALUE ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "CreateToolhelp32Snapshot");
  const snapshot = new Handle(value);
  try {
    const found: ProcessEntry[] = [];
    const entry = new Struct(PROCESSENTRY32W);
    entry.set("dwSize", PROCESSENTRY32W.size);
    let more = k.Process32FirstW(snapshot.value, entry.bytes);
    while (more !== 0) {
      found.push({
        pid: entry.number("th32ProcessID"),
        ppid: entry.number("th32ParentProcessID"),
        name: readWide(entry.part("szExeFile")),
        threads: entry.number("cntThreads"),
      });
      more = k.Process32NextW(snapshot.value, entry.bytes);
    }
    return found;
  } finally {
    snapshot.close();
  }
}

// The properties of a process, by its id.
//
// An id may belong to another process by the time it is opened (Windows even opens
// a process for `id + 1`), so the caller checks the process that was opened.
//
// Pages: "OpenProcess function", "GetProcessTimes function",
// "QueryFullProcessImageNameW function", "NtQueryInformationProcess function".

// Milliseconds from 1601 to 1970.
const EPOCH = 11_644_473_600_000;
const UNITS = 4096;
const ProcessBasicInformation = 0;
const ProcessCommandLineInformation = 60;

/**
 * Opens a process.
 *
 * @param pid Its id.
 * @param access `PROCESS_*` rights; the right to ask for little comes with them.
 * @returns Its handle, or `null` when it is gone or the rights are refused.
 * @category Windows
 */
export function openProcess(pid: number, access: number): Handle | null {
  const k = table();
  // GetProcessId is refused without the right to ask.
  const rights = access | PROCESS_QUERY_LIMITED_INFORMATION;
  const value = k.OpenProcess(rights, 0, pid);
  if (value === 0n) return null;
  if (k.GetProcessId(value) === pid) return new Handle(value);
  new Handle(value).close();
  return null;
}

/**
 * When a process started.
 *
 * @param process The process.
 * @returns Milliseconds since the epoch; `NaN` when it cannot be told.
 * @category Windows
 */
export function startTime(process: Handle): number {
  const times = [0, 1, 2, 3].map(() => new Struct(FILETIME));
  const ok = table().GetProcessTimes(
    process.value,
    (times[0] as Struct<"time">).bytes,
    (times[1] as Struct<"time">).bytes,
    (times[2] as Struct<"time">).bytes,
    (times[3] as Struct<"time">).bytes,
  );
  if (!ok) return NaN;
  return Number((times[0] as Struct<"time">).bigint("time") / 10_000n) - EPOCH;
}

/**
 * The path of a process's program.
 *
 * @param process The process.
 * @returns The path, or `""` when it cannot be told.
 * @category Windows
 */
export function imagePath(process: Handle): string {
  const text = new Uint8Array(new ArrayBuffer(UNITS * 2));
  const units = new Uint32Array(new ArrayBuffer(4));
  units[0] = UNITS;
  const ok = table().QueryFullProcessImageNameW(process.value, 0, text, units);
  return ok ? readWide(text, units[0]) : "";
}

/**
 * The id of the process that started a process. That one may be gone, and its
 * id may be another process's now.
 *
 * @param process The process.
 * @returns The id, or 0 when it cannot be told.
 * @category Windows
 */
export function parentId(process: Handle): number {
  // PROCESS_BASIC_INFORMATION (winternl.h): 48 bytes, the parent's id at 40.
  const bytes = new Uint8Array(new ArrayBuffer(48));
  const status = nt().NtQueryInformationProcess(
    process.value,
    ProcessBasicInformation,
    bytes,
    bytes.byteLength,
    null,
  );
  if (status !== 0) return 0;
  return Number(new DataView(bytes.buffer).getBigUint64(40, true));
}

/**
 * The command line of a process.
 *
 * @param process The process.
 * @returns The command line, or `""` when it cannot be told.
 * @category Windows
 */
export function commandLineOf(process: Handle): string {
  // UNICODE_STRING (16 bytes: its length in bytes at 0) with the text behind it.
  const bytes = new Uint8Array(new ArrayBuffer(16 + 2 * 32_768));
  const status = nt().NtQueryInformationProcess(
    process.value,
    ProcessCommandLineInformation,
    bytes,
    bytes.byteLength,
    null,
  );
  if (status !== 0) return "";
  const length = new DataView(bytes.buffer).getUint16(0, true);
  return readWide(bytes.subarray(16), length >> 1);
}
