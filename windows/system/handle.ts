/**
 * The owner of a kernel handle.
 *
 * @module
 */

import { INVALID_HANDLE_VALUE } from "./constants.ts";
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
