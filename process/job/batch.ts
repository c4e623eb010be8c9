/**
 * A batch of commands in a job: so many at a time, each tried so many times, all of
 * them ended together.
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";
import type { Plan, Run } from "../run/run.ts";
import type { CommandOutput } from "../run/status.ts";
import {
  checkOptions,
  duration,
  type Known,
  shown,
  wholeNumber,
} from "../validate.ts";
import type { JobRun } from "./job_run.ts";
import { RESTART_DEFAULTS, RestartState } from "./restart.ts";

/**
 * Options of {@linkcode Job.batch}.
 *
 * @category Several commands
 */
export interface BatchOptions {
  /**
   * How many commands run at a time.
   *
   * @default {the number of processors}
   */
  concurrency?: number;
  /**
   * How often a command that has failed is started again.
   *
   * @default {0}
   */
  retries?: number;
  /**
   * Milliseconds before the first retry, less a random quarter; doubled from retry to
   * retry, up to 30 seconds.
   *
   * @default {250}
   */
  retryDelay?: number;
  /**
   * Called when a command has been started, is to be started again, or has ended. What
   * it throws is reported like an error of an event listener.
   *
   * @default {none}
   */
  onProgress?: (progress: BatchProgress) => void;
}

/**
 * How far a batch is.
 *
 * @category Several commands
 */
export interface BatchProgress {
  /** How many commands there are. */
  readonly total: number;
  /** How many have ended, well or badly. */
  readonly done: number;
  /** How many of them have failed, after their last try. */
  readonly failed: number;
  /** How many run now. */
  readonly running: number;
  /** How many tries were made again so far. */
  readonly retried: number;
  /** The place of the command that this is about, from 0. */
  readonly index: number;
}

/**
 * What one command of a batch came to.
 *
 * @category Several commands
 */
export interface BatchResult {
  /** Its place, from 0. */
  readonly index: number;
  /** Whether its last try has succeeded. */
  readonly success: boolean;
  /** How often it was started; 0 when the job had ended before its turn. */
  readonly attempts: number;
  /** The output of its last try; `null` when there is none. */
  readonly output: CommandOutput | null;
  /** What starting it, or collecting its output, has failed with; `null` otherwise. */
  readonly error: unknown;
}

/** The same, checked. */
export interface BatchControl {
  readonly concurrency: number;
  readonly retries: number;
  readonly retryDelay: number;
  readonly onProgress: ((progress: BatchProgress) => void) | null;
}

const BATCH_OPTIONS: Known<BatchOptions> = {
  concurrency: true,
  retries: true,
  retryDelay: true,
  onProgress: true,
};

const MOST = 2 ** 31 - 1;
const MAX_DELAY_MS = 30_000;

/**
 * Validates the options of a batch.
 *
 * @param options The options.
 * @returns What controls the batch.
 * @throws {TypeError} for anything of the wrong type.
 * @throws {RangeError} for a number out of range.
 */
export function toBatchControl(options: BatchOptions): BatchControl {
  checkOptions(options, "Job.batch()", BATCH_OPTIONS);
  const { concurrency, retries, onProgress } = options;
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(
      `Invalid onProgress: expected a function, got ${shown(onProgress)}`,
    );
  }
  return {
    concurrency: concurrency === undefined
      ? navigator.hardwareConcurrency
      : wholeNumber(concurrency, "concurrency", 1, MOST),
    retries: retries === undefined
      ? 0
      : wholeNumber(retries, "retries", 0, MOST),
    retryDelay: duration(
      options.retryDelay,
      "retryDelay",
      RESTART_DEFAULTS.delay,
    ),
    onProgress: onProgress ?? null,
  };
}

/** One batch. */
export class Batch {
  readonly #job: JobRun;
  readonly #plans: readonly Plan[];
  readonly #control: BatchControl;
  readonly #results: BatchResult[] = [];
  #next = 0;
  #done = 0;
  #failed = 0;
  #running = 0;
  #retried = 0;

  /**
   * @param job Where they run.
   * @param plans The commands, checked.
   * @param control How.
   */
  constructor(job: JobRun, plans: readonly Plan[], control: BatchControl) {
    this.#job = job;
    this.#plans = plans;
    this.#control = control;
    for (let index = 0; index < plans.length; index++) {
      this.#results[index] = {
        index,
        success: false,
        attempts: 0,
        output: null,
        error: null,
      };
    }
  }

  /**
   * Runs them.
   *
   * @returns What each came to, in their order.
   */
  async run(): Promise<BatchResult[]> {
    this.#job.batchBegins();
    try {
      const lanes: Promise<void>[] = [];
      const count = Math.min(this.#control.concurrency, this.#plans.length);
      for (let i = 0; i < count; i++) lanes[i] = this.#lane();
      for (let i = 0; i < count; i++) await lanes[i];
    } finally {
      this.#job.batchEnds(this.#next === this.#plans.length);
    }
    return this.#results;
  }

  // The commands one after the other: so many of these go on side by side.
  async #lane(): Promise<void> {
    while (this.#next < this.#plans.length && !this.#job.closed) {
      await this.#one(this.#next++);
    }
  }

  async #one(index: number): Promise<void> {
    const { retries, retryDelay } = this.#control;
    const state = new RestartState({
      ...RESTART_DEFAULTS,
      mode: "on-failure",
      limit: retries,
      window: Infinity,
      resetAfter: Infinity,
      delay: retryDelay,
      maxDelay: Math.max(retryDelay, MAX_DELAY_MS),
    });
    for (let attempts = 1;; attempts++) {
      const { run, output, error } = await this.#attempt(index);
      const success = output?.success === true;
      this.#results[index] = { index, success, attempts, output, error };
      const again = run !== null && !this.#job.closed
        ? state.ended(performance.now(), success)
        : { restart: false } as const;
      if (!again.restart) {
        this.#done++;
        if (!success) this.#failed++;
        this.#tell(index);
        this.#job.batchSettles(run, success);
        return;
      }
      this.#retried++;
      this.#tell(index);
      await this.#pause(again.delay);
      if (this.#job.closed) {
        this.#done++;
        this.#failed++;
        return this.#tell(index);
      }
    }
  }

  async #attempt(index: number): Promise<Attempt> {
    let run: Run | null = null;
    this.#running++;
    try {
      run = this.#job.start(this.#plans[index] as Plan, true);
      this.#tell(index);
      return { run, output: await run.output(), error: null };
    } catch (error) {
      return { run, output: null, error };
    } finally {
      this.#running--;
    }
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = new Timer(ms, resolve);
    const forget = this.#job.whenClosed(resolve);
    await promise;
    forget();
    timer.clear();
  }

  #tell(index: number): void {
    try {
      this.#control.onProgress?.({
        total: this.#plans.length,
        done: this.#done,
        failed: this.#failed,
        running: this.#running,
        retried: this.#retried,
        index,
      });
    } catch (error) {
      // A mistake of the hook leaves no command without its end.
      reportError(error);
    }
  }
}

interface Attempt {
  readonly run: Run | null;
  readonly output: CommandOutput | null;
  readonly error: unknown;
}
