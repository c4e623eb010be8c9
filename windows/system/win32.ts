/**
 * The structures that go to and come from Windows, as the x64 and arm64 headers
 * lay them out (both have 8-byte pointers and the same alignment rules), and the
 * numbers from these headers, under the names that they have there.
 *
 * @module
 */

import { bytesField, field, type Layout } from "../../ffi/memory.ts";

/** Page "STARTUPINFOW structure". 104 bytes.
 * @category Win32 structures */
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

/** Page "STARTUPINFOEXW structure": a STARTUPINFOW and one pointer. 112 bytes.
 * @category Win32 structures */
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

/** Page "PROCESS_INFORMATION structure". 24 bytes.
 * @category Win32 structures */
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

/** Page "SECURITY_ATTRIBUTES structure". 24 bytes.
 * @category Win32 structures */
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

/** Page "OVERLAPPED structure". 32 bytes.
 * @category Win32 structures */
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

/** Page "OVERLAPPED_ENTRY structure". 32 bytes.
 * @category Win32 structures */
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

/** Page "PROCESSENTRY32W structure". 568 bytes.
 * @category Win32 structures */
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

/** Page "FILETIME structure": 100 ns units since 1601, as one number. 8 bytes.
 * @category Win32 structures */
export const FILETIME: Layout<"time"> = {
  name: "FILETIME",
  header: "minwindef.h",
  size: 8,
  fields: { time: field("u64", 0) },
};

/** Page "PROCESS_MEMORY_COUNTERS structure" (psapi.h). 72 bytes.
 * @category Win32 structures */
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

/** Page "JOBOBJECT_BASIC_LIMIT_INFORMATION structure". 64 bytes.
 * @category Win32 structures */
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

/** Page "JOBOBJECT_EXTENDED_LIMIT_INFORMATION structure". 144 bytes.
 * @category Win32 structures */
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

/** Page "JOBOBJECT_BASIC_ACCOUNTING_INFORMATION structure". 48 bytes.
 * @category Win32 structures */
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

/** Page "IO_COUNTERS structure". 48 bytes.
 * @category Win32 structures */
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

/** Page "JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION structure". 96 bytes.
 * @category Win32 structures */
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

/** Page "JOBOBJECT_BASIC_PROCESS_ID_LIST structure". 16 bytes with one id.
 * @category Win32 structures */
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

/** Page "JOBOBJECT_ASSOCIATE_COMPLETION_PORT structure". 16 bytes.
 * @category Win32 structures */
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

/** Priority class: runs only when the system is idle.
 * @category Win32 constants */
export const IDLE_PRIORITY_CLASS = 0x40;
/** Priority class.
 * @category Win32 constants */
export const BELOW_NORMAL_PRIORITY_CLASS = 0x4000;
/** Priority class.
 * @category Win32 constants */
export const NORMAL_PRIORITY_CLASS = 0x20;
/** Priority class.
 * @category Win32 constants */
export const ABOVE_NORMAL_PRIORITY_CLASS = 0x8000;
/** Priority class: before all that is normal.
 * @category Win32 constants */
export const HIGH_PRIORITY_CLASS = 0x80;

/** The handle that is none.
 * @category Win32 constants */
export const INVALID_HANDLE_VALUE = 0xFFFFFFFFFFFFFFFFn;
/** A wait without end, in milliseconds.
 * @category Win32 constants */
export const INFINITE = 0xFFFFFFFF;
/** `WaitForSingleObject`: the object is signalled.
 * @category Win32 constants */
export const WAIT_OBJECT_0 = 0;

/** `CreateProcessW`: the first thread does not run yet.
 * @category Win32 constants */
export const CREATE_SUSPENDED = 0x4;
/** `CreateProcessW`: a console process group of its own, without CTRL_C.
 * @category Win32 constants */
export const CREATE_NEW_PROCESS_GROUP = 0x200;
/** `CreateProcessW`: the environment block is UTF-16.
 * @category Win32 constants */
export const CREATE_UNICODE_ENVIRONMENT = 0x400;
/** `CreateProcessW`: the startup information is a STARTUPINFOEXW.
 * @category Win32 constants */
export const EXTENDED_STARTUPINFO_PRESENT = 0x80000;
/** `CreateProcessW`: outside the creator's job, where that allows it.
 * @category Win32 constants */
export const CREATE_BREAKAWAY_FROM_JOB = 0x1000000;
/** `CreateProcessW`: a console of its own without a window.
 * @category Win32 constants */
export const CREATE_NO_WINDOW = 0x8000000;
/** `CreateProcessW`: a console of its own in a new window.
 * @category Win32 constants */
