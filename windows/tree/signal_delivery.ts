/**
 * The delivery of a signal to a started program and its tree. The soft form of a
 * signal is a console event, and for programs with windows the message that a click on
 * the closing cross sends.
 *
 * @module
 */

import type { HardKill, SoftSignal } from "../../backend/native.ts";
import {
  signalName,
  signalNumber,
  WINDOWS_SIGNALS,
} from "../../backend/signals.ts";
import {
  breakGroup,
  type ConsoleHelper,
  signalConsoleOf,
} from "../signal/console.ts";
import {
  CTRL_BREAK_EVENT,
  CTRL_C_EVENT,
  PROCESS_QUERY_INFORMATION,
  PROCESS_TERMINATE,
  SYNCHRONIZE,
  WM_CLOSE,
} from "../system/win32.ts";
import { terminateProcess } from "../system/handle.ts";
import type { JobObject } from "../system/job_object.ts";
import { windowing } from "../system/kernel32.ts";
import { openProcess, parentId } from "../system/process_table.ts";
import { type Leader, signalExitCode } from "../wait/leader.ts";
import { forEachMember, type JobTree } from "./job_tree.ts";

/** The target of signals. */
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

const TERMINATED = "TerminateJobObject";

/** How a signal to a tree is sent. */
export interface Sending {
  /** Whether a suspended tree is continued, so that it can hear. */
  readonly wake: boolean;
  /** Whether the leader has begun to run. */
  readonly askable: boolean;
  /** Whether only the leader's windows are closed, and the others' when it has ended. */
  readonly mainFirst: boolean;
}

/** Sends signals to one tree. */
export class SignalDelivery {
  readonly #target: SignalTarget;
  readonly #shells = new AskingShells();
  #asked: SoftRequest | null = null;
  #signal: Deno.Signal = "SIGTERM";

  /** @param target Their target. */
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
   * @param sending How.
   * @returns The report of the sending.
   */
  toTree(
    signal: Deno.Signal | number,
    { wake, askable, mainFirst }: Sending,
  ): SoftSignal {
    const name = nameOf(signal);
    const { leader, tree, group } = this.#target;
    const pids = this.#leaderFirst(tree.pids());
    const count = pids.length;
    if (name === null || count === 0) return { count, method: name ?? "0" };
    if (isSoft(name) && askable) {
      const alone = mainFirst && count > 1 && leader.poll() === null
        ? sendSoft(name, { pids: [pids[0] as number], group })
        : null;
      this.#asked = alone ?? sendSoft(name, { pids, group });
      this.#signal = name;
      // A console event has reached all that share the console.
      if (alone !== null && !alone.isEvent) {
        alone.again = () => this.#toOthers(alone);
      }
      if (this.#asked !== null) {
        leader.noteSoft(name);
        if (wake) { while (tree.suspended) tree.resume(); }
        return this.#asked;
      }
    }
    // No console and no window: there is nothing that could be asked.
    this.end(name);
    return { count, method: TERMINATED };
  }

  // The windows of the others, once the leader has ended.
  #toOthers(alone: SoftRequest): SoftSignal {
    const nothing = { count: 0, method: alone.method };
    const { leader, tree } = this.#target;
    if (leader.poll() === null) return nothing;
    alone.again = () => nothing;
    return byWindow(tree.pids()) ?? nothing;
  }

  /**
   * Looks after a soft signal as long as the tree lives: takes the
   * next means where it could not be sent, and answers interpreters that ask.
   */
  follow(): void {
    const asked = this.#asked;
    const { leader, tree, pid } = this.#target;
    if (asked === null || tree.job.handle.closed) return;
    asked.follow(() => this.#otherwise());
    if (!asked.isEvent || tree.suspended) return;
    const exitCode = signalExitCode(this.#signal);
    this.#shells.end(tree.job, exitCode, (shell) => {
      if (shell === pid) leader.noteEnded(this.#signal);
    });
  }

  #otherwise(): string {
    const sent = byWindow(this.#target.tree.pids());
    if (sent !== null) return sent.method;
    this.end(this.#signal);
    return TERMINATED;
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
   * @returns The number of processes ended, and the means.
   */
  end(signal: Deno.Signal): HardKill {
    this.#asked?.overtaken(TERMINATED);
    this.#asked = null;
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

// Command interpreters that wait for an answer. After CTRL_C or CTRL_BREAK,
// `cmd.exe` lets the command that a batch file runs end, and then asks on the
// console "Terminate batch job (Y/N)?". There is no reader of that question in a
// console without a window, so the answer is given here: an interpreter that has been
// asked to end and waits only for the answer is ended.

/** So long an interpreter has no child before it is taken to ask, in milliseconds. */
const ASKING_MS = 200;

/** The shortest time between two looks, in milliseconds. */
const LOOK_MS = 50;

/** The interpreters of one tree that has been sent a console event. */
export class AskingShells {
  // When each was first seen without a child.
  readonly #since = new Map<number, number>();
  #lookedAt = -Infinity;

  /**
   * Ends the interpreters that have had no child for a while.
   *
   * @param job The tree.
   * @param exitCode Their exit code.
   * @param ended Called with the id of one before it is ended.
   */
  end(job: JobObject, exitCode: number, ended: (pid: number) => void): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const shells: number[] = [];
    const parents: number[] = [];
    forEachMember(job, ({ pid, handle, image }) => {
      if (isCommandInterpreter(image)) shells[shells.length] = pid;
      parents[parents.length] = parentId(handle);
      return false;
    });
    for (let i = 0; i < shells.length; i++) {
      const pid = shells[i] as number;
      const since = this.#since.get(pid);
      if (parents.includes(pid)) this.#since.delete(pid);
      else if (since === undefined) this.#since.set(pid, now);
      else if (now - since >= ASKING_MS) {
        ended(pid);
        terminate(pid, job, exitCode);
      }
    }
  }
}

function isCommandInterpreter(image: string): boolean {
  return /\\(system32|syswow64)\\cmd\.exe$/i.test(image);
}

function terminate(pid: number, job: JobObject, exitCode: number): void {
  const process = openProcess(
    pid,
    PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | SYNCHRONIZE,
  );
  if (process === null) return;
  // The id may be another process's by now.
  if (job.contains(process)) terminateProcess(process, exitCode);
  process.close();
}

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
  /** Sends it to those that it has not been sent to on purpose. */
  again?: () => SoftSignal;
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
