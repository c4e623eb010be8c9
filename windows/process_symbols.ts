/**
 * Functions of kernel32: processes, jobs, and the process table. See `kernel32.ts`.
 *
 * @module
 */

import { lazyLibrary } from "../ffi/library.ts";
import { KERNEL32 } from "./system_libraries.ts";

/** Processes and their handles: what every spawn needs. */
export const processes = lazyLibrary(
  KERNEL32,
  {
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
  },
);

/** The CPUs of a process. */
export const scheduling = lazyLibrary(
  KERNEL32,
  {
    GetLastError: { parameters: [], result: "u32" },
    // BOOL SetProcessAffinityMask(HANDLE, DWORD_PTR mask)
    SetProcessAffinityMask: { parameters: ["usize", "usize"], result: "i32" },
  },
);

/** Job objects. */
export const jobs = lazyLibrary(
  KERNEL32,
  {
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
  },
);

/** The process table. */
export const table = lazyLibrary(
  KERNEL32,
  {
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
  },
);

/** What processes have used; their times are in the process table. */
export const accounting = lazyLibrary(
  KERNEL32,
  {
    // BOOL K32GetProcessMemoryInfo(HANDLE, PPROCESS_MEMORY_COUNTERS, DWORD size)
    K32GetProcessMemoryInfo: {
      parameters: ["usize", "buffer", "u32"],
      result: "i32",
    },
    // BOOL GetProcessIoCounters(HANDLE, PIO_COUNTERS)
    GetProcessIoCounters: { parameters: ["usize", "buffer"], result: "i32" },
  },
);

/** The system's words for an error. */
export const messages = lazyLibrary(
  KERNEL32,
  {
    // DWORD FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language,
    //   LPWSTR, DWORD units, va_list *)
    FormatMessageW: {
      // deno-fmt-ignore
      parameters: ["u32", "usize", "u32", "u32", "buffer", "u32", "usize"],
      result: "u32",
    },
  },
);
