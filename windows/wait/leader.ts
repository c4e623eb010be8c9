/**
 * The process a tree began with: its exit, seen once.
 *
 * @module
 */

import type { ExitStatus } from "../../backend/native.ts";
import { exitStatus, signalExitCode } from "./status.ts";
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
    this.#process = process;
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

  /** Whether it has ended; tells nobody. */
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
