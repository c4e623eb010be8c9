/**
 * Noticing that a child has nothing to say.
 *
 * @module
 */

import { Timer } from "./backend/timer.ts";

/**
 * Measures for how long output has been waited for in vain. It runs while a read
 * is pending and stands still otherwise: a reader that is slow, or gone, says
 * nothing about the child.
 */
export class IdleClock {
  readonly #ms: number;
  readonly #expired: () => void;
  #timer: Timer | null = null;
  #waiting = 0;
  // When the silence began.
  #since = 0;
  #stopped = false;

  /**
   * @param ms Milliseconds of silence.
   * @param expired Called once when they have passed.
   */
  constructor(ms: number, expired: () => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  /** A read has begun to wait. */
  waits(): void {
    if (this.#waiting++ === 0) this.#since = performance.now();
    if (this.#timer === null) this.#arm(this.#ms);
  }

  /** Bytes have come, or a stream has ended; `waited` when a read waited for it. */
  came(waited: boolean): void {
    if (waited) this.#waiting--;
    this.#since = performance.now();
  }

  // One timer for many pieces: when it fires it looks how long it has been.
  #arm(ms: number): void {
    if (this.#stopped) return;
    this.#timer = new Timer(ms, () => this.#look());
    // The child, or the pending read, is what holds the event loop.
    this.#timer.hold(false);
  }

  #look(): void {
    this.#timer = null;
    if (this.#waiting === 0) return;
    const rest = this.#since + this.#ms - performance.now();
    if (rest > 0) return this.#arm(rest);
    this.stop();
    this.#expired();
  }

  /** Ends it unfired: the child has exited, or is being stopped. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
    this.#timer = null;
  }
}
