/**
 * Ending a tree: soft signal, grace, hard kill, until the tree is empty. One
 * sequence behind timeout, abort, end of scope and `stop()`, and one for waiting
 * and blocking callers alike: it yields how long to wait for emptiness.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import type { ProcessInfo } from "../../backend/containment.ts";
import { SurvivorsError } from "../../backend/errors.ts";
import {
  FEW_COMMANDS,
  type NamedProcess,
  type NativeTree,
  type SoftSignal,
  type StoppedProcess,
  type StopReport,
  type Survivor,
  type TreeWatch,
} from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import type { Events } from "./events.ts";
import {
  checkOptions,
  duration,
  flag,
  type Known,
  stopSignal,
} from "../validate.ts";

/**
 * Options of `ChildProcess.stop()`.
 *
 * @category Ending
 */
export interface StopOptions {
  /**
   * The soft signal.
   *
   * @default {the command's `stopSignal`}
   */
  signal?: Deno.Signal;
  /**
   * Milliseconds between the soft signal and the hard kill; 0 kills at once.
   *
   * @default {the command's `grace`}
   */
  grace?: number;
  /**
   * Whether the soft signal goes to the main process first, and to what is left when
   * that has ended: see {@linkcode CommandOptions.mainFirst}.
   *
   * @default {the command's `mainFirst`}
   */
  mainFirst?: boolean;
}

/** The options that a stop has. */
export const STOP_OPTIONS: Known<StopOptions> = {
  signal: true,
  grace: true,
  mainFirst: true,
};

/** How to end it. */
export interface StopRequest {
  /** The program, for messages. */
  readonly command: string;
  /** The soft signal. */
  readonly signal: Deno.Signal;
  /** Milliseconds until the hard kill; 0 kills at once. */
  readonly grace: number;
  /** Whether the main process hears of it before the others. */
  readonly mainFirst?: boolean;
  /** Takes what is done. */
  readonly events?: Events | null;
  /** Whether it has been killed just now: first it is looked whether that was enough. */
  readonly killed?: boolean;
}

/** A stop under way: its grace can be cut short. */
export interface StopState {
  /** When the hard kill is due, on the clock of `performance.now()`. */
  deadline: number;
  /** Cuts the present wait short; `null` while there is none. */
  watch: TreeWatch | null;
}

// A hard-killed process is gone in milliseconds unless it is in an
// uninterruptible wait; how often and how long to look before saying so.
const KILL_WAITS_MS: readonly number[] = [50, 200, 750, 2000, 4000];

// Between two looks for what has been forked since the soft signal; twice as long
// after each that has shown nothing new.
const FIRST_PAUSE_MS = 10;

const LONGEST_PAUSE_MS = 250;

// Between two looks whether the main process has ended, so that the others are told.
const MAIN_PAUSE_MS = 40;

// Between two looks whether all that is left is what may not be signalled.
const REFUSED_WAIT_MS = 50;

/**
 * The sequence. Yields the time, on the clock of `performance.now()`, until
 * which to wait for the tree to be empty; is told whether it is.
 *
 * @param native The tree.
 * @param request How to end it.
 * @param state Shared with the code that shortens the grace.
 */
