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

/** A soft signal to be sent. */
export interface SoftRequest {
  /** The signals, in order. */
  readonly signals: readonly number[];
  /** The name of the first, for the report. */
  readonly method: string;
  /** Whether those that come later are to get it, too. */
  readonly lasting: boolean;
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
  { signals, method, lasting }: SoftRequest,
): SoftSignal {
  if (!lasting) {
    const sent = tree()?.signalAll(signals);
    return { count: sent?.count ?? 0, refused: sent?.refused ?? 0, method };
  }
  const told: Told = new Map();
  const again = (): SoftSignal => {
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
