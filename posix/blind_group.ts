/**
 * A process group where there is no process table to look at: Linux without a
 * usable `/proc`. Its members cannot be listed, but signalled all at once.
 *
 * @module
 */

import type { HardKill } from "../backend.ts";
import { ESRCH } from "./errno.ts";
import { errno, libcWait } from "./libc.ts";
import type { ProcStat } from "./proc_stat.ts";
import type { TreeOperations } from "./tree.ts";

/** The group that a leader leads. */
export class BlindGroup implements TreeOperations {
  readonly #pgid: number;

  /** @param pgid The group; greater than 1, and ours as long as this object is used. */
  constructor(pgid: number) {
    this.#pgid = pgid;
  }

  #send(signal: number): number {
    if (this.#pgid <= 1) return ESRCH;
    return libcWait().killpg(this.#pgid, signal) === 0 ? 0 : errno();
  }

  members(): ProcStat[] {
    return [];
  }

  /** Right only after the leader was reaped: a zombie answers as well. */
  /** Nothing can be counted. */
  hasMoreThan(): boolean {
    return false;
  }

  isEmpty(): boolean {
    return this.#send(0) === ESRCH;
  }

  signal(_pid: number, signal: number): number {
    return this.#send(signal);
  }

  signalAll(signals: readonly number[]): number {
    let sent = 0;
    for (let i = 0; i < signals.length; i++) {
      if (this.#send(signals[i] as number) === 0) sent = 1;
    }
    return sent;
  }

  kill(_stop: number, kill: number): HardKill {
    return { count: this.#send(kill) === 0 ? 1 : 0, refused: [] };
  }
}