export const CREATE_NEW_CONSOLE = 0x10;
/** `CreateProcessW`: no console at all.
 * @category Win32 constants */
export const DETACHED_PROCESS = 0x8;
/** `STARTUPINFOW.dwFlags`: the three standard handles are set.
 * @category Win32 constants */
export const STARTF_USESTDHANDLES = 0x100;
/** `STARTUPINFOW.dwFlags`: `wShowWindow` is set.
 * @category Win32 constants */
export const STARTF_USESHOWWINDOW = 0x1;
/** `STARTUPINFOW.wShowWindow`: not shown.
 * @category Win32 constants */
export const SW_HIDE = 0;
/** `STARTUPINFOW.wShowWindow`: shown and activated.
 * @category Win32 constants */
export const SW_SHOWNORMAL = 1;
/** `STARTUPINFOW.wShowWindow`: as large as the screen.
 * @category Win32 constants */
export const SW_SHOWMAXIMIZED = 3;
/** `STARTUPINFOW.wShowWindow`: an icon, and not activated.
 * @category Win32 constants */
export const SW_SHOWMINNOACTIVE = 7;
/** `STARTUPINFOW.wShowWindow`: as the program wants it.
 * @category Win32 constants */
export const SW_SHOWDEFAULT = 10;

/** `UpdateProcThreadAttribute`: the handles that are inherited.
 * @category Win32 constants */
export const PROC_THREAD_ATTRIBUTE_HANDLE_LIST = 0x20002n;
/** `UpdateProcThreadAttribute`: the jobs that the process is born into.
 * @category Win32 constants */
export const PROC_THREAD_ATTRIBUTE_JOB_LIST = 0x2000Dn;

/** Job limit: closing the last handle ends every member.
 * @category Win32 constants */
export const JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000;
/** Job limit: user time of all members together.
 * @category Win32 constants */
export const JOB_OBJECT_LIMIT_JOB_TIME = 0x4;
/** Job limit: living members.
 * @category Win32 constants */
export const JOB_OBJECT_LIMIT_ACTIVE_PROCESS = 0x8;
/** Job limit: committed memory of all members together.
 * @category Win32 constants */
export const JOB_OBJECT_LIMIT_JOB_MEMORY = 0x200;
/** Job limit: no dialog for a member that crashes.
 * @category Win32 constants */
export const JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION = 0x400;
/** Job limit: members may start processes outside.
 * @category Win32 constants */
export const JOB_OBJECT_LIMIT_BREAKAWAY_OK = 0x800;
/** Job limit: whatever members start is outside.
 * @category Win32 constants */
export const JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK = 0x1000;
/** Job information class: JOBOBJECT_BASIC_ACCOUNTING_INFORMATION.
 * @category Win32 constants */
export const JobObjectBasicAccountingInformation = 1;
/** Job information class: JOBOBJECT_BASIC_PROCESS_ID_LIST.
 * @category Win32 constants */
export const JobObjectBasicProcessIdList = 3;
/** Job information class: JOBOBJECT_ASSOCIATE_COMPLETION_PORT.
 * @category Win32 constants */
export const JobObjectAssociateCompletionPortInformation = 7;
/** Job information class: JOBOBJECT_BASIC_AND_IO_ACCOUNTING_INFORMATION.
 * @category Win32 constants */
export const JobObjectBasicAndIoAccountingInformation = 8;
/** Job information class: JOBOBJECT_EXTENDED_LIMIT_INFORMATION.
 * @category Win32 constants */
export const JobObjectExtendedLimitInformation = 9;
/** Job message: the job's time is used up.
 * @category Win32 constants */
export const JOB_OBJECT_MSG_END_OF_JOB_TIME = 1;
/** Job message: one more process than the job may have was to be started.
 * @category Win32 constants */
export const JOB_OBJECT_MSG_ACTIVE_PROCESS_LIMIT = 3;
/** Job message: a member asked for more memory than the job may have.
 * @category Win32 constants */
export const JOB_OBJECT_MSG_JOB_MEMORY_LIMIT = 10;
/** Job message: the last member ended.
 * @category Win32 constants */
export const JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO = 4;
/** Job message: a member was added.
 * @category Win32 constants */
export const JOB_OBJECT_MSG_NEW_PROCESS = 6;
/** Job message: a member ended.
 * @category Win32 constants */
export const JOB_OBJECT_MSG_EXIT_PROCESS = 7;

/** `OpenProcess`: end it.
 * @category Win32 constants */
export const PROCESS_TERMINATE = 0x1;
/** `OpenProcess`: read its memory.
 * @category Win32 constants */