export function* stopSequence(
  native: NativeTree,
  request: StopRequest,
  state: StopState,
): Generator<number, StopReport, boolean> {
  const began = performance.now();
  let soft: SoftSignal | null = null;
  let signalled = 0;
  let escalated = 0;
  const processes = new Processes();
  let empty = native.treeIsEmpty();
  if (!empty && request.killed) {
    empty = yield performance.now() + (KILL_WAITS_MS[0] as number);
  }
  if (!empty && state.deadline > began) {
    if (!native.namesReached) processes.found(native.members());
    const { mainFirst = false } = request;
    soft = native.signalTree(request.signal, true, mainFirst);
    const longest = mainFirst ? MAIN_PAUSE_MS : LONGEST_PAUSE_MS;
    signalled = soft.count;
    if (signalled > 0) tellSoft(request, signalled, soft.method);
    // A member that may not be signalled is not waited for.
    let refused = (soft.refused ?? 0) > 0;
    let pause = soft.again === undefined ? Infinity : FIRST_PAUSE_MS;
    while (!empty && performance.now() < state.deadline) {
      if (refused && native.isUnreachable?.()) break;
      const wait = refused ? Math.min(pause, REFUSED_WAIT_MS) : pause;
      empty = yield Math.min(state.deadline, performance.now() + wait);
      if (empty || soft.again === undefined) continue;
      // What has been forked since has not got the signal yet.
      const more = soft.again();
      if (more.count > 0) tellSoft(request, more.count, soft.method);
      if (more.count > 0 && !native.namesReached) {
        processes.found(native.members());
      }
      signalled += more.count;
      refused ||= (more.refused ?? 0) > 0;
      pause = more.count > 0 ? FIRST_PAUSE_MS : Math.min(pause * 2, longest);
    }
  }
  // This process may have been stopped meanwhile, with all that waits in it.
  if (!empty && signalled > 0) empty = native.treeIsEmpty();
  processes.found(soft?.reached?.() ?? []);
  for (let round = 0; !empty; round++) {
    // Without a grace before it, the kill is not kept waiting for a long list.
    const members = soft === null ? native.membersToKill?.() : undefined;
    const left = members ?? native.members();
    if (soft !== null && round === 0) processes.outlived(left, request.signal);
    processes.killed(left);
    const hard = native.killTree();
    escalated = Math.max(escalated, hard.count);
    if (round === 0) tellHard(request, hard.count);
    if (hard.count === 0 && hard.refused.length > 0 && !native.treeIsEmpty()) {
      throw survivorsError(native, request.command, hard.refused);
    }
    const wait = KILL_WAITS_MS[round];
    if (wait !== undefined) empty = yield performance.now() + wait;
    else throw survivorsError(native, request.command, hard.refused);
  }
  const unproven = native.doubt?.() ?? null;
  // At the end: a means that failed is replaced by the next one.
  const signal = soft === null ? null : soft.method;
  return {
    signal,
    signalled,
    escalated,
    processes: processes.list(signal),
    elapsed: performance.now() - began,
    mechanism: native.mechanism,
    survivors: unproven === null ? 0 : null,
    unproven,
  };
}

function tellSoft(
  { events }: StopRequest,
  count: number,
  signal: string,
): void {
  events?.tell({ type: "soft-signal", signal, count });
}

function tellHard({ events }: StopRequest, count: number): void {
  if (count > 0) events?.tell({ type: "escalated", count });
}

interface Found {
  info: NamedProcess;
  readonly soft: boolean;
  // Its state when it was ended hard.
  hard: string | null;
}

// The processes of one stop, for its report.
class Processes {
  readonly #found: Found[] = [];
  readonly #places = new Map<number, number>();
  readonly #reasons = new Map<number, string>();

  // These are sent the soft signal.
  found(members: readonly NamedProcess[]): void {
    for (let i = 0; i < members.length; i++) {
      this.#note(members[i] as NamedProcess, true);
    }
  }

  // These are ended hard.
  killed(members: readonly ProcessInfo[]): void {
    for (let i = 0; i < members.length; i++) {
      const info = members[i] as ProcessInfo;
      const found = this.#note(info, false);
      if (found.hard === null) found.info = info;
      found.hard ??= info.state;
    }
  }

  // The grace is over for these: why, as long as they can be asked.
  outlived(members: readonly ProcessInfo[], signal: string): void {
    for (let i = 0; i < members.length && i < FEW_COMMANDS; i++) {
      const { pid } = members[i] as ProcessInfo;
      const told = this.#found[this.#places.get(pid) ?? -1]?.soft === true;
      const reason = told
        ? reasonsFor(pid, [signal])
        : `it was not sent ${signal} before`;
      if (reason !== null) this.#reasons.set(pid, reason);
    }
  }

  #note(info: NamedProcess, soft: boolean): Found {
    const place = this.#places.get(info.pid) ?? this.#found.length;
    if (place === this.#found.length) {
      this.#places.set(info.pid, place);
      this.#found[place] = { info, soft, hard: null };
    }
    return this.#found[place] as Found;
  }

  // For the report, with the outcome of the soft signal.
  list(signal: string | null): StoppedProcess[] {
    return this.#found.map(({ info: { pid, name, command }, soft, hard }) => {
      const sent = soft && signal !== null ? [signal] : [];
      if (hard !== null) sent[sent.length] = "SIGKILL";
      const ended = hard === null ? "soft" : "hard";
      const reason = this.#reasons.get(pid) ?? null;
      return { pid, name, command, sent, ended, state: hard, reason };
    });
  }
}

