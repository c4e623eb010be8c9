/**
 * The owner of a kernel handle, waiting for handles, and the list of handles that the
 * Microsoft C runtime inherits.
 *
 * @module
 */

import { INVALID_HANDLE_VALUE, WAIT_OBJECT_0 } from "./win32.ts";
import { ERROR_ACCESS_DENIED, windowsError } from "./errors.ts";
import { processes } from "./kernel32.ts";
import { closeAtThreadEnd, keepOpen, NO_SLOT } from "./isolate_end.ts";

/**
 * One open handle, closed exactly once.
 *
 * A handle's number is used again at once after it was closed, so closing twice
 * would close another one: the owner forgets the number when it closes it.
 *
 * Page: "CloseHandle function".
 *
 * @category Windows
 */
export class Handle implements Disposable {
  #value: bigint;
  #slot = NO_SLOT;

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

  /**
   * Has the handle closed when the thread of this worker ends, if it is still
   * open then. Without effect on the main thread.
   *
   * @returns This handle.
   */
  closeAtThreadEnd(): this {
    if (this.#slot === NO_SLOT) this.#slot = closeAtThreadEnd(this.value);
    return this;
  }

  /** Closes the handle. Idempotent. */
  close(): void {
    const value = this.#value;
    if (value === 0n) return;
    this.#value = 0n;
    keepOpen(this.#slot);
    this.#slot = NO_SLOT;
    processes().CloseHandle(value);
  }

  /** Closes the handle. Idempotent. */
  [Symbol.dispose](): void {
    this.close();
  }
}

// Waiting for a process to end, and its exit code.

// The longest time that the end of a process may take once it has begun.
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
 * @category Windows
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
 * @category Windows
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
 * @category Windows
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
 * @category Windows
 */
export function resumeThread(thread: Handle): number {
  const k = processes();
  const count = k.ResumeThread(thread.value);
  const code = count === 0xFFFFFFFF ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "ResumeThread");
  return count;
}

// The numbers under which a child that uses Microsoft's C runtime knows the
// handles it inherits: Node, Python, Cygwin's programs and most others written in
// C read them from `lpReserved2` of their startup information, as `_spawn` and
// libuv write it. Programs that do not, ignore it.
//
// The layout: a count of 4 bytes, one byte of flags for each descriptor, then the
// handles, 8 bytes each and unaligned.
//
// Pure: no FFI.

/** The entry is in use. */
export const FOPEN = 0x01;

/** It is a pipe or a socket. */
export const FPIPE = 0x08;

/** Writes go to the end. */
export const FAPPEND = 0x20;

/** It is a character device, as the null device is. */
export const FDEV = 0x40;

/** The highest number: msvcrt has 2048 descriptors, and `cbReserved2` 16 bits. */
export const LARGEST_DESCRIPTOR = 2047;

/**
 * One descriptor.
 *
 * @category Windows
 */
export interface RuntimeDescriptor {
  /** Its number. */
  readonly target: number;
  /** Its handle. */
  readonly handle: bigint;
  /** Its flags. */
  readonly flags: number;
}

/**
 * Writes the block. Numbers that are not given, 0 to 2 among them, are left open:
 * the runtime takes its standard streams from the startup information then.
 *
 * @param descriptors The descriptors, each with a number up to {@linkcode LARGEST_DESCRIPTOR}.
 * @returns The block that `lpReserved2` points to; empty when there are none.
 */
export function runtimeDescriptors(
  descriptors: readonly RuntimeDescriptor[],
): Uint8Array<ArrayBuffer> {
  let count = 0;
  for (let i = 0; i < descriptors.length; i++) {
    const { target } = descriptors[i] as RuntimeDescriptor;
    count = Math.max(count, target + 1);
  }
  if (count === 0) return new Uint8Array(new ArrayBuffer(0));
  const block = new Uint8Array(new ArrayBuffer(4 + count * 9));
  const view = new DataView(block.buffer);
  view.setInt32(0, count, true);
  // INVALID_HANDLE_VALUE
  block.fill(0xff, 4 + count);
  for (let i = 0; i < descriptors.length; i++) {
    const { target, handle, flags } = descriptors[i] as RuntimeDescriptor;
    block[4 + target] = flags;
    view.setBigUint64(4 + count + target * 8, handle, true);
  }
  return block;
}
