/**
 * Waiting for a job to become empty, asynchronously.
 *
 * @module
 */

import type { TreeWatch } from "../../backend/backend.ts";
import { Timer } from "../../backend/timer.ts";
import { completionPort, type Poller } from "../wait/completion_port.ts";

/** One wait. While it is pending it stands in the tree's list. */
export class EmptinessWait implements TreeWatch, Poller {
  readonly #list: EmptinessWait[];
  readonly #isEmpty: () => boolean;
  #resolve: ((empty: boolean) => void) | null = null;
  #timer: Timer | null = null;

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
    completionPort().watch(this);
    if (ms < Infinity) {
      this.#timer = new Timer(ms, () => this.settle(this.#isEmpty()));
    }
    return await promise;
  }

  /** Looks at the truth. */
  poll(): void {
    if (this.#resolve !== null && this.#isEmpty()) this.settle(true);
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
    this.#timer?.clear();
    const index = this.#list.indexOf(this);
    if (index >= 0) this.#list.splice(index, 1);
    completionPort().unwatch(this);
    completionPort().release();
    resolve(empty);
  }
}
