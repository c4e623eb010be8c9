/**
 * The limits of a blocking run: the tree is looked at between two waits for its
 * output.
 *
 * @module
 */

import {
  backend,
  type ExitStatus,
  type NativeProcess,
  type SyncIo,
  type SyncOutcome,
} from "./backend/backend.ts";
import { LimitCheck } from "./process/limits/limit_watch.ts";
import {
  type LimitName,
  limitOfEnd,
  type Limits,
  needsWatch,
} from "./process/limits/limits.ts";
import { OutputBudget } from "./output_budget.ts";
import { reachedInKernel } from "./process/limits/run_limits.ts";

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
