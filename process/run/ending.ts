/**
 * How a run ends by its caller's will: a timeout, an abort signal, and stops, of
 * which one at a time is under way. A single run and a job end in the same way.
 *
 * @module
 */

import type { NativeTree } from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import { checkOptions } from "../options/shape.ts";
import { duration, stopSignal } from "../validate.ts";
import type { StopReport } from "../../backend/native.ts";
import {
  runStop,
  STOP_OPTIONS,
  type StopOptions,
  type StopState,
} from "./stop.ts";

/** The default grace, in milliseconds. */
export const DEFAULT_GRACE = 5000;

/** When and how a tree is to be ended. */
export interface EndingControl {
  /** Milliseconds from the start, or Infinity. */
  readonly timeout: number;
  /** Milliseconds between the soft signal and the hard kill. */
  readonly grace: number;
  /** The soft signal. */
  readonly stopSignal: Deno.Signal;
  /** Ends the tree when it is aborted, or `null`. */
  readonly abortSignal: AbortSignal | null;
}

/** The run, or the job, that an {@linkcode Ending} ends. */
export interface Ended {
  /** The program or programs, for messages. */
  readonly name: string;
  /** Looks whether all leaders have exited; an exit is reported before it returns. */
  hasEnded(): boolean;
  /**
   * A stop begins: no exit is reported until it is over.
   *
   * @returns Whether the tree has been killed just now, so that the stop first
   * waits for the effect of that.
   */
  stopBegins(): boolean;
  /** The stop is over, with an error or `null`. */
  stopEnds(error: unknown): void;
}

/** The timeout, the abort signal and the stops of one tree. */
export class Ending {
  readonly #tree: NativeTree;
  readonly #control: EndingControl;
  readonly #subject: Ended;
  readonly #state: StopState = { deadline: 0, watch: null };
  #running: Promise<StopReport> | null = null;
  #timer: Timer | null = null;
  #armed = true;
  readonly #onAbort = (): void => {
    this.aborted = true;
    this.inBackground();
  };

  /** Whether the time was up. */
  timedOut = false;
  /** Whether the abort signal fired. */
  aborted = false;
  /** The report of the first stop that succeeded, or `null`. */
  report: StopReport | null = null;
  /** The error of the latest stop, or `null`. */
  error: unknown = null;

  /**
   * @param tree The tree.
   * @param control When and how to end it.
   * @param subject Told when a stop begins and ends.
   */
  constructor(tree: NativeTree, control: EndingControl, subject: Ended) {
    this.#tree = tree;
    this.#control = control;
    this.#subject = subject;
  }

  /** From now on the time runs. It holds the event loop. */
  startTimer(): void {
    this.#timer = new Timer(this.#control.timeout, () => {
      // This process may have been stopped or busy: what ended meanwhile, ended in
      // time as far as can be known.
      if (!this.#subject.hasEnded() && this.#armed) this.timeIsUp();
    });
  }

  /** From now on the abort signal is obeyed. An aborted one is obeyed at once. */
  listen(): void {
    const signal = this.#control.abortSignal;
    if (signal?.aborted) this.#onAbort();
    else if (this.#armed) {
      signal?.addEventListener("abort", this.#onAbort, { once: true });
    }
  }

  /** Whether a timeout or an abort signal may still end the tree. */
  get pending(): boolean {
    const { timeout, abortSignal } = this.#control;
    return this.#armed && (timeout < Infinity || abortSignal !== null);
  }

  /** Whether the timer holds the event loop. */
  hold(referenced: boolean): void {
    this.#timer?.hold(referenced);
  }

  /** Timeout and abort signal have nothing to end any more. Idempotent. */
  disarm(): void {
    if (!this.#armed) return;
    this.#armed = false;
    this.#timer?.clear();
    this.#control.abortSignal?.removeEventListener("abort", this.#onAbort);
  }

  /**
   * A timeout has passed: stops the tree.
   *
   * @param grace Milliseconds until the hard kill; the control's by default.
   */
  timeIsUp(grace?: number): void {
    this.timedOut = true;
    this.inBackground(grace);
  }

  /**
   * Stops the tree as a caller asks.
   *
   * @param options Signal and grace; by default the control's.
   * @returns What the stop did.
   * @throws {SurvivorsError} when something could not be ended.
   */
  async stop(options: StopOptions): Promise<StopReport> {
    checkOptions(options, "stop()", STOP_OPTIONS);
    const grace = duration(options.grace, "grace", this.#control.grace);
    const signal = stopSignal(options.signal, this.#control.stopSignal);
    return await this.#join(signal, grace);
  }

  /**
   * Stops the tree; a failure is kept in {@linkcode Ending.error}.
   *
   * @param grace Milliseconds until the hard kill; the control's by default.
   */
  async inBackground(grace: number = this.#control.grace): Promise<void> {
    try {
      await this.#join(this.#control.stopSignal, grace);
    } catch {
      // Kept for the caller that waits for the outcome.
    }
  }

  /** Waits until no stop is under way, whatever its outcome. */
  async over(): Promise<void> {
    try {
      await this.#running;
    } catch {
      // The caller that asked for the stop has the error.
    }
  }

  // Begins a stop, or joins the one under way and may cut its grace short.
  async #join(signal: Deno.Signal, grace: number): Promise<StopReport> {
    const deadline = performance.now() + grace;
    if (this.#running === null) {
      this.#state.deadline = deadline;
      this.#running = this.#run(signal, grace);
    } else if (deadline < this.#state.deadline) {
      this.#state.deadline = deadline;
      this.#state.watch?.cancel();
    }
    return await this.#running;
  }

  async #run(signal: Deno.Signal, grace: number): Promise<StopReport> {
    let failure: unknown = null;
    try {
      const killed = this.#subject.stopBegins();
      const request = { command: this.#subject.name, signal, grace, killed };
      const report = await runStop(this.#tree, request, this.#state);
      this.report ??= report;
      return report;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      this.error = failure;
      this.#subject.stopEnds(failure);
      this.#running = null;
    }
  }
}
