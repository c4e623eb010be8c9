/**
 * The functions of kernel32 (and a few of ntdll, user32 and ws2_32), in groups that
 * are opened when first needed.
 *
 * Every group has its own `GetLastError`, so that the reading discipline is
 * visible at each call: `const code = ok ? 0 : k.GetLastError()`, with nothing
 * in between. Opening a library in between would change the value.
 *
 * HANDLE, SIZE_T, ULONG_PTR and addresses are `usize`, which is a bigint. BOOL
 * is `i32`, DWORD is `u32`, SOCKET is `usize`. A `buffer` parameter takes `null` for
 * NULL. `WSAGetLastError` reads the value that `GetLastError` reads.
 *
 * @module
 */

import { lazyLibrary, type Library } from "../../ffi/library.ts";

// Where the system's libraries are.

// The absolute path is for a scoped --allow-ffi, which refuses a bare name.
/** The library of processes, files and consoles. */
export const KERNEL32: readonly string[] = [
  "kernel32.dll",
  "C:\\Windows\\System32\\kernel32.dll",
];

/** The library under kernel32. */
export const NTDLL: readonly string[] = [
  "ntdll.dll",
  "C:\\Windows\\System32\\ntdll.dll",
];

/** Windows and their messages. */
export const USER32: readonly string[] = [
  "user32.dll",
  "C:\\Windows\\System32\\user32.dll",
];

// Processes, jobs, and the process table.

