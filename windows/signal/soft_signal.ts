/**
 * Which way a signal that can be handled goes to a tree.
 *
 * @module
 */

import type { SoftSignal } from "../../backend/backend.ts";
import { closeWindows } from "../close_windows.ts";
import { breakGroup, signalConsoleOf } from "./console.ts";
import { CTRL_BREAK_EVENT, CTRL_C_EVENT } from "../system/constants.ts";

/** Whom it goes to. */
export interface SoftTarget {
  /** The members of the tree, the leader first. */
  readonly pids: readonly number[];
  /** The console group on our own console, or `null`: the tree has none there. */
  readonly group: number | null;
}

/**
 * Whether a signal has a soft form on Windows. SIGBREAK and SIGQUIT become
 * CTRL_BREAK, on which a Java program prints its threads as it does for SIGQUIT.
 *
 * @param signal The signal.
 * @returns False for those that end a process at once.
 */
export function isSoft(signal: string): boolean {
  return signal === "SIGTERM" || signal === "SIGINT" || signal === "SIGHUP" ||
    signal === "SIGBREAK" || signal === "SIGQUIT";
}

/**
 * Sends the soft form of a signal.
 *
 * @param signal The signal.
 * @param target Whom it goes to.
 * @returns What was used, or `null` when there was no way.
 */
export function sendSoft(
  signal: string,
  target: SoftTarget,
): SoftSignal | null {
  const { pids, group } = target;
  const count = pids.length;
  if (count === 0) return null;
  if (group !== null) {
    return breakGroup(group) ? { count, method: "CTRL_BREAK" } : byWindow(pids);
  }
  const breaks = signal === "SIGBREAK" || signal === "SIGQUIT";
  const event = breaks ? CTRL_BREAK_EVENT : CTRL_C_EVENT;
  if (signalConsoleOf(pids, event)) {
    return { count, method: breaks ? "CTRL_BREAK" : "CTRL_C" };
  }
  return byWindow(pids);
}

function byWindow(pids: readonly number[]): SoftSignal | null {
  const count = closeWindows(pids);
  return count === 0 ? null : { count, method: "WM_CLOSE" };
}