function survivorsError(
  native: NativeTree,
  command: string,
  refused: readonly Survivor[],
): Error {
  const survivors: Survivor[] = [];
  const members = native.members();
  for (let i = 0; i < members.length; i++) {
    const { pid, name, state } = members[i] as {
      pid: number;
      name: string;
      state: string;
    };
    const known = refused.find((one) => one.pid === pid);
    survivors[i] = known ?? {
      pid,
      name,
      reason: `still there after the hard kill, in state '${state}'${
        explained(pid)
      }`,
    };
  }
  const known = survivors.length > 0 ? survivors : refused;
  const unseen: Survivor = {
    pid: 0,
    name: "unknown",
    reason: "something is left that cannot be listed on this system",
  };
  return new SurvivorsError(command, known.length > 0 ? known : [unseen]);
}

/**
 * Runs the sequence without blocking.
 *
 * @param native The tree.
 * @param request How to end it.
 * @param state Shared with the code that shortens the grace.
 * @returns What it did.
 */
export async function runStop(
  native: NativeTree,
  request: StopRequest,
  state: StopState,
): Promise<StopReport> {
  const sequence = stopSequence(native, request, state);
  let step = sequence.next(false);
  while (!step.done) {
    const watch = native.watchTree();
    state.watch = watch;
    let empty = false;
    try {
      empty = await watch.wait(step.value - performance.now());
    } finally {
      state.watch = null;
    }
    step = sequence.next(empty);
  }
  return step.value;
}

// ---- The causes of a stop: a timeout, an abort signal, calls of `stop()`. One stop
// at a time is under way; a single run and a job end in the same way. ----

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
  /** Whether the main process is sent it before the others. */
  readonly mainFirst: boolean;
  /** Ends the tree when it is aborted, or `null`. */
  readonly abortSignal: AbortSignal | null;
}

/** The run, or the job, that an {@linkcode Ending} ends. */
export interface Ended {
  /** The program or programs, for messages. */
  readonly name: string;
  /** Takes what a stop does, or `null`. */
  readonly events: Events | null;
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
   * @returns The report of the stop.
   * @throws {SurvivorsError} when something could not be ended.
   */
  async stop(options: StopOptions): Promise<StopReport> {
    checkOptions(options, "stop()", STOP_OPTIONS);
    const grace = duration(options.grace, "grace", this.#control.grace);
    const signal = stopSignal(options.signal, this.#control.stopSignal);
    const main = flag(options.mainFirst, "mainFirst", this.#control.mainFirst);
    return await this.#join(signal, grace, main);
  }

  /**
   * Stops the tree; a failure is kept in {@linkcode Ending.error}.
   *
   * @param grace Milliseconds until the hard kill; the control's by default.
   */
  async inBackground(grace: number = this.#control.grace): Promise<void> {
    try {
      const { stopSignal, mainFirst } = this.#control;
      await this.#join(stopSignal, grace, mainFirst);
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
  async #join(
    signal: Deno.Signal,
    grace: number,
    mainFirst: boolean,
  ): Promise<StopReport> {
    const deadline = performance.now() + grace;
    if (this.#running === null) {
      this.#state.deadline = deadline;
      this.#running = this.#run({ signal, grace, mainFirst });
    } else if (deadline < this.#state.deadline) {
      this.#state.deadline = deadline;
      this.#state.watch?.cancel();
    }
    return await this.#running;
  }

  async #run(
    how: Pick<StopRequest, "signal" | "grace" | "mainFirst">,
  ): Promise<StopReport> {
    let failure: unknown = null;
    try {
      const killed = this.#subject.stopBegins();
      const { name: command, events } = this.#subject;
      const request = { ...how, command, events, killed };
      const report = await runStop(this.#tree, request, this.#state);
      this.report ??= report;
      return report;
    } catch (error) {
      failure = error;
      this.#subject.events?.failed(error);
      throw error;
    } finally {
      this.error = failure;
      this.#subject.stopEnds(failure);
      this.#running = null;
    }
  }
}

/**
 * The reasons for an error message.
 *
 * @param pid The process.
 * @returns `: ` and the reasons; nothing where none is known.
 */
export function explained(pid: number): string {
  const reasons = reasonsFor(pid);
  return reasons === null ? "" : `: ${reasons}`;
}

function reasonsFor(pid: number, signals?: readonly string[]): string | null {
  try {
    return backend().explain(pid, signals)?.reasons.join("; ") || null;
  } catch {
    // What this is a part of must be reported in any case.
    return null;
  }
}
