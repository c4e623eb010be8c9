/**
 * A wait for a tree that no job holds: nothing tells of its end, and a waiting
 * call would take a thread of the pool, so it is looked at again and again.
 *
 * @module
 */

import type { TreeWatch } from "../backend/backend.ts";

const FIRST_MS = 2;
const LONGEST_MS = 50;

/** Looks at once, then ever less often. */
export class PollingWatch implements TreeWatch {
  readonly #isEmpty: () => boolean;
  #cancelled = false;
  #wake: (() => void) | null = null;

  /** @param isEmpty Whether it is over. */
  constructor(isEmpty: () => boolean) {
    this.#isEmpty = isEmpty;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }

  async wait(ms: number): Promise<boolean> {
    const deadline = performance.now() + ms;
    this.#cancelled = false;
    for (let pause = FIRST_MS;; pause = Math.min(pause * 2, LONGEST_MS)) {
      if (this.#isEmpty()) return true;
      const left = deadline - performance.now();
      if (this.#cancelled || left <= 0) return false;
      await this.#sleep(Math.min(pause, left));
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
