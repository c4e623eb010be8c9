/**
 * The limits of one run, put into force: the watch on the tree, the limit of
 * time, the limit of output, and which of them was passed.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import {
  cpuTime,
  type LimitName,
  type LimitReport,
  type Limits,
  type Usage,
  type UsageLook,
} from "../../backend/usage.ts";
import type {
  ExitStatus,
  NativeProcess,
  SyncIo,
  SyncOutcome,
} from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import { OutputBudget } from "../stdio/outputs.ts";
import { limitOfEnd, limitReports, needsWatch } from "./limits.ts";

/** Limits in force on a running child. */
export class RunLimits {
  readonly #native: NativeProcess;
  readonly #limits: Limits;
  readonly #endTree: (limit: LimitName) => void;
  readonly #watch: LimitWatch | null;
  readonly #wallTime: Timer;
  /** What may still be written, or `null` without a limit of output. */
  readonly budget: OutputBudget | null;
  #passed: LimitName | null = null;

  /**
   * @param native The child.
   * @param limits Its limits.
   * @param endTree Ends the tree hard.
   */
  constructor(
    native: NativeProcess,
    limits: Limits,
    endTree: (limit: LimitName) => void,
  ) {
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
    this.budget = limits.output === undefined
      ? null
      : new OutputBudget(limits.output, () => this.#pass("output"));
  }

  #pass(limit: LimitName): void {
    this.#passed ??= limit;
    this.#endTree(limit);
  }

