/**
 * Functions of kernel32 and user32 that ask a program to end: console control
 * events, and messages to windows. See `kernel32.ts`.
 *
 * @module
 */

import { lazyLibrary } from "../ffi/library.ts";
import { KERNEL32, USER32 } from "./system_libraries.ts";

/** Console control events. */
export const consoles = lazyLibrary(
  KERNEL32,
  {
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
  },
);

/** user32: windows. */
export const windowing = lazyLibrary(
  USER32,
  {
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
  },
);
