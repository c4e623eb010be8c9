/**
 * The soft form of a signal: a console event, and for programs with windows the
 * message that a click on the closing cross sends.
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
import type { ConsoleHelper } from "./console_helper.ts";

/** The target of a soft signal. */
export interface SoftTarget {
  /** The members of the tree, the leader first. */
  readonly pids: readonly number[];
  /** The console group on our own console, or `null`: the tree has none there. */
  readonly group: number | null;
}

/** A soft signal on its way; {@linkcode SoftRequest.method} is corrected when it fails. */
export class SoftRequest implements SoftSignal {
  readonly count: number;
  #method: string;
  #helper: ConsoleHelper | null;

  /**
   * @param count How many processes it goes to.
   * @param method The means.
   * @param helper The process that sends it, or `null` when it has been sent.
   */
  constructor(
    count: number,
    method: string,
    helper: ConsoleHelper | null = null,
  ) {
    this.count = count;
    this.#method = method;
    this.#helper = helper;
  }

  get method(): string {
    return this.#method;
  }

  /** Whether it is a console event. */
  get isEvent(): boolean {
    return this.#method === "CTRL_C" || this.#method === "CTRL_BREAK";
  }

  /**
   * Looks whether the helper has sent it.
   *
   * @param otherwise Takes the next means, when the helper could not send it;
   * returns its name.
   */
  follow(otherwise: () => string): void {
    const sent = this.#helper === null ? true : this.#helper.sent();
    if (sent === null) return;
    this.#helper = null;
    if (!sent) this.#method = otherwise();
  }

  /**
   * The tree is being ended: a helper that has not sent it by now is stopped.
   *
   * @param method The means that ends the tree.
   */
  overtaken(method: string): void {
    this.follow(() => method);
    if (this.#helper === null) return;
    this.#helper.cancel();
    this.#helper = null;
    this.#method = method;
  }
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
 * @param target Its target.
 * @returns The means that was used, or `null` when there was none.
 */
export function sendSoft(
  signal: string,
  target: SoftTarget,
): SoftRequest | null {
  const { pids, group } = target;
  const count = pids.length;
  if (count === 0) return null;
  if (group !== null) {
    return breakGroup(group)
      ? new SoftRequest(count, "CTRL_BREAK")
      : byWindow(pids);
  }
  const breaks = signal === "SIGBREAK" || signal === "SIGQUIT";
  const event = breaks ? CTRL_BREAK_EVENT : CTRL_C_EVENT;
  const sent = signalConsoleOf(pids, event);
  if (sent === false) return byWindow(pids);
  const helper = sent === true ? null : sent;
  return new SoftRequest(count, breaks ? "CTRL_BREAK" : "CTRL_C", helper);
}

/**
 * Asks programs with windows to close.
 *
 * @param pids The processes.
 * @returns The means that was used, or `null` when they have no window.
 */
export function byWindow(pids: readonly number[]): SoftRequest | null {
  const count = closeWindows(pids);
  return count === 0 ? null : new SoftRequest(count, "WM_CLOSE");
}

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