const PROCESSES_SYMBOLS = {
  // DWORD GetLastError(void)
  GetLastError: { parameters: [], result: "u32" },
  // BOOL CreateProcessW(LPCWSTR application, LPWSTR commandLine, LPSECURITY_ATTRIBUTES process,
  //   LPSECURITY_ATTRIBUTES thread, BOOL inheritHandles, DWORD flags, LPVOID environment,
  //   LPCWSTR directory, LPSTARTUPINFOW, LPPROCESS_INFORMATION)
  CreateProcessW: {
    // deno-fmt-ignore
    parameters: ["buffer", "buffer", "buffer", "buffer", "i32", "u32", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // BOOL InitializeProcThreadAttributeList(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD count, DWORD flags, PSIZE_T size)
  InitializeProcThreadAttributeList: {
    parameters: ["buffer", "u32", "u32", "buffer"],
    result: "i32",
  },
  // BOOL UpdateProcThreadAttribute(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD flags, DWORD_PTR attribute,
  //   PVOID value, SIZE_T size, PVOID previous, PSIZE_T returned)
  UpdateProcThreadAttribute: {
    // deno-fmt-ignore
    parameters: ["buffer", "u32", "usize", "buffer", "usize", "buffer", "buffer"],
    result: "i32",
  },
  // void DeleteProcThreadAttributeList(LPPROC_THREAD_ATTRIBUTE_LIST)
  DeleteProcThreadAttributeList: { parameters: ["buffer"], result: "void" },
  // BOOL TerminateProcess(HANDLE, UINT code)
  TerminateProcess: { parameters: ["usize", "u32"], result: "i32" },
  // BOOL GetExitCodeProcess(HANDLE, LPDWORD)
  GetExitCodeProcess: { parameters: ["usize", "buffer"], result: "i32" },
  // DWORD ResumeThread(HANDLE)
  ResumeThread: { parameters: ["usize"], result: "u32" },
  // DWORD WaitForSingleObject(HANDLE, DWORD milliseconds)
  WaitForSingleObject: { parameters: ["usize", "u32"], result: "u32" },
  // BOOL CloseHandle(HANDLE)
  CloseHandle: { parameters: ["usize"], result: "i32" },
  // BOOL SetHandleInformation(HANDLE, DWORD mask, DWORD flags)
  SetHandleInformation: {
    parameters: ["usize", "u32", "u32"],
    result: "i32",
  },
  // BOOL GetHandleInformation(HANDLE, LPDWORD flags)
  GetHandleInformation: { parameters: ["usize", "buffer"], result: "i32" },
  // DWORD GetFileType(HANDLE)
  GetFileType: { parameters: ["usize"], result: "u32" },
  // BOOL DuplicateHandle(HANDLE sourceProcess, HANDLE, HANDLE targetProcess, LPHANDLE,
  //   DWORD access, BOOL inherit, DWORD options)
  DuplicateHandle: {
    // deno-fmt-ignore
    parameters: ["usize", "usize", "usize", "buffer", "u32", "i32", "u32"],
    result: "i32",
  },
  // HANDLE GetStdHandle(DWORD which)
  GetStdHandle: { parameters: ["u32"], result: "usize" },
  // DWORD GetConsoleProcessList(LPDWORD list, DWORD count)
  GetConsoleProcessList: { parameters: ["buffer", "u32"], result: "u32" },
  // LPWCH GetEnvironmentStringsW(void)
  GetEnvironmentStringsW: { parameters: [], result: "usize" },
  // BOOL FreeEnvironmentStringsW(LPWCH)
  FreeEnvironmentStringsW: { parameters: ["usize"], result: "i32" },
  // DWORD GetFileAttributesW(LPCWSTR)
  GetFileAttributesW: { parameters: ["buffer"], result: "u32" },
  // DWORD GetModuleFileNameW(HMODULE, LPWSTR, DWORD units)
  GetModuleFileNameW: {
    parameters: ["usize", "buffer", "u32"],
    result: "u32",
  },
  // DWORD GetFullPathNameW(LPCWSTR, DWORD units, LPWSTR, LPWSTR *name)
  GetFullPathNameW: {
    parameters: ["buffer", "u32", "buffer", "buffer"],
    result: "u32",
  },
} as const;

/** Processes and their handles, for every spawn. */
export const processes: Library<typeof PROCESSES_SYMBOLS> = lazyLibrary(
  KERNEL32,
  PROCESSES_SYMBOLS,
);

const SCHEDULING_SYMBOLS = {
  GetLastError: { parameters: [], result: "u32" },
  // BOOL SetProcessAffinityMask(HANDLE, DWORD_PTR mask)
  SetProcessAffinityMask: { parameters: ["usize", "usize"], result: "i32" },
} as const;

/** The CPUs of a process. */
export const scheduling: Library<typeof SCHEDULING_SYMBOLS> = lazyLibrary(
  KERNEL32,
  SCHEDULING_SYMBOLS,
);

const JOBS_SYMBOLS = {
  GetLastError: { parameters: [], result: "u32" },
  // HANDLE CreateJobObjectW(LPSECURITY_ATTRIBUTES, LPCWSTR name)
  CreateJobObjectW: { parameters: ["buffer", "buffer"], result: "usize" },
  // BOOL AssignProcessToJobObject(HANDLE job, HANDLE process)
  AssignProcessToJobObject: { parameters: ["usize", "usize"], result: "i32" },
  // BOOL IsProcessInJob(HANDLE process, HANDLE job, PBOOL)
  IsProcessInJob: { parameters: ["usize", "usize", "buffer"], result: "i32" },
  // BOOL SetInformationJobObject(HANDLE, JOBOBJECTINFOCLASS, LPVOID, DWORD size)
  SetInformationJobObject: {
    parameters: ["usize", "u32", "buffer", "u32"],
    result: "i32",
  },
  // BOOL QueryInformationJobObject(HANDLE, JOBOBJECTINFOCLASS, LPVOID, DWORD size, LPDWORD returned)
  QueryInformationJobObject: {
    parameters: ["usize", "u32", "buffer", "u32", "buffer"],
    result: "i32",
  },
  // BOOL TerminateJobObject(HANDLE, UINT code)
  TerminateJobObject: { parameters: ["usize", "u32"], result: "i32" },
} as const;

/** Job objects. */
export const jobs: Library<typeof JOBS_SYMBOLS> = lazyLibrary(
  KERNEL32,
  JOBS_SYMBOLS,
);

const TABLE_SYMBOLS = {
  GetLastError: { parameters: [], result: "u32" },
  // HANDLE CreateToolhelp32Snapshot(DWORD flags, DWORD pid)
  CreateToolhelp32Snapshot: { parameters: ["u32", "u32"], result: "usize" },
  // BOOL Process32FirstW(HANDLE, LPPROCESSENTRY32W)
  Process32FirstW: { parameters: ["usize", "buffer"], result: "i32" },
  // BOOL Process32NextW(HANDLE, LPPROCESSENTRY32W)
  Process32NextW: { parameters: ["usize", "buffer"], result: "i32" },
  // HANDLE OpenProcess(DWORD access, BOOL inherit, DWORD pid)
  OpenProcess: { parameters: ["u32", "i32", "u32"], result: "usize" },
  // DWORD GetProcessId(HANDLE)
  GetProcessId: { parameters: ["usize"], result: "u32" },
  // BOOL GetProcessTimes(HANDLE, LPFILETIME created, LPFILETIME ended, LPFILETIME kernel, LPFILETIME user)
  GetProcessTimes: {
    parameters: ["usize", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // BOOL QueryFullProcessImageNameW(HANDLE, DWORD flags, LPWSTR, PDWORD units)
  QueryFullProcessImageNameW: {
    parameters: ["usize", "u32", "buffer", "buffer"],
    result: "i32",
  },
} as const;

/** The process table. */
export const table: Library<typeof TABLE_SYMBOLS> = lazyLibrary(
  KERNEL32,
  TABLE_SYMBOLS,
);

const ACCOUNTING_SYMBOLS = {
  // BOOL K32GetProcessMemoryInfo(HANDLE, PPROCESS_MEMORY_COUNTERS, DWORD size)
  K32GetProcessMemoryInfo: {
    parameters: ["usize", "buffer", "u32"],
    result: "i32",
  },
  // BOOL GetProcessIoCounters(HANDLE, PIO_COUNTERS)
  GetProcessIoCounters: { parameters: ["usize", "buffer"], result: "i32" },
} as const;

/** The resources that processes have used; their times are in the process table. */
export const accounting: Library<typeof ACCOUNTING_SYMBOLS> = lazyLibrary(
  KERNEL32,
  ACCOUNTING_SYMBOLS,
);

const HEAP_SYMBOLS = {
  // HANDLE GetProcessHeap(void)
  GetProcessHeap: { parameters: [], result: "usize" },
  // LPVOID HeapAlloc(HANDLE, DWORD flags, SIZE_T)
  HeapAlloc: { parameters: ["usize", "u32", "usize"], result: "usize" },
  // BOOL HeapFree(HANDLE, DWORD flags, LPVOID)
  HeapFree: { parameters: ["usize", "u32", "buffer"], result: "i32" },
} as const;

/** Memory that outlives an isolate. */
export const heap: Library<typeof HEAP_SYMBOLS> = lazyLibrary(
  KERNEL32,
  HEAP_SYMBOLS,
);

const THREADS_SYMBOLS = {
  // DWORD FlsAlloc(PFLS_CALLBACK_FUNCTION)
  FlsAlloc: { parameters: ["usize"], result: "u32" },
  // PVOID FlsGetValue(DWORD index)
  FlsGetValue: { parameters: ["u32"], result: "usize" },
  // BOOL FlsSetValue(DWORD index, PVOID)
  FlsSetValue: { parameters: ["u32", "usize"], result: "i32" },
  // ATOM AddAtomW(LPCWSTR)
  AddAtomW: { parameters: ["buffer"], result: "u16" },
  // ATOM FindAtomW(LPCWSTR)
  FindAtomW: { parameters: ["buffer"], result: "u16" },
  // HMODULE GetModuleHandleW(LPCWSTR)
  GetModuleHandleW: { parameters: ["buffer"], result: "usize" },
  // FARPROC GetProcAddress(HMODULE, LPCSTR)
  GetProcAddress: { parameters: ["usize", "buffer"], result: "usize" },
} as const;

/** Callbacks at the end of a thread, and names known to this process alone. */
export const threads: Library<typeof THREADS_SYMBOLS> = lazyLibrary(
  KERNEL32,
  THREADS_SYMBOLS,
);

const MESSAGES_SYMBOLS = {
  // DWORD FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language,
  //   LPWSTR, DWORD units, va_list *)
  FormatMessageW: {
    // deno-fmt-ignore
    parameters: ["u32", "usize", "u32", "u32", "buffer", "u32", "usize"],
    result: "u32",
  },
} as const;

/** The system's words for an error. */
export const messages: Library<typeof MESSAGES_SYMBOLS> = lazyLibrary(
  KERNEL32,
  MESSAGES_SYMBOLS,
);

// Pipes, the completion port, and events.

const IO_SYMBOLS = {
  GetLastError: { parameters: [], result: "u32" },
  // HANDLE CreateNamedPipeW(LPCWSTR, DWORD open, DWORD mode, DWORD instances,
  //   DWORD outSize, DWORD inSize, DWORD timeout, LPSECURITY_ATTRIBUTES)
  CreateNamedPipeW: {
    // deno-fmt-ignore
    parameters: ["buffer", "u32", "u32", "u32", "u32", "u32", "u32", "buffer"],
    result: "usize",
  },
  // BOOL CreatePipe(PHANDLE read, PHANDLE write, LPSECURITY_ATTRIBUTES, DWORD size)
  CreatePipe: {
    parameters: ["buffer", "buffer", "buffer", "u32"],
    result: "i32",
  },
  // HANDLE CreateFileW(LPCWSTR, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES,
  //   DWORD disposition, DWORD flags, HANDLE template)
  CreateFileW: {
    // deno-fmt-ignore
    parameters: ["buffer", "u32", "u32", "buffer", "u32", "u32", "usize"],
    result: "usize",
  },
  // BOOL ReadFile(HANDLE, LPVOID, DWORD, LPDWORD done, LPOVERLAPPED)
  ReadFile: {
    parameters: ["usize", "buffer", "u32", "buffer", "buffer"],
    result: "i32",
  },
  // BOOL WriteFile(HANDLE, LPCVOID, DWORD, LPDWORD done, LPOVERLAPPED)
  WriteFile: {
    parameters: ["usize", "buffer", "u32", "buffer", "buffer"],
    result: "i32",
  },
  // BOOL PeekNamedPipe(HANDLE, LPVOID, DWORD, LPDWORD read, LPDWORD available, LPDWORD left)
  PeekNamedPipe: {
    parameters: ["usize", "buffer", "u32", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // BOOL CancelIoEx(HANDLE, LPOVERLAPPED)
  CancelIoEx: { parameters: ["usize", "buffer"], result: "i32" },
  // BOOL GetOverlappedResult(HANDLE, LPOVERLAPPED, LPDWORD done, BOOL wait)
  GetOverlappedResult: {
    parameters: ["usize", "buffer", "buffer", "i32"],
    result: "i32",
  },
  // HANDLE CreateEventW(LPSECURITY_ATTRIBUTES, BOOL manualReset, BOOL initial, LPCWSTR)
  CreateEventW: {
    parameters: ["buffer", "i32", "i32", "buffer"],
    result: "usize",
  },
  // DWORD WaitForMultipleObjects(DWORD, const HANDLE *, BOOL all, DWORD milliseconds)
  WaitForMultipleObjects: {
    parameters: ["u32", "buffer", "i32", "u32"],
    result: "u32",
  },
  // HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads)
  CreateIoCompletionPort: {
    parameters: ["usize", "usize", "usize", "u32"],
    result: "usize",
  },
  // BOOL PostQueuedCompletionStatus(HANDLE, DWORD bytes, ULONG_PTR key, LPOVERLAPPED)
  PostQueuedCompletionStatus: {
    parameters: ["usize", "u32", "usize", "usize"],
    result: "i32",
  },
  // BOOL GetQueuedCompletionStatusEx(HANDLE, LPOVERLAPPED_ENTRY, ULONG, PULONG removed,
  //   DWORD milliseconds, BOOL alertable)
  GetQueuedCompletionStatusEx: {
    parameters: ["usize", "buffer", "u32", "buffer", "u32", "i32"],
    result: "i32",
  },
  /** The same on a thread of the blocking pool: the one call that may be pending. */
  GetQueuedCompletionStatusExAsync: {
    name: "GetQueuedCompletionStatusEx",
    parameters: ["usize", "buffer", "u32", "buffer", "u32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  // BOOL SetFileCompletionNotificationModes(HANDLE, UCHAR flags)
  SetFileCompletionNotificationModes: {
    parameters: ["usize", "u8"],
    result: "i32",
  },
} as const;

/** Pipes, completion port and events. */
export const io: Library<typeof IO_SYMBOLS> = lazyLibrary(
  KERNEL32,
  IO_SYMBOLS,
);

// Functions of kernel32 and user32 that ask a program to end: console control
// events, and messages to windows.

const CONSOLES_SYMBOLS = {
  GetLastError: { parameters: [], result: "u32" },
  // BOOL AttachConsole(DWORD pid)
  AttachConsole: { parameters: ["u32"], result: "i32" },
  // BOOL FreeConsole(void)
  FreeConsole: { parameters: [], result: "i32" },
  // BOOL SetConsoleCtrlHandler(PHANDLER_ROUTINE, BOOL add)
  SetConsoleCtrlHandler: { parameters: ["usize", "i32"], result: "i32" },
  // BOOL GenerateConsoleCtrlEvent(DWORD event, DWORD group)
  GenerateConsoleCtrlEvent: { parameters: ["u32", "u32"], result: "i32" },
  // BOOL ReadProcessMemory(HANDLE, LPCVOID address, LPVOID, SIZE_T, SIZE_T *read)
  ReadProcessMemory: {
    parameters: ["usize", "usize", "buffer", "usize", "buffer"],
    result: "i32",
  },
  // BOOL SetStdHandle(DWORD which, HANDLE)
  SetStdHandle: { parameters: ["u32", "usize"], result: "i32" },
  // HMODULE GetModuleHandleW(LPCWSTR)
  GetModuleHandleW: { parameters: ["buffer"], result: "usize" },
  // FARPROC GetProcAddress(HMODULE, LPCSTR)
  GetProcAddress: { parameters: ["usize", "buffer"], result: "usize" },
} as const;

/** Console control events. */
export const consoles: Library<typeof CONSOLES_SYMBOLS> = lazyLibrary(
  KERNEL32,
  CONSOLES_SYMBOLS,
);

const WINDOWING_SYMBOLS = {
  // HWND FindWindowExW(HWND parent, HWND after, LPCWSTR class, LPCWSTR title)
  FindWindowExW: {
    parameters: ["usize", "usize", "buffer", "buffer"],
    result: "usize",
  },
  // DWORD GetWindowThreadProcessId(HWND, LPDWORD pid)
  GetWindowThreadProcessId: {
    parameters: ["usize", "buffer"],
    result: "u32",
  },
  // BOOL IsWindowVisible(HWND)
  IsWindowVisible: { parameters: ["usize"], result: "i32" },
  // BOOL PostMessageW(HWND, UINT message, WPARAM, LPARAM)
  PostMessageW: {
    parameters: ["usize", "u32", "usize", "isize"],
    result: "i32",
  },
} as const;

/** user32: windows. */
export const windowing: Library<typeof WINDOWING_SYMBOLS> = lazyLibrary(
  USER32,
  WINDOWING_SYMBOLS,
);

// Functions of ntdll, for operations without a call of kernel32.

const NT_SYMBOLS = {
  // NTSTATUS NtSuspendProcess(HANDLE)
  NtSuspendProcess: { parameters: ["usize"], result: "u32" },
  // NTSTATUS NtResumeProcess(HANDLE)
  NtResumeProcess: { parameters: ["usize"], result: "u32" },
  // NTSTATUS NtQueryInformationProcess(HANDLE, ULONG class, PVOID, ULONG size, PULONG returned)
  NtQueryInformationProcess: {
    parameters: ["usize", "u32", "buffer", "u32", "buffer"],
    result: "u32",
  },
  // ULONG RtlNtStatusToDosError(NTSTATUS)
  RtlNtStatusToDosError: { parameters: ["u32"], result: "u32" },
} as const;

/** ntdll: a whole process at once, and its command line. */
export const nt: Library<typeof NT_SYMBOLS> = lazyLibrary(
  NTDLL,
  NT_SYMBOLS,
);

const SOCKETS_SYMBOLS = {
  // int WSAStartup(WORD version, LPWSADATA)
  WSAStartup: { parameters: ["u16", "buffer"], result: "i32" },
  // int WSAGetLastError(void)
  WSAGetLastError: { parameters: [], result: "i32" },
  // SOCKET WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW, GROUP, DWORD flags)
  WSASocketW: {
    parameters: ["i32", "i32", "i32", "buffer", "u32", "u32"],
    result: "usize",
  },
  // int WSADuplicateSocketW(SOCKET, DWORD pid, LPWSAPROTOCOL_INFOW)
  WSADuplicateSocketW: {
    parameters: ["usize", "u32", "buffer"],
    result: "i32",
  },
  // int bind(SOCKET, const struct sockaddr *, int)
  bind: { parameters: ["usize", "buffer", "i32"], result: "i32" },
  // int listen(SOCKET, int backlog)
  listen: { parameters: ["usize", "i32"], result: "i32" },
  // int getsockname(SOCKET, struct sockaddr *, int *)
  getsockname: { parameters: ["usize", "buffer", "buffer"], result: "i32" },
  // int setsockopt(SOCKET, int level, int name, const char *, int)
  setsockopt: {
    parameters: ["usize", "i32", "i32", "buffer", "i32"],
    result: "i32",
  },
  // int closesocket(SOCKET)
  closesocket: { parameters: ["usize"], result: "i32" },
  // INT GetAddrInfoW(PCWSTR node, PCWSTR service, const ADDRINFOW *hints, PADDRINFOW *)
  GetAddrInfoW: {
    parameters: ["buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // void FreeAddrInfoW(PADDRINFOW)
  FreeAddrInfoW: { parameters: ["pointer"], result: "void" },
} as const;

/** Windows Sockets; `socket.ts` starts them first. */
export const winsock: Library<typeof SOCKETS_SYMBOLS> = lazyLibrary(
  ["ws2_32.dll", "C:\\Windows\\System32\\ws2_32.dll"],
  SOCKETS_SYMBOLS,
);