  /** The limits in force. */
  reports(): LimitReport[] {
    return limitReports(this.#limits, this.#native.kernelLimits);
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
    return this.#passed ?? verdict(
      this.#native,
      this.#limits,
      { exit, killed, noted: this.#watch?.noted ?? null },
    );
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

interface End {
  readonly exit: ExitStatus;
  readonly killed: boolean;
  readonly noted: LimitName | null;
}

// The limit that a run ended for without the tree being ended for it here: one that
// the kernel holds, or one that a look has found to be reached.
function verdict(
  native: NativeProcess,
  limits: Limits,
  { exit, killed, noted }: End,
): LimitName | null {
  if (exit.code === 0) return null;
  const usage = () => native.usage("known");
  return native.limitReached() ??
    limitOfEnd(limits, { exit, killed, usage }, backend().signals) ?? noted;
}

// ---- The limits of a blocking run: checked between two waits for its output ----

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
    return this.#passed ?? verdict(
      this.#native,
      this.#limits,
      { exit, killed, noted: this.#check?.noted ?? null },
    );
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

// ---- Watching a tree for limits that no kernel holds for the whole of it ----

/** A tree that can be watched: of a child, or of a job. */
export interface Watched {
  /** Its usage. */
  usage(look: UsageLook): Pick<Usage, "tree">;
  /**
   * A number that rises with every process that is started anywhere, very cheap
   * to ask for; `null`: not known.
   */
  newest?(): number | null;
  /** Whether more than so many processes live; quick, however many there are. */
  hasMoreThan?(count: number): boolean;
  /** Bytes of memory with shared pages counted once; slower. `null`: not known. */
  exactMemory?(): number | null;
  /** A limit that the kernel has reported as reached. */
  limitReached?(): LimitName | null;
  /** Lets the watched tree run, if it was held back until now. */
  begin?(): void;
}

// Between two looks, in milliseconds: a look at all processes costs 1 to 5.
const SHORTEST = 10;
const LONGEST = 100;

// From this part of a limit on it may be passed between two looks.
const NEAR = 0.5;
const NEAR_LONGEST = 20;

// A fork bomb starts thousands of processes in a second, and soon leaves us no
// time of the processor to notice: how many were started is asked this often.
const GLANCE = 3;

// Looks may take this part of the time: 1 to 4.
const COST_SHARE = 3;

/** The limits of one tree against its use: the limit that is passed, and the time of the next look. */
export class LimitCheck {
  readonly #limits: Limits;
  readonly #target: Watched;
  readonly #glances: boolean;
  #interval = SHORTEST;
  #due = 0;
  #newest: number;
  #processes = 1;
  #last: { readonly at: number; readonly parts: readonly number[] } | null =
    null;
  /** A limit that was reached without ending the tree, or `null`. */
  noted: LimitName | null = null;

  /**
   * @param target The tree.
   * @param limits Its limits.
   */
  constructor(target: Watched, limits: Limits) {
    this.#target = target;
    this.#limits = limits;
    const newest = limits.processes === undefined
      ? null
      : target.newest?.() ?? null;
    this.#glances = newest !== null;
    this.#newest = newest ?? 0;
  }

  /** Milliseconds until the next {@linkcode LimitCheck.tick}. */
  get interval(): number {
    return this.#glances ? GLANCE : this.#interval;
  }

  /**
   * Does once what a look does, so that the first that matters finds libraries
   * opened and functions compiled; then lets the watched tree run.
   */
  begin(): void {
    this.tick(performance.now());
    this.#tooMany();
    this.#target.begin?.();
  }

  /**
   * Looks, if a look is due or so many processes were started that the limit may
   * be passed.
   *
   * @param now The time, on the clock of `performance.now()`.
   * @returns The limit that is passed, or `null`.
   */
  tick(now: number): LimitName | null {
    if (this.#manyStarted() && this.#tooMany()) return "processes";
    return now >= this.#due ? this.look(now) : null;
  }

  /** Whether there are too many processes, and nothing else. */
  glance(): LimitName | null {
    return this.#glances && this.#tooMany() ? "processes" : null;
  }

  // Only whether, not how many: a bomb leaves no time to count.
  #tooMany(): boolean {
    this.#newest = this.#target.newest?.() ?? 0;
    const { processes } = this.#limits;
    return this.#target.hasMoreThan?.(processes ?? Infinity) ?? false;
  }

  #manyStarted(): boolean {
    if (!this.#glances) return false;
    const started = (this.#target.newest?.() ?? 0) - this.#newest;
    // Numbers start again from the lowest when they have reached the highest.
    const { processes } = this.#limits;
    return started < 0 || this.#processes + started > (processes ?? Infinity);
  }

  /**
   * Looks once.
   *
   * @param now The time, on the clock of `performance.now()`.
   * @returns The limit that is passed, or `null`.
   */
  look(now: number): LimitName | null {
    const reached = this.#target.limitReached?.() ?? null;
    if (reached === "openFiles") this.noted = reached;
    else if (reached !== null) return reached;
    if (this.#glances) this.#newest = this.#target.newest?.() ?? 0;
    const { tree } = this.#target.usage("brief");
    this.#processes = tree.processes ?? 1;
    const { memory, processes, cpuTime: cpu } = this.#limits;
    const spent = cpuTime(tree);
    if (cpu !== undefined && spent !== null && spent >= cpu) return "cpuTime";
    if (processes !== undefined && (tree.processes ?? 0) > processes) {
      return "processes";
    }
    if (memory !== undefined && (tree.memory ?? 0) > memory) {
      // Resident sizes count shared pages once for each process: a second
      // opinion, which is slower, decides.
      const exact = this.#target.exactMemory?.() ?? tree.memory;
      if ((exact ?? 0) > memory) return "memory";
    }
    this.#plan(now, [
      part(tree.memory, memory),
      part(tree.processes, processes),
      part(spent, cpu),
    ]);
    return null;
  }

  // Half the time in which the limit would be reached if it went on like this.
  #plan(now: number, parts: readonly number[]): void {
    let interval = Math.min(this.#interval * 2, LONGEST);
    for (let i = 0; i < parts.length; i++) {
      const share = parts[i] as number;
      if (share >= NEAR) interval = Math.min(interval, NEAR_LONGEST);
      if (this.#last === null) continue;
      const grown = share - (this.#last.parts[i] as number);
      const rate = grown / Math.max(now - this.#last.at, 1);
      if (rate > 0) interval = Math.min(interval, (1 - share) / rate / 2);
    }
    this.#interval = Math.max(interval, SHORTEST);
    // Where there are very many processes a look is dear, and not the business
    // of the host.
    const end = performance.now();
    this.#interval = Math.max(this.#interval, (end - now) * COST_SHARE);
    this.#due = end + this.#interval;
    this.#last = { at: now, parts };
  }
}

function part(used: number | null, limit: number | undefined): number {
  return used === null || limit === undefined ? 0 : used / limit;
}

/** Looks from time to time until a limit is passed or it is stopped. */
export class LimitWatch {
  readonly #check: LimitCheck;
  readonly #passed: (limit: LimitName) => void;
  #timer: Timer | null = null;
  #referenced = true;

  /**
   * @param target The tree.
   * @param limits Its limits.
   * @param passed Called once, with the limit; ends the tree.
   */
  constructor(
    target: Watched,
    limits: Limits,
    passed: (limit: LimitName) => void,
  ) {
    this.#check = new LimitCheck(target, limits);
    this.#passed = passed;
    // In a turn of its own: the caller's work of this turn is done by then.
    this.#timer = new Timer(0, () => {
      this.#check.begin();
      this.#schedule();
    });
  }

  #schedule(): void {
    this.#timer = new Timer(this.#check.interval, () => {
      this.#timer = null;
      const limit = this.#check.tick(performance.now());
      if (limit === null) this.#schedule();
      else this.#passed(limit);
    });
    this.#timer.hold(this.#referenced);
  }

  /** Asks at once, out of turn, whether there are too many processes. */
  glance(): void {
    const limit = this.#check.glance();
    if (limit === null) return;
    this.stop();
    this.#passed(limit);
  }

  /** A limit that was reached without ending the tree, or `null`. */
  get noted(): LimitName | null {
    return this.#check.noted;
  }

  /** Whether it holds the event loop. */
  hold(referenced: boolean): void {
    this.#referenced = referenced;
    this.#timer?.hold(referenced);
  }

  /** Ends the looking. Idempotent. */
  stop(): void {
    this.#timer?.clear();
    this.#timer = null;
  }
}
