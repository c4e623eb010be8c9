/**
 * The structures of job objects, as the x64 and arm64 headers lay them out.
 *
 * @module
 */

import { bytesField, field, type Layout } from "../ffi/struct.ts";

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
