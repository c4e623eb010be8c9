/**
 * Waiting for a process to end, and what it left.
 *
 * @module
 */

import { WAIT_OBJECT_0 } from "./system/constants.ts";
import { ERROR_ACCESS_DENIED } from "./system/error_codes.ts";
import { windowsError } from "./system/errors.ts";
import type { Handle } from "./system/handle.ts";
import { processes } from "./system/kernel32.ts";

// So long may the end of a process take that has begun to end.
const ENDING_MS = 100;

/**
 * Waits for a process, or looks once. Page "WaitForSingleObject function".
 *
 * This, and not the exit code 259 (STILL_ACTIVE), decides whether a process has
 * ended: 259 is an exit code like any other.
 *
 * @param process The process, or another object that can be waited for.
 * @param ms How long to wait, in milliseconds; 0 looks once.
 * @returns Whether it has ended.
 * @throws {SystemError} when the handle cannot be waited for.
 */
export function waitForSingleObject(process: Handle, ms: number): boolean {
  const k = processes();
  const result = k.WaitForSingleObject(process.value, ms);
  const code = result === 0xFFFFFFFF ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "WaitForSingleObject");
  return result === WAIT_OBJECT_0;
}

/**
 * The exit code of a process that has ended. Page "GetExitCodeProcess function".
 *
 * @param process The process.
 * @returns Its exit code, unsigned; 259 also when it still runs.
 * @throws {SystemError} when the handle does not allow the question.
 */
export function getExitCodeProcess(process: Handle): number {
  const k = processes();
  const out = new Uint32Array(new ArrayBuffer(4));
  const ok = k.GetExitCodeProcess(process.value, out);
  const code = ok ? 0 : k.GetLastError();
  if (code !== 0) throw windowsError(code, "GetExitCodeProcess");
  return out[0] as number;
}

/**
 * Ends one process. Page "TerminateProcess function".
 *
 * @param process The process.
 * @param exitCode The exit code it gets.
 * @returns False when it had already ended.
 * @throws {SystemError} when the handle does not allow it.
 */
export function terminateProcess(process: Handle, exitCode: number): boolean {
  const k = processes();
  if (k.WaitForSingleObject(process.value, 0) === WAIT_OBJECT_0) return false;
  const ok = k.TerminateProcess(process.value, exitCode);
  const code = ok ? 0 : k.GetLastError();
  if (code === 0) return true;
  // Windows refuses a process that is just ending with "access denied", too.
  if (code === ERROR_ACCESS_DENIED && waitForSingleObject(process, ENDING_MS)) {
    return false;
  }
  throw windowsError(code, "TerminateProcess");
}

/**
 * Lets a thread run on. Page "ResumeThread function".
 *
 * @param thread The thread.
 * @returns How often it was suspended before.
 * @throws {SystemError} when the handle does not allow it.
 */
export function resumeThread(thread: Handle): number {
  const k = processes();
  const count = k.ResumeThread(thread.value);
  const code = count === 0xFFFFFFFF ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "ResumeThread");
  return count;
}
