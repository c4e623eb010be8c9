/**
 * The limits of one run, put into force: the watch on the tree, the limit of
 * time, the limit of output, and which of them was passed.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import type { LimitName, LimitReport, Limits } from "../../backend/limits.ts";
import type {
  ByteSource,
  ExitStatus,
  NativeProcess,
  SyncIo,
  SyncOutcome,
} from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import { BudgetedSource, OutputBudget } from "../stdio/observed_source.ts";
import { LimitCheck, LimitWatch } from "./limit_watch.ts";
import { limitOfEnd, limitReports, needsWatch } from "./limits.ts";

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

// The limits of a blocking run: the tree is looked at between two waits for its
// output.

/** Limits in force on a child that is waited for. */
export class SyncLimits {
  readonly #native: NativeProcess;
  readonly #limits: Limits;
  readonly #check: LimitCheck | null;
  readonly #wallDeadline: number;
  #passed: LimitName | null = null;

  /**
   * @param native The child.
   * @param limits Its limits.
   * @param io Where its output goes; its receivers are bounded.
   */
  constructor(native: NativeProcess, limits: Limits, io: SyncIo) {
    this.#native = native;
    this.#limits = limits;
    this.#check = needsWatch(limits) ? new LimitCheck(native, limits) : null;
    this.#wallDeadline = performance.now() + (limits.wallTime ?? Infinity);
    if (limits.output === undefined) return;
    const budget = new OutputBudget(limits.output, () => {
      this.#passed ??= "output";
    });
    io.stdout = bounded(io.stdout, budget);
    io.stderr = bounded(io.stderr, budget);
  }

  /** The limit that was passed, or `null`. */
  get passed(): LimitName | null {
    return this.#passed;
  }

  /** Gets the looks ready, and lets the child run if it was held back for that. */
  begin(): void {
    this.#check?.begin();
  }

  /**
   * Moves bytes until the leader has exited, the time is up, a receiver has had
   * enough or a limit is passed. Blocks.
   *
   * @param io Where they come from and go to.
   * @param ms The time, in milliseconds.
   * @returns Why it came back.
   */
  pumpSync(io: SyncIo, ms: number): SyncOutcome | "limit" {
    const deadline = performance.now() + ms;
    for (;;) {
      const now = performance.now();
      const wait = Math.min(
        deadline - now,
        this.#wallDeadline - now,
        this.#check?.interval ?? Infinity,
      );
      const outcome = this.#native.pumpSync(io, Math.max(wait, 0));
      if (this.#passed !== null) return "limit";
      if (outcome !== "timeout") return outcome;
      const later = performance.now();
      if (later >= this.#wallDeadline) this.#passed = "wallTime";
      else this.#passed = this.#check?.tick(later) ?? null;
      if (this.#passed !== null) return "limit";
      if (later >= deadline) return "timeout";
    }
  }

  /**
   * The run is over.
   *
   * @param exit How the leader ended.
   * @param killed Whether this library ended it.
   * @returns The limit that it ended for, or `null`.
   */
  leaderEnded(exit: ExitStatus, killed: boolean): LimitName | null {
    const usage = () => this.#native.usage("known");
    return this.#passed ?? reachedInKernel(this.#native, exit) ??
      limitOfEnd(this.#limits, { exit, killed, usage }, backend().signals) ??
      (exit.code === 0 ? null : this.#check?.noted ?? null);
  }
}

type Receiver = ((piece: Uint8Array) => boolean) | null;

function bounded(receiver: Receiver, budget: OutputBudget): Receiver {
  if (receiver === null) return null;
  return (piece) => {
    const within = budget.take(piece.byteLength);
    const goesOn = within === 0 || receiver(piece.subarray(0, within));
    return goesOn && within === piece.byteLength;
  };
}