export const PROCESS_VM_READ = 0x10;
/** `OpenProcess`: put it into a job.
 * @category Win32 constants */
export const PROCESS_SET_QUOTA = 0x100;
/** `OpenProcess`: stop and continue its threads.
 * @category Win32 constants */
export const PROCESS_SUSPEND_RESUME = 0x800;
/** `OpenProcess`: everything about it.
 * @category Win32 constants */
export const PROCESS_QUERY_INFORMATION = 0x400;
/** `OpenProcess`: times and image name.
 * @category Win32 constants */
export const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
/** `OpenProcess`: wait for its end.
 * @category Win32 constants */
export const SYNCHRONIZE = 0x100000;

/** `CreateNamedPipeW`: data flows to the server.
 * @category Win32 constants */
export const PIPE_ACCESS_INBOUND = 0x1;
/** `CreateNamedPipeW`: data flows from the server.
 * @category Win32 constants */
export const PIPE_ACCESS_OUTBOUND = 0x2;
/** `CreateNamedPipeW`: fail when the name is taken.
 * @category Win32 constants */
export const FILE_FLAG_FIRST_PIPE_INSTANCE = 0x80000;
/** `CreateNamedPipeW`, `CreateFileW`: asynchronous.
 * @category Win32 constants */
export const FILE_FLAG_OVERLAPPED = 0x40000000;
/** `CreateNamedPipeW`: this machine only.
 * @category Win32 constants */
export const PIPE_REJECT_REMOTE_CLIENTS = 0x8;
/** `CreateFileW`: read.
 * @category Win32 constants */
export const GENERIC_READ = 0x80000000;
/** `CreateFileW`: write.
 * @category Win32 constants */
export const GENERIC_WRITE = 0x40000000;
/** `CreateFileW`: ask for attributes, as C runtimes do on their stdout.
 * @category Win32 constants */
export const FILE_READ_ATTRIBUTES = 0x80;
/** `CreateFileW`: set attributes.
 * @category Win32 constants */
export const FILE_WRITE_ATTRIBUTES = 0x100;
/** `CreateFileW`: others may read and write.
 * @category Win32 constants */
export const FILE_SHARE_READ_WRITE = 0x3;
/** `CreateFileW`: others may remove or rename it.
 * @category Win32 constants */
export const FILE_SHARE_DELETE = 0x4;
/** `CreateFileW`: write at the end.
 * @category Win32 constants */
export const FILE_APPEND_DATA = 0x4;
/** `CreateFileW`: created, or emptied.
 * @category Win32 constants */
export const CREATE_ALWAYS = 2;
/** `CreateFileW`: created when it does not exist.
 * @category Win32 constants */
export const OPEN_ALWAYS = 4;
/** `CreateFileW`: it must exist.
 * @category Win32 constants */
export const OPEN_EXISTING = 3;
/** `SetFileCompletionNotificationModes`: no packet for an operation that succeeds at once.
 * @category Win32 constants */
export const FILE_SKIP_COMPLETION_PORT_ON_SUCCESS = 0x1;
/** `SetHandleInformation`: children inherit it.
 * @category Win32 constants */
export const HANDLE_FLAG_INHERIT = 0x1;
/** `DuplicateHandle`: with the same rights.
 * @category Win32 constants */
export const DUPLICATE_SAME_ACCESS = 0x2;
/** `GetFileAttributesW`: there is no such file.
 * @category Win32 constants */
export const INVALID_FILE_ATTRIBUTES = 0xFFFFFFFF;
/** `GetFileAttributesW`: a directory.
 * @category Win32 constants */
export const FILE_ATTRIBUTE_DIRECTORY = 0x10;
/** `CreateToolhelp32Snapshot`: processes.
 * @category Win32 constants */
export const TH32CS_SNAPPROCESS = 0x2;
/** `GenerateConsoleCtrlEvent`: Ctrl+C.
 * @category Win32 constants */
export const CTRL_C_EVENT = 0;
/** `GenerateConsoleCtrlEvent`: Ctrl+Break.
 * @category Win32 constants */
export const CTRL_BREAK_EVENT = 1;
/** `PostMessageW`: please close.
 * @category Win32 constants */
export const WM_CLOSE = 0x10;

/** `OVERLAPPED_ENTRY.Internal`: the other end of the pipe is closed.
 * @category Win32 constants */
export const STATUS_PIPE_BROKEN = 0xC000014B;
/** `OVERLAPPED_ENTRY.Internal`: cancelled.
 * @category Win32 constants */
export const STATUS_CANCELLED = 0xC0000120;
