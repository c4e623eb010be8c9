/**
 * Which way a signal that can be handled goes to a tree.
 *
 * @module
 */

import type { SoftSignal } from "../../backend/native.ts";
import {
  CTRL_BREAK_EVENT,
  CTRL_C_EVENT,
  WM_CLOSE,
} from "../system/constants.ts";
import { windowing } from "../system/kernel32.ts";
import { breakGroup, signalConsoleOf } from "./console.ts";

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

// Asking programs with windows to end.
//
// Pages: "FindWindowExW function", "PostMessageW function", "WM_CLOSE message".

// Windows may change their order while they are gone through.
const MOST = 10_000;

/**
 * Posts WM_CLOSE to the visible top-level windows of processes.
 *
 * @param pids The processes.
 * @returns How many windows there were.
 */
export function closeWindows(pids: readonly number[]): number {
  const k = windowing();
  const owner = new Uint32Array(new ArrayBuffer(4));
  let count = 0;
  let window = 0n;
  for (let i = 0; i < MOST; i++) {
    window = k.FindWindowExW(0n, window, null, null);
    if (window === 0n) break;
    k.GetWindowThreadProcessId(window, owner);
    if (!pids.includes(owner[0] as number)) continue;
    if (k.IsWindowVisible(window) === 0) continue;
    k.PostMessageW(window, WM_CLOSE, 0n, 0n);
    count++;
  }
  return count;
}
