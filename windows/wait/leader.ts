/**
 * The leader of a tree: its exit, which is seen once, and the meaning of its exit code.
 *
 * @module
 */

import type { ExitStatus } from "../../backend/native.ts";
import { WINDOWS_SIGNALS } from "../../backend/signals.ts";
import {
  getExitCodeProcess,
  type Handle,
  terminateProcess,
  waitForSingleObject,
} from "../system/handle.ts";

/** The leader. Its open handle keeps its id from being used again. */
export class Leader {
  readonly #process: Handle;
  readonly #exited: () => void;
  #status: ExitStatus | null = null;
  readonly #ended: Deno.Signal[] = [];
  #softSignal: Deno.Signal | null = null;

  /**
   * @param process The process; owned from now on.
   * @param exited Called once, when the exit has been seen.
   */
  constructor(process: Handle, exited: () => void) {
    this.#process = process.closeAtThreadEnd();
    this.#exited = exited;
  }

  /** The exit, if it has been seen. */
  get status(): ExitStatus | null {
    return this.#status;
  }

  /** The process. */
  get process(): Handle {
    return this.#process;
  }

  /** Whether it has ended; no receiver is told. */
  get ended(): boolean {
    return this.#process.closed || waitForSingleObject(this.#process, 0);
  }

  /** Looks once. The handle is the truth; messages and exit code 259 are not. */
  poll(): ExitStatus | null {
    if (this.#status !== null || this.#process.closed) return this.#status;
    if (!this.ended) return null;
    this.#status = exitStatus(getExitCodeProcess(this.#process), {
      ended: this.#ended,
      softSignal: this.#softSignal,
    });
    this.#exited();
    return this.#status;
  }

  /**
   * Notes that it is being ended by us, for its status; a leader that ended
   * before keeps its own.
   *
   * @param signal The signal this stands for.
   */
  noteEnded(signal: Deno.Signal): void {
    if (this.poll() === null) this.#ended.push(signal);
  }

  /** Notes that a console event was sent that stands for `signal`. */
  noteSoft(signal: Deno.Signal): void {
    this.#softSignal = signal;
  }

  /**
   * Ends it.
   *
   * @param signal The signal this stands for; it gets its exit code.
   * @returns False when it had already ended.
   */
  terminate(signal: Deno.Signal): boolean {
    if (this.poll() !== null) return false;
    this.noteEnded(signal);
    return terminateProcess(this.#process, signalExitCode(signal));
  }

  /** Gives up the process. Idempotent. */
  close(): void {
    this.#process.close();
  }
}

// The meaning of an exit code.
//
// Windows has 32-bit exit codes and no death by a signal. A process that this library
// ends gets 128 + n, and the default handler of a console event leaves
// STATUS_CONTROL_C_EXIT; both become a signal only when this library sent it.
//
// Pages: "GetExitCodeProcess function", "TerminateJobObject function",
// "SetConsoleCtrlHandler function".

/** The exit code of the default handlers of CTRL_C and CTRL_BREAK. */
export const STATUS_CONTROL_C_EXIT = 0xC000013A;

/** Our actions on a process before it ended. */
export interface Deeds {
  /** The signals that our terminating it stood for: the first to arrive leaves its code. */
  readonly ended: readonly Deno.Signal[];
  /** The signal that the console event we sent stands for, or `null`. */
  readonly softSignal: Deno.Signal | null;
}

/**
 * The exit code that stands for a signal, on every operating system.
 *
 * @param signal The signal.
 * @returns 128 and its number.
 */
export function signalExitCode(signal: Deno.Signal): number {
  return 128 + (WINDOWS_SIGNALS[signal] ?? 0);
}

/**
 * The status that an exit code stands for.
 *
 * @param raw The code as `GetExitCodeProcess` gives it, unsigned.
 * @param deeds Our actions on the process.
 * @returns The status; `code` is signed, as `Deno.Command` reports it.
 */
export function exitStatus(raw: number, deeds: Deeds): ExitStatus {
  const { ended, softSignal } = deeds;
  for (let i = 0; i < ended.length; i++) {
    const signal = ended[i] as Deno.Signal;
    if (raw === signalExitCode(signal)) {
      return { code: raw, signal, lost: false };
    }
  }
  if (softSignal !== null && raw === STATUS_CONTROL_C_EXIT) {
    const code = signalExitCode(softSignal);
    return { code, signal: softSignal, lost: false };
  }
  return { code: raw | 0, signal: null, lost: false };
}
