/**
 * The structures that go to and come from Windows, as the x64 and arm64 headers
 * lay them out (both have 8-byte pointers and the same alignment rules).
 *
 * @module
 */

import { bytesField, field, type Layout } from "../../ffi/struct.ts";

/** Page "STARTUPINFOW structure". 104 bytes. */
export const STARTUPINFOW: Layout<
  | "cb"
  | "lpDesktop"
  | "lpTitle"
  | "dwFlags"
  | "wShowWindow"
  | "cbReserved2"
  | "lpReserved2"
  | "hStdInput"
  | "hStdOutput"
  | "hStdError"
> = {
  name: "STARTUPINFOW",
  header: "processthreadsapi.h",
  size: 104,
  fields: {
    cb: field("u32", 0),
    lpDesktop: field("u64", 16),
    lpTitle: field("u64", 24),
    dwFlags: field("u32", 60),
    wShowWindow: field("u16", 64),
    cbReserved2: field("u16", 66),
    lpReserved2: field("u64", 72),
    hStdInput: field("u64", 80),
    hStdOutput: field("u64", 88),
    hStdError: field("u64", 96),
  },
};

/** Page "STARTUPINFOEXW structure": a STARTUPINFOW and one pointer. 112 bytes. */
export const STARTUPINFOEXW: Layout<
  "StartupInfo" | "lpAttributeList"
> = {
  name: "STARTUPINFOEXW",
  header: "winbase.h",
  size: 112,
  fields: {
    StartupInfo: bytesField(0, 104),
    lpAttributeList: field("u64", 104),
  },
};

/** Page "PROCESS_INFORMATION structure". 24 bytes. */
export const PROCESS_INFORMATION: Layout<
  "hProcess" | "hThread" | "dwProcessId" | "dwThreadId"
> = {
  name: "PROCESS_INFORMATION",
  header: "processthreadsapi.h",
  size: 24,
  fields: {
    hProcess: field("u64", 0),
    hThread: field("u64", 8),
    dwProcessId: field("u32", 16),
    dwThreadId: field("u32", 20),
  },
};

/** Page "SECURITY_ATTRIBUTES structure". 24 bytes. */
export const SECURITY_ATTRIBUTES: Layout<
  "nLength" | "lpSecurityDescriptor" | "bInheritHandle"
> = {
  name: "SECURITY_ATTRIBUTES",
  header: "wtypesbase.h",
  size: 24,
  fields: {
    nLength: field("u32", 0),
    lpSecurityDescriptor: field("u64", 8),
    bInheritHandle: field("i32", 16),
  },
};

/** Page "OVERLAPPED structure". 32 bytes. */
export const OVERLAPPED: Layout<
  "Internal" | "InternalHigh" | "Offset" | "OffsetHigh" | "hEvent"
> = {
  name: "OVERLAPPED",
  header: "minwinbase.h",
  size: 32,
  fields: {
    Internal: field("u64", 0),
    InternalHigh: field("u64", 8),
    Offset: field("u32", 16),
    OffsetHigh: field("u32", 20),
    hEvent: field("u64", 24),
  },
};

/** Page "OVERLAPPED_ENTRY structure". 32 bytes. */
export const OVERLAPPED_ENTRY: Layout<
  "lpCompletionKey" | "lpOverlapped" | "Internal" | "dwNumberOfBytesTransferred"
> = {
  name: "OVERLAPPED_ENTRY",
  header: "minwinbase.h",
  size: 32,
  fields: {
    lpCompletionKey: field("u64", 0),
    lpOverlapped: field("u64", 8),
    Internal: field("u64", 16),
    dwNumberOfBytesTransferred: field("u32", 24),
  },
};

/** Page "PROCESSENTRY32W structure". 568 bytes. */
export const PROCESSENTRY32W: Layout<
  | "dwSize"
  | "th32ProcessID"
  | "cntThreads"
  | "th32ParentProcessID"
  | "pcPriClassBase"
  | "szExeFile"
> = {
  name: "PROCESSENTRY32W",
  header: "tlhelp32.h",
  size: 568,
  fields: {
    dwSize: field("u32", 0),
    th32ProcessID: field("u32", 8),
    cntThreads: field("u32", 28),
    th32ParentProcessID: field("u32", 32),
    pcPriClassBase: field("i32", 36),
    szExeFile: bytesField(44, 520),
  },
};

/** Page "FILETIME structure": 100 ns units since 1601, as one number. 8 bytes. */
export const FILETIME: Layout<"time"> = {
  name: "FILETIME",
  header: "minwindef.h",
  size: 8,
  fields: { time: field("u64", 0) },
};

/** Page "PROCESS_MEMORY_COUNTERS structure" (psapi.h). 72 bytes. */
export const PROCESS_MEMORY_COUNTERS: Layout<
  | "cb"
  | "PageFaultCount"
  | "PeakWorkingSetSize"
  | "WorkingSetSize"
  | "PagefileUsage"
  | "PeakPagefileUsage"
> = {
  name: "PROCESS_MEMORY_COUNTERS",
  header: "psapi.h",
  size: 72,
  fields: {
    cb: field("u32", 0),
    PageFaultCount: field("u32", 4),
    PeakWorkingSetSize: field("u64", 8),
    WorkingSetSize: field("u64", 16),
    PagefileUsage: field("u64", 56),
    PeakPagefileUsage: field("u64", 64),
  },
};
