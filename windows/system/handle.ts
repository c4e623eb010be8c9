/**
 * The owner of a kernel handle.
 *
 * @module
 */

import { INVALID_HANDLE_VALUE, WAIT_OBJECT_0 } from "./constants.ts";
import { ERROR_ACCESS_DENIED } from "./error_codes.ts";
import { windowsError } from "./errors.ts";
import { processes } from "./kernel32.ts";

/**
 * One open handle, closed exactly once.
 *
 * A handle's number is used again at once after it was closed, so closing twice
 * would close somebody else's: the owner forgets the number when it closes it.
 *
 * Page: "CloseHandle function".
 */
export class Handle implements Disposable {
  #value: bigint;

  /**
   * Takes a handle over.
   *
   * @param value The handle, which this object owns from now on.
   * @throws {TypeError} when it is none (0 or INVALID_HANDLE_VALUE).
   */
  constructor(value: bigint) {
    if (value === 0n || value === INVALID_HANDLE_VALUE) {
      throw new TypeError(`Invalid handle: ${value}`);
    }
    this.#value = value;
  }

  /**
   * The handle's number, for a native call.
   *
   * @throws {TypeError} when it has been closed.
   */
  get value(): bigint {
    if (this.#value === 0n) throw new TypeError("Cannot use a closed handle");
    return this.#value;
  }

  /** Whether it has been closed. */
  get closed(): boolean {
    return this.#value === 0n;
  }

  /** Closes the handle. Idempotent. */
  close(): void {
    const value = this.#value;
    if (value === 0n) return;
    this.#value = 0n;
    processes().CloseHandle(value);
  }

  /** Closes the handle. Idempotent. */
  [Symbol.dispose](): void {
    this.close();
  }
}

// Waiting for a process to end, and what it left.

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
