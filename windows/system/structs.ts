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

// The structures of job objects, as the x64 and arm64 headers lay them out.

/** Page "JOBOBJECT_BASIC_LIMIT_INFORMATION structure". 64 bytes. */
export const JOBOBJECT_BASIC_LIMIT_INFORMATION: Layout<
  | "PerProcessUserTimeLimit"
  | "PerJobUserTimeLimit"
  | "LimitFlags"
  | "MinimumWorkingSetSize"
  | "MaximumWorkingSetSize"
  | "ActiveProcessLimit"
  | "Affinity"
  | "PriorityClass"
  | "SchedulingClass"
> = {
  name: "JOBOBJECT_BASIC_LIMIT_INFORMATION",
  header: "winnt.h",
  size: 64,
  fields: {
    PerProcessUserTimeLimit: field("i64", 0),
    PerJobUserTimeLimit: field("i64", 8),
    LimitFlags: field("u32", 16),
    MinimumWorkingSetSize: field("u64", 24),
    MaximumWorkingSetSize: field("u64", 32),
    ActiveProcessLimit: field("u32", 40),
    Affinity: field("u64", 48),
    PriorityClass: field("u32", 56),
    SchedulingClass: field("u32", 60),
  },
};

/** Page "JOBOBJECT_EXTENDED_LIMIT_INFORMATION structure". 144 bytes. */
export const JOBOBJECT_EXTENDED_LIMIT_INFORMATION: Layout<
  | "BasicLimitInformation"
  | "PerJobUserTimeLimit"
  | "LimitFlags"
  | "ActiveProcessLimit"
  | "IoInfo"
  | "ProcessMemoryLimit"
  | "JobMemoryLimit"
  | "PeakProcessMemoryUsed"
  | "PeakJobMemoryUsed"
> = {
  name: "JOBOBJECT_EXTENDED_LIMIT_INFORMATION",
  header: "winnt.h",
  size: 144,
  fields: {
    BasicLimitInformation: bytesField(0, 64),
    // Fields of the nested structure by their own names: they are set often.
    PerJobUserTimeLimit: field("i64", 8),
    LimitFlags: field("u32", 16),
    ActiveProcessLimit: field("u32", 40),
    IoInfo: bytesField(64, 48),
    ProcessMemoryLimit: field("u64", 112),
    JobMemoryLimit: field("u64", 120),
    PeakProcessMemoryUsed: field("u64", 128),
    PeakJobMemoryUsed: field("u64", 136),
  },
};

/** Page "JOBOBJECT_BASIC_ACCOUNTING_INFORMATION structure". 48 bytes. */
export const JOBOBJECT_BASIC_ACCOUNTING_INFORMATION: Layout<
  | "TotalUserTime"
  | "TotalKernelTime"
  | "ThisPeriodTotalUserTime"
  | "ThisPeriodTotalKernelTime"
  | "TotalPageFaultCount"
  | "TotalProcesses"
  | "ActiveProcesses"
  | "TotalTerminatedProcesses"
> = {
  name: "JOBOBJECT_BASIC_ACCOUNTING_INFORMATION",
  header: "winnt.h",
  size: 48,
  fields: {
    TotalUserTime: field("i64", 0),
    TotalKernelTime: field("i64", 8),
    ThisPeriodTotalUserTime: field("i64", 16),
    ThisPeriodTotalKernelTime: field("i64", 24),
    TotalPageFaultCount: field("u32", 32),
    TotalProcesses: field("u32", 36),
    ActiveProcesses: field("u32", 40),
    TotalTerminatedProcesses: field("u32", 44),
  },
};

/** Page "IO_COUNTERS structure". 48 bytes. */
export const IO_COUNTERS: Layout<
  | "ReadOperationCount"
  | "WriteOperationCount"
  | "OtherOperationCount"
  | "ReadTransferCount"
  | "WriteTransferCount"
  | "OtherTransferCount"
> = {
  name: "IO_COUNTERS",
  header: "winnt.h",
  size: 48,
  fields: {
    ReadOperationCount: field("u64", 0),
    WriteOperationCount: field("u64", 8),
    OtherOperationCount: field("u64", 16),
    ReadTransferCount: field("u64", 24),
    WriteTransferCount: field("u64", 32),
    OtherTransferCount: field("u64", 40),
  },
};

/** Page "JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION structure". 96 bytes. */
export const JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION: Layout<
  "BasicInfo" | "IoInfo"
> = {
  name: "JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION",
  header: "winnt.h",
  size: 96,
  fields: {
    BasicInfo: bytesField(0, 48),
    IoInfo: bytesField(48, 48),
  },
};

/** Page "JOBOBJECT_BASIC_PROCESS_ID_LIST structure". 16 bytes with one id. */
export const JOBOBJECT_BASIC_PROCESS_ID_LIST: Layout<
  "NumberOfAssignedProcesses" | "NumberOfProcessIdsInList" | "ProcessIdList"
> = {
  name: "JOBOBJECT_BASIC_PROCESS_ID_LIST",
  header: "winnt.h",
  size: 16,
  fields: {
    NumberOfAssignedProcesses: field("u32", 0),
    NumberOfProcessIdsInList: field("u32", 4),
    ProcessIdList: field("u64", 8),
  },
};

/** Page "JOBOBJECT_ASSOCIATE_COMPLETION_PORT structure". 16 bytes. */
export const JOBOBJECT_ASSOCIATE_COMPLETION_PORT: Layout<
  "CompletionKey" | "CompletionPort"
> = {
  name: "JOBOBJECT_ASSOCIATE_COMPLETION_PORT",
  header: "winnt.h",
  size: 16,
  fields: {
    CompletionKey: field("u64", 0),
    CompletionPort: field("u64", 8),
  },
};
