/**
 * What a signal does to a started program and its tree.
 *
 * @module
 */

import type { HardKill, SoftSignal } from "../../backend/native.ts";
import {
  signalName,
  signalNumber,
  WINDOWS_SIGNALS,
} from "../../backend/signals.ts";
import type { JobTree } from "./job_tree.ts";
import type { Leader } from "../wait/leader.ts";
import { isSoft, sendSoft } from "../signal/console.ts";

/** Whom signals go to. */
export interface SignalTarget {
  /** The process id of the leader. */
  readonly pid: number;
  /** The leader. */
  readonly leader: Leader;
  /** The tree. */
  readonly tree: JobTree;
  /** The console group on our own console, or `null`: the tree has none there. */
  readonly group: number | null;
}

/** Sends signals to one tree. */
export class SignalDelivery {
  readonly #target: SignalTarget;

  /** @param target Whom they go to. */
  constructor(target: SignalTarget) {
    this.#target = target;
  }

  /**
   * Ends the leader alone; its tree lives on.
   *
   * @param signal The signal; 0 only looks.
   * @returns Whether the leader lived.
   */
  toLeader(signal: Deno.Signal | number): boolean {
    const name = nameOf(signal);
    const { leader } = this.#target;
    return name === null ? leader.poll() === null : leader.terminate(name);
  }

  /**
   * Asks the tree to end, or ends it.
   *
   * @param signal The signal; 0 only looks.
   * @param wake Whether a suspended tree is continued, so that it can hear.
   * @param askable Whether the leader has begun to run.
   * @returns What was sent.
   */
  toTree(
    signal: Deno.Signal | number,
    wake: boolean,
    askable: boolean,
  ): SoftSignal {
    const name = nameOf(signal);
    const { leader, tree, group } = this.#target;
    const pids = this.#leaderFirst(tree.pids());
    const count = pids.length;
    if (name === null || count === 0) return { count, method: name ?? "0" };
    if (isSoft(name) && askable) {
      const sent = sendSoft(name, { pids, group });
      if (sent !== null) {
        leader.noteSoft(name);
        if (wake) { while (tree.suspended) tree.resume(); }
        return sent;
      }
    }
    // No console and no window: there is nothing that could be asked.
    this.end(name);
    return { count, method: "TerminateJobObject" };
  }

  #leaderFirst(pids: number[]): number[] {
    const { pid } = this.#target;
    const index = pids.indexOf(pid);
    if (index > 0) {
      pids[index] = pids[0] as number;
      pids[0] = pid;
    }
    return pids;
  }

  /**
   * Ends the whole tree at once.
   *
   * @param signal The signal this stands for.
   * @returns Whom it ended.
   */
  end(signal: Deno.Signal): HardKill {
    this.#target.leader.noteEnded(signal);
    return this.#target.tree.kill(signal);
  }
}

/** The canonical name of a signal; `null` for 0, which only looks. */
function nameOf(signal: Deno.Signal | number): Deno.Signal | null {
  const number = signalNumber(WINDOWS_SIGNALS, signal);
  if (number === 0) return null;
  const name = signalName(WINDOWS_SIGNALS, number);
  if (name !== null) return name;
  throw new TypeError(`Invalid signal: Windows has no signal ${number}`);
}
