/**
 * A process group where there is no process table to look at: Linux without a
 * usable `/proc`. Its members cannot be listed, but signalled all at once.
 *
 * @module
 */

import type { HardKill } from "../../backend/native.ts";
import { ESRCH } from "../system/errno.ts";
import { errno, libcWait } from "../system/libc.ts";
import type { ProcStat } from "../system/proc_files.ts";
import type { Signalled, Told, TreeOperations } from "./membership.ts";

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

  someMembers(): ProcStat[] {
    return [];
  }

  /** Nothing can be counted. */
  hasMoreThan(): boolean {
    return false;
  }

  /** Right only after the leader was reaped: a zombie answers as well. */
  isEmpty(): boolean {
    return this.#send(0) === ESRCH;
  }

  signal(_pid: number, signal: number): number {
    return this.#send(signal);
  }

  signalAll(
    signals: readonly number[],
    _except?: number,
    told?: Told,
  ): Signalled {
    let count = 0;
    // Its members cannot be told apart: all of them got the signal the first time.
    if (told?.has(this.#pgid)) return { count, refused: 0 };
    told?.set(this.#pgid, {
      startTicks: 0,
      name: "",
      command: "",
      young: false,
    });
    for (let i = 0; i < signals.length; i++) {
      if (this.#send(signals[i] as number) === 0) count = 1;
    }
    return { count, refused: 0 };
  }

  stopAll(stop: number): void {
    this.#send(stop);
  }

  kill(_stop: number, kill: number): HardKill {
    return { count: this.#send(kill) === 0 ? 1 : 0, refused: [] };
  }
}

/** Several of them. */
export class BlindGroups implements TreeOperations {
  /** The groups; each ours as long as it is in here. */
  groups: BlindGroup[] = [];

  members(): ProcStat[] {
    return [];
  }

  someMembers(): ProcStat[] {
    return [];
  }

  hasMoreThan(): boolean {
    return false;
  }

  isEmpty(): boolean {
    return this.groups.every((group) => group.isEmpty());
  }

  signal(pid: number, signal: number): number {
    let error = ESRCH;
    this.groups.forEach((group) => {
      if (group.signal(pid, signal) === 0) error = 0;
    });
    return error;
  }

  signalAll(
    signals: readonly number[],
    except?: number,
    told?: Told,
  ): Signalled {
    let count = 0;
    this.groups.forEach((group) =>
      count += group.signalAll(signals, except, told).count
    );
    return { count, refused: 0 };
  }

  stopAll(stop: number): void {
    this.groups.forEach((group) => group.stopAll(stop));
  }

  kill(stop: number, kill: number): HardKill {
    let count = 0;
    // All stand still before the first one ends: see ProcessTree.
    this.stopAll(stop);
    this.groups.forEach((group) => count += group.kill(stop, kill).count);
    return { count, refused: [] };
  }
}
