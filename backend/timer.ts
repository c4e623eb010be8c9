/**
 * A timer for any duration: `setTimeout` takes at most 2^31 - 1 milliseconds.
 *
 * @module
 */

const MAX_TIMEOUT = 0x7fff_ffff;

/** A one-shot timer that may be longer than 24 days and can be unref'd. */
export class Timer {
  #id: ReturnType<typeof setTimeout> | undefined;
  #referenced = true;

  /**
   * @param ms Milliseconds; Infinity never fires.
   * @param fired Called once.
   */
  constructor(ms: number, fired: () => void) {
    if (ms < Infinity) this.#start(performance.now() + ms, fired);
  }

  // performance.now() is monotonic: setting the system's clock changes nothing.
  #start(deadline: number, fired: () => void): void {
    const remaining = deadline - performance.now();
    if (remaining > MAX_TIMEOUT) {
      this.#set(MAX_TIMEOUT, () => this.#start(deadline, fired));
    } else this.#set(Math.max(remaining, 0), fired);
  }

  #set(ms: number, fired: () => void): void {
    const id = setTimeout(() => {
      this.#id = undefined;
      fired();
    }, ms);
    this.#id = id;
    if (!this.#referenced) Deno.unrefTimer(id);
  }

  /** Whether it holds the event loop. */
  hold(referenced: boolean): void {
    this.#referenced = referenced;
    if (this.#id === undefined) return;
    if (referenced) Deno.refTimer(this.#id);
    else Deno.unrefTimer(this.#id);
  }

  /** Ends it unfired. Idempotent. */
  clear(): void {
    if (this.#id === undefined) return;
    clearTimeout(this.#id);
    this.#id = undefined;
  }
}
