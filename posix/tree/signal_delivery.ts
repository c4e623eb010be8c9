/**
 * A soft signal that reaches every member of a tree: also those that are forked while
 * it is sent, and those that come afterwards, each of them once.
 *
 * A fork takes no pending signal with it. So a look and a signal to all that it has
 * shown miss what was forked in between; without this such a process, which does not
 * ignore the signal at all, would live until the grace is over.
 *
 * @module
 */

import type { NamedProcess, SoftSignal } from "../../backend/native.ts";
import type { Told, TreeOperations } from "./membership.ts";

// Looks in one go, and for how long. A tree that goes on forking is looked at again
// later.
const MOST_LOOKS = 20;
const MOST_MS = 50;

/** The process of a tree that is to hear of its end before the others. */
export interface MainProcess {
  readonly pid: number;
  /** Whether it has ended, after a look. */
  hasEnded(): boolean;
}

/** A soft signal to be sent. */
export interface SoftRequest {
  /** The signals, in order. */
  readonly signals: readonly number[];
  /** The name of the first, for the report. */
  readonly method: string;
  /** Whether those that come later are to get it, too. */
  readonly lasting: boolean;
  /** With `lasting`: the others are told when this one has ended. */
  readonly main?: MainProcess;
}

/**
 * Sends signals to every member of a tree.
 *
 * @param tree The tree, or `null` when it has no members any more.
 * @param request The signals.
 * @returns How many got it, and how to go on with those that come later.
 */
export function sendSoftly(
  tree: () => TreeOperations | null,
  { signals, method, lasting, main }: SoftRequest,
): SoftSignal {
  if (!lasting) {
    const sent = tree()?.signalAll(signals);
    return { count: sent?.count ?? 0, refused: sent?.refused ?? 0, method };
  }
  const told: Told = new Map();
  let waitsFor = main;
  // To the main process alone; `null` when it is the turn of all.
  const toMain = ({ pid, hasEnded }: MainProcess): SoftSignal | null => {
    let count = 0;
    if (!hasEnded()) {
      const before = told.size;
      count = tree()?.signalAll(signals, 0, told, pid).count ?? 0;
      // It has got it, now or before; one that may not be signalled is not waited for.
      if (count > 0 || told.size === before) {
        return { count, refused: 0, method, again, reached };
      }
    }
    return null;
  };
  const again = (): SoftSignal => {
    const sent = waitsFor === undefined ? null : toMain(waitsFor);
    if (sent !== null) return sent;
    waitsFor = undefined;
    const began = performance.now();
    let count = 0;
    let refused = 0;
    for (let round = 0; round < MOST_LOOKS; round++) {
      const before = told.size;
      const sent = tree()?.signalAll(signals, 0, told);
      count += sent?.count ?? 0;
      refused += sent?.refused ?? 0;
      if (told.size === before || performance.now() - began > MOST_MS) break;
    }
    return { count, refused, method, again, reached };
  };
  const reached = (): NamedProcess[] => {
    const list: NamedProcess[] = [];
    told.forEach(({ name, command }, pid) => {
      // A group that cannot be listed has no name.
      if (name !== "") list[list.length] = { pid, name, command };
    });
    return list;
  };
  return again();
}

/**
 * Several trees, each of which is told in its own order.
 *
 * @param parts What each was sent.
 * @param method The name of the signal, for the report.
 * @returns All of it together.
 */
export function jointSignal(
  parts: readonly SoftSignal[],
  method: string,
): SoftSignal {
  let count = 0;
  let refused = 0;
  parts.forEach((one) => {
    count += one.count;
    refused += one.refused ?? 0;
  });
  return {
    count,
    refused,
    method,
    again: () =>
      jointSignal(parts.map((one) => one.again?.() ?? NOTHING), method),
    reached: () => {
      let list: NamedProcess[] = [];
      parts.forEach((one) => list = list.concat(one.reached?.() ?? []));
      return list;
    },
  };
}

const NOTHING: SoftSignal = { count: 0, refused: 0, method: "" };
