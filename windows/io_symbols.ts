/**
 * Functions of kernel32: pipes, the completion port, and events. See
 * `kernel32.ts`.
 *
 * @module
 */

import { lazyLibrary } from "../ffi/library.ts";
import { KERNEL32 } from "./system_libraries.ts";

/** Pipes, completion port and events. */
export const io = lazyLibrary(
  KERNEL32,
  {
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
  },
);
