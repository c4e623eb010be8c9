/**
 * Time that stands still while this program is suspended (Ctrl-Z).
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";

/** A one-shot timer that can be held. */
export class PausableTimer {
  readonly #fired: () => void;
  #timer: Timer;
  #left: number;
  #since = performance.now();
  #held = false;
  #over = false;

  /**
   * @param ms Milliseconds; Infinity never fires.
   * @param fired Called once.
   */
  constructor(ms: number, fired: () => void) {
    this.#left = ms;
    this.#fired = fired;
    this.#timer = this.#start();
  }

  #start(): Timer {
    return new Timer(this.#left, () => {
      this.#over = true;
      this.#fired();
    });
  }

  /** Stands still. Idempotent. */
  pause(): void {
    if (this.#held || this.#over) return;
    this.#held = true;
    this.#timer.clear();
    this.#left = Math.max(0, this.#left - (performance.now() - this.#since));
  }

  /** Goes on with the time that was left. Idempotent. */
  resume(): void {
    if (!this.#held || this.#over) return;
    this.#held = false;
    this.#since = performance.now();
    this.#timer = this.#start();
  }

  /** Ends it unfired. Idempotent. */
  clear(): void {
    this.#over = true;
    this.#timer.clear();
  }
}

/**
 * Stops this process as Ctrl-Z does, until the shell continues it.
 *
 * The signal is SIGTTOU, which is never listened to here: SIGTSTP has a listener,
 * and SIGSTOP would also stop a process whose group has no shell that could
 * continue it. The kernel gives the signal to the calling thread first, so that
 * the call returns when the process has been continued.
 */
export function stopSelf(): void {
  Deno.kill(Deno.pid, "SIGTTOU");
}
