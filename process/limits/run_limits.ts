/**
 * The limits of one run, put into force: the watch on the tree, the limit of
 * time, the limit of output, and which of them was passed.
 *
 * @module
 */

import {
  backend,
  type ByteSource,
  type ExitStatus,
  type NativeProcess,
} from "../../backend/backend.ts";
import { LimitWatch } from "./limit_watch.ts";
import {
  type LimitName,
  limitOfEnd,
  type LimitReport,
  limitReports,
  type Limits,
  needsWatch,
} from "./limits.ts";
import { BudgetedSource, OutputBudget } from "../../output_budget.ts";
import { Timer } from "../../backend/timer.ts";

/** Limits in force on a running child. */
export class RunLimits {
  readonly #native: NativeProcess;
  readonly #limits: Limits;
  readonly #endTree: () => void;
  readonly #watch: LimitWatch | null;
  readonly #wallTime: Timer;
  readonly #budget: OutputBudget | null;
  #passed: LimitName | null = null;

  /**
   * @param native The child.
   * @param limits Its limits.
   * @param endTree Ends the tree hard.
   */
  constructor(native: NativeProcess, limits: Limits, endTree: () => void) {
    this.#native = native;
    this.#limits = limits;
    this.#endTree = endTree;
    this.#watch = needsWatch(limits)
      ? new LimitWatch(native, limits, (limit) => this.#pass(limit))
      : null;
    this.#wallTime = new Timer(
      limits.wallTime ?? Infinity,
      () => this.#pass("wallTime"),
    );
    this.#budget = limits.output === undefined
      ? null
      : new OutputBudget(limits.output, () => this.#pass("output"));
  }

  #pass(limit: LimitName): void {
    this.#passed ??= limit;
    this.#endTree();
  }

  /** What is in force. */
  reports(): LimitReport[] {
    return limitReports(this.#limits, this.#native.kernelLimits);
  }

  /**
   * Applies the limit of output to a pipe.
   *
   * @param source The pipe.
   * @returns What is to be read instead of it.
   */
  bound(source: ByteSource): ByteSource {
    return this.#budget === null
      ? source
      : new BudgetedSource(source, this.#budget);
  }

  /** The leader has left something behind, maybe more than it may. */
  glance(): void {
    this.#watch?.glance();
  }

  /**
   * The leader has ended and is reaped. What it has left behind stays limited,
   * without holding the event loop.
   *
   * @param exit How it ended.
   * @param killed Whether this library ended it.
   * @returns The limit that it ended for, or `null`.
   */
  leaderEnded(exit: ExitStatus, killed: boolean): LimitName | null {
    if (this.#native.treeIsEmpty()) this.end();
    else this.hold(false);
    const usage = () => this.#native.usage("known");
    return this.#passed ?? reachedInKernel(this.#native, exit) ??
      limitOfEnd(this.#limits, { exit, killed, usage }, backend().signals) ??
      (exit.code === 0 ? null : this.#watch?.noted ?? null);
  }

  /** Whether it holds the event loop. */
  hold(referenced: boolean): void {
    this.#watch?.hold(referenced);
    this.#wallTime.hold(referenced);
  }

  /** The tree has ended. Idempotent. */
  end(): void {
    this.#watch?.stop();
    this.#wallTime.clear();
  }
}

/**
 * The limit that the kernel has told it held against a run that failed.
 *
 * @param native The child.
 * @param exit How it ended.
 * @returns The limit, or `null`.
 */
export function reachedInKernel(
  native: NativeProcess,
  exit: ExitStatus,
): LimitName | null {
  return exit.code === 0 ? null : native.limitReached();
}
