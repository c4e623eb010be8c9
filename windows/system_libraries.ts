/**
 * Where the system's libraries are.
 *
 * @module
 */

// The absolute path is for a scoped --allow-ffi, which refuses a bare name.
/** What every program needs: processes, files, consoles. */
export const KERNEL32: readonly string[] = [
  "kernel32.dll",
  "C:\\Windows\\System32\\kernel32.dll",
];
/** What kernel32 is made of. */
export const NTDLL: readonly string[] = [
  "ntdll.dll",
  "C:\\Windows\\System32\\ntdll.dll",
];
/** Windows and their messages. */
export const USER32: readonly string[] = [
  "user32.dll",
  "C:\\Windows\\System32\\user32.dll",
];
