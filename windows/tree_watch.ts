/**
 * Waiting for a job to become empty, asynchronously.
 *
 * @module
 */

import type { TreeWatch } from "../backend.ts";
import { completionPort } from "./completion_port.ts";

const LONGEST_TIMER = 0x7FFF_FFFF;

/** One wait. While it is pending it stands in the tree's list. */
export class EmptinessWait implements TreeWatch {
  readonly #list: EmptinessWait[];
  readonly #isEmpty: () => boolean;
  #resolve: ((empty: boolean) => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param list The tree's pending waits.
   * @param isEmpty Prepares for messages, then looks.
   */
  constructor(list: EmptinessWait[], isEmpty: () => boolean) {
    this.#list = list;
    this.#isEmpty = isEmpty;
  }

  /** See {@linkcode TreeWatch.wait}. */
  async wait(ms: number): Promise<boolean> {
    if (this.#isEmpty()) return true;
    if (ms <= 0) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#resolve = resolve;
    this.#list.push(this);
    completionPort().hold();
    if (ms <= LONGEST_TIMER) {
      this.#timer = setTimeout(() => this.settle(this.#isEmpty()), ms);
    }
    return await promise;
  }

  /** See {@linkcode TreeWatch.cancel}. */
  cancel(): void {
    this.settle(false);
  }

  /** Ends the wait, if one is pending. */
  settle(empty: boolean): void {
    const resolve = this.#resolve;
    if (resolve === null) return;
    this.#resolve = null;
    clearTimeout(this.#timer);
    const index = this.#list.indexOf(this);
    if (index >= 0) this.#list.splice(index, 1);
    completionPort().release();
    resolve(empty);
  }
}
