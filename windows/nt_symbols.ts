/**
 * Functions of ntdll: what kernel32 has no call for. See `kernel32.ts`.
 *
 * @module
 */

import { lazyLibrary } from "../ffi/library.ts";
import { NTDLL } from "./system_libraries.ts";

/** ntdll: a whole process at once, and its command line. */
export const nt = lazyLibrary(
  NTDLL,
  {
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
  },
);
