/**
 * One run: a started program, what ends it, and what it came to. `ChildProcess`
 * is the face of a run; a job holds several, and a blocking run has its own way
 * (`run_sync.ts`).
 *
 * The order at the end of a run: the leader's exit is seen, the tree is swept
 * while the leader is a zombie and its number cannot be reused, the leader is
 * reaped, the status is reported.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import { SurvivorsError } from "../../backend/errors.ts";
import type { Limits } from "../../backend/usage.ts";
import type {
  ByteSink,
  ExitStatus,
  NativeProcess,
  StopReport,
} from "../../backend/native.ts";
import { signalNumber } from "../../backend/signals.ts";
import type { SpawnSpec } from "../../backend/spec.ts";
import { Timer } from "../../backend/timer.ts";
import { Events, type ProcessEventHook } from "./events.ts";
import { RunLimits } from "../limits/run_limits.ts";
import {
  checkOptions,
  duration,
  flag,
  type Known,
  timeLimit,
} from "../validate.ts";
import {
  newCaptures,
  type OutputControl,
  type OutputEvents,
  Outputs,
} from "../stdio/outputs.ts";
import { type Input, InputFeed } from "../stdio/streams.ts";
import {
  type Ended,
  Ending,
  type EndingControl,
  type StopOptions,
} from "./stop.ts";
import {
  abortedStatus,
  type CommandOutput,
  type CommandStatus,
  outputOf,
  statusOf,
} from "./status.ts";

/** How a run ends, and how much of its output is kept: checked options. */
export interface RunControl extends EndingControl, OutputControl {
  /** The program, for messages. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** The input for stdin, or `null`. */
  readonly input: Input | null;
  /** Limits, or `null`. */
  readonly limits: Limits | null;
  /** Takes what happens, or `null`. */
  readonly onEvent: ProcessEventHook | null;
}

/** A command that was checked: ready to be started. */
export interface Plan {
  /** What to start. */
  readonly spec: SpawnSpec;
  /** How the run ends. */
  readonly control: RunControl;
}

/**
 * Options of `ChildProcess.kill()`.
 *
 * @category Ending
 */
export interface KillOptions {
  /**
   * Whether the signal goes to the whole tree, or to the leader alone.
   *
   * @default {true}
   */
  tree?: boolean;
}

/**
 * Options of `ChildProcess.wait()`.
 *
 * @category Ending
 */
export interface WaitOptions {
  /**
   * Milliseconds to wait before the tree is ended.
   *
   * @default {no limit}
   */
  timeout?: number;
  /**
   * Milliseconds between the soft signal and the hard kill, when time is up.
   *
   * @default {the command's `grace`}
   */
  grace?: number;
  /**
   * Whether the whole tree is ended, also processes that the leader leaves behind; with
   * false the leader alone.
   *
   * @default {true}
   */
  tree?: boolean;
}

const KILL_OPTIONS: Known<KillOptions> = { tree: true };
const WAIT_OPTIONS: Known<WaitOptions> = {
  timeout: true,
  grace: true,
  tree: true,
};
const SIGKILL = 9;

let observer: ((run: Run) => void) | null = null;

/**
 * Has each start of a run told, synchronously.
 *
 * @param observe Called with the run; `null` ends it.
 */
export function observeRuns(observe: ((run: Run) => void) | null): void {
  observer = observe;
}

/** A started program. */
export class Run implements Ended, OutputEvents {
  /** The process and its tree. */
  readonly native: NativeProcess;
  /** How it ends. */
  readonly control: RunControl;
  /** Its outputs. */
  readonly outputs: Outputs;
  /** Resolves when the leader has exited and is reaped; never rejects. */
  readonly status: Promise<CommandStatus>;
  /** The limits in force, or `null`. */
  readonly limits: RunLimits | null;
  /** Takes what happens; `null` where nobody wants to know. */
  readonly events: Events | null;
  #resolveStatus!: (status: CommandStatus) => void;
  // Resolves when the leader is reaped, or a stop has failed while it lives.
  readonly #over: Promise<void>;
  #resolveOver!: () => void;
  readonly #ending: Ending;
  #finished = false;
  // Whether the rest of the tree is ended when the leader exits.
  #sweep: boolean;
  // Stops under way, its own and its job's. Counted before the first step of one:
  // the leader may be seen to end in it.
  #sweepers = 0;
  // An error that is not the child's: of the input, of the tee, of a pipe.
  #failure: unknown = null;
  // Numbers of the signals that the caller sent.
  #sent: Set<number> | null = null;
  // Whether a stop was begun before the leader had exited.
  #asked = false;
  // A hard kill is to be proved when the leader has ended.
  #killedTree = false;
  #idledOut = false;
  #jobReport: StopReport | null = null;
  #input: InputFeed | null = null;
  #treeExited: Promise<void> | null = null;
  /** Called when the leader has exited, before anything is swept. */
  onExit: (() => void) | null = null;

  /**
   * Takes charge of a process that has just been started.
   *
   * @param native The process.
   * @param control How the run ends.
   * @param sweep Whether the rest of the tree is ended when the leader exits.
   * @throws what the watch on its exit fails with; the process is ended then.
   */
  constructor(native: NativeProcess, control: RunControl, sweep: boolean) {
    this.native = native;
    this.control = control;
    this.#sweep = sweep;
    this.status = new Promise((resolve) => this.#resolveStatus = resolve);
    this.#over = new Promise((resolve) => this.#resolveOver = resolve);
    this.#ending = new Ending(native, control, this);
    this.#ending.startTimer();
    this.limits = control.limits === null ? null : new RunLimits(
      native,
      control.limits,
      (limit) => {
        this.events?.tell({ type: "limit", limit });
        this.#ending.inBackground(0);
      },
    );
    const budget = this.limits?.budget ?? null;
    this.outputs = new Outputs(native, control, budget, this);
    // Before the watch: of a leader that has ended already it tells at once (kqueue).
    this.events = Events.ofRun(control.onEvent, control.command, native.pid);
    try {
      native.onExit = () => this.#leaderExited();
    } catch (error) {
      // No descriptor for the watch, for example: the exit would never be seen.
      this.#ending.disarm();
      discard(native);
      throw error;
    }
    observer?.(this);
    if (control.input !== null) this.#feed(control.input);
    this.#ending.listen();
  }

  /**
   * Starts a command.
   *
   * @param plan The command.
   * @param sweep Whether the rest of the tree is ended when the leader exits.
   * @returns The run.
   * @throws what the backend's `spawn()` throws.
   * @throws the reason of its abort signal, when that is aborted already.
   */
  static start(plan: Plan, sweep: boolean): Run {
    plan.control.abortSignal?.throwIfAborted();
    return new Run(backend().spawn(plan.spec), plan.control, sweep);
  }

  /** Resolves when the leader and its tree are gone. */
  get treeExited(): Promise<void> {
    return this.#treeExited ??= this.#awaitTree();
  }

  /**
   * Sends one signal: see `ChildProcess.kill()`.
   *
   * @param signo A signal's name or number; 0 only checks the arguments.
   * @param options Whether the leader alone is meant.
   * @throws {TypeError} when this OS does not know the signal.
   * @throws {SurvivorsError} when a member of the tree may not be signalled.
   */
  kill(signo: Deno.Signal | number, options?: KillOptions): void {
    checkOptions(options, "kill()", KILL_OPTIONS);
    const number = signalNumber(backend().signals, signo);
    if (number === 0) return;
    this.noteSignal(number);
    if (!flag(options?.tree, "tree", true)) {
      this.native.signalLeader(signo);
    } else if (number === SIGKILL) {
      const { refused, unsettled, unproved } = this.native.killTree();
      if (refused.length > 0) {
        throw new SurvivorsError(this.control.command, refused);
      }
      if (unproved) this.#killedTree = true;
      // It forks faster than one call can chase it; or the end of its leader, which
      // would have that proved, is over.
      if (unsettled || unproved && this.#finished) {
        this.#ending.inBackground(0);
      }
    } else this.native.signalTree(signo, false);
  }

  /** The caller has sent a signal: a death by it is the caller's doing. */
  noteSignal(number: number): void {
    if (!this.#finished) (this.#sent ??= new Set()).add(number);
  }

  /**
   * Ends the tree: see `ChildProcess.stop()`.
   *
   * @param options Signal and grace.
   * @returns What it took.
   * @throws {SurvivorsError} when something could not be ended.
   */
  async stop(options: StopOptions): Promise<StopReport> {
    return await this.#ending.stop(options);
  }

  /**
   * Waits for the leader's exit: see `ChildProcess.wait()`.
   *
   * @param options Timeout, grace, and whether the leader alone is meant.
   * @returns How it ended.
   * @throws {SurvivorsError} when something could not be ended.
   */
  async wait(options: WaitOptions): Promise<CommandStatus> {
    checkOptions(options, "wait()", WAIT_OPTIONS);
    const timeout = timeLimit(options.timeout, "timeout");
    const grace = duration(options.grace, "grace", this.control.grace);
    const tree = flag(options.tree, "tree", true);
    if (tree) this.#sweep = true;
    const timer = new Timer(this.#finished ? Infinity : timeout, () => {
      if (tree) this.#ending.timeIsUp(grace);
      else this.#stopLeader(grace);
    });
    try {
      if (tree && this.#finished) await this.stop({ grace });
      const status = await this.#outcome();
      this.#throwFailure();
      return status;
    } finally {
      timer.clear();
    }
  }

  /**
   * Collects the outputs until the leader has exited: see `ChildProcess.output()`.
   *
   * @returns Status and output.
   * @throws {TypeError} when a stream is locked.
   * @throws {OutputLimitExceeded} when a stream grew past `maxOutput`.
   * @throws {SurvivorsError} when something could not be ended.
   */
  async output(): Promise<CommandOutput> {
    const captured = this.outputs.capture();
    this.#sweep = true;
    if (this.#finished) await this.stop({});
    const status = await this.#outcome();
    // The tree is empty: a process that still holds a pipe is not of it.
    this.outputs.finish();
    await captured.done;
    await this.native.settled();
    this.#throwFailure();
    return outputOf(status, this.control, captured);
  }

  /**
   * The end of a scope: stops the tree and closes the pipes that nothing has asked
   * for; what was asked for can still be read.
   *
   * @param closeInput Whether the pipe to the child's stdin is closed as well.
   * @throws {SurvivorsError} when something could not be ended.
   */
  async dispose(closeInput: boolean): Promise<void> {
    await this.stop({});
    await this.status;
    if (closeInput) this.native.stdin?.close();
    this.outputs.dispose();
    await this.native.settled();
  }

  /** Whether the living child holds the event loop. */
  hold(referenced: boolean): void {
    if (referenced) this.native.ref();
    else this.native.unref();
    this.limits?.hold(referenced);
    this.outputs.hold(referenced);
    this.#ending.hold(referenced);
  }

  /** A stop of the job begins, and means this tree as well. */
  jobStopBegins(): void {
    this.#beginSweep();
  }

  /**
   * The stop of the job is over.
   *
   * @param error What it failed with, or `null`. It may be about another tree.
   * @param report What it did, or `null` when it failed.
   */
  jobStopEnds(error: unknown, report: StopReport | null): void {
    this.#jobReport ??= report;
    if (error === null || this.native.treeIsEmpty()) this.#retire();
    else this.#failure = error;
    this.#endSweep();
  }

  /** See {@linkcode Ended.name}. */
  get name(): string {
    return this.control.command;
  }

  /** See {@linkcode Ended.hasEnded}; what a leader has left is still to be ended. */
  hasEnded(): boolean {
    const ended = this.native.exitStatus(true) !== null;
    return ended && !this.#isOutlived();
  }

  /** See {@linkcode Ended.stopBegins}. */
  stopBegins(): boolean {
    const killed = this.#killedTree;
    this.#killedTree = false;
    this.#beginSweep();
    return killed;
  }

  /** See {@linkcode Ended.stopEnds}. */
  stopEnds(error: unknown): void {
    if (error === null) this.#retire();
    else this.#failure = error;
    this.#endSweep();
    // A leader that may not be signalled is not waited for.
    if (error !== null && !this.#finished) this.#resolveOver();
  }

  // The status; or the error of a stop that could not end the leader.
  async #outcome(): Promise<CommandStatus> {
    await this.#over;
    if (!this.#finished) {
      this.hold(false);
      this.outputs.finish();
      this.#throwFailure();
    }
    return await this.status;
  }

  /** Nothing was written for the idle timeout. */
  idle(): void {
    this.#idledOut = true;
    this.#ending.inBackground();
  }

  /** A capture has more than `maxOutput` bytes, and that is an error. */
  overflowed(): void {
    this.#ending.inBackground();
  }

  /** The run fails with an error that is not the child's: of a tee, a pipe, the input. */
  failed(error: unknown): void {
    this.#ending.inBackground();
    this.#failure ??= error;
  }

  #beginSweep(): void {
    this.#sweepers++;
    if (!this.#finished) this.#asked ||= this.native.exitStatus(true) === null;
  }

  #endSweep(): void {
    this.#finish();
    this.#sweepers--;
  }

  #leaderExited(): void {
    this.onExit?.();
    this.outputs.stopIdleClock();
    if (!this.#isOutlived()) this.#ending.disarm();
    // A stop under way sweeps the tree first, while the zombie keeps the number.
    if (this.#sweepers > 0) return;
    const sweep = this.#sweep || this.#killedTree;
    if (sweep && !this.native.treeIsEmpty()) {
      // A bomb must not get the grace.
      this.limits?.glance();
      this.#ending.inBackground(this.#killedTree ? 0 : this.control.grace);
      return;
    }
    if (sweep) this.#retire();
    this.#finish();
  }

  // Whether timeout or abort still have something to end. They no longer hold
  // the event loop then: what the leader left behind is not waited for.
  #isOutlived(): boolean {
    if (!this.#ending.pending) return false;
    if (this.#sweep || this.#sweepers > 0 || this.native.treeIsEmpty()) {
      return false;
    }
    this.#ending.hold(false);
    return true;
  }

  // Reaps and reports. Called when whatever had to be swept is swept.
  #finish(): void {
    if (this.#finished || this.native.exitStatus(true) === null) return;
    // The look may have come back here, by way of onExit.
    if (this.#finished) return;
    this.#finished = true;
    this.native.release();
    if (this.#input !== null && this.native.treeIsEmpty()) this.#input.stop();
    // The tree is empty.
    if (this.#sweep || this.#sweepers > 0) this.outputs.finishDrain();
    const exit = this.native.exitStatus(false) as ExitStatus;
    const number = exit.signal === null ? 0 : backend().signals[exit.signal];
    const killed = this.#asked || (this.#sent?.has(number ?? 0) ?? false);
    const status = statusOf(this.native, exit, {
      timedOut: this.#ending.timedOut,
      idledOut: this.#idledOut,
      aborted: this.#ending.aborted,
      killed,
      limit: this.limits?.leaderEnded(exit, killed) ?? null,
      report: this.#ending.report ?? this.#jobReport,
    });
    if (this.events !== null) {
      this.events.finished(exit, status.limit, this.native.treeIsEmpty());
    }
    const settled = this.native.settled();
    if (settled === null) this.#resolveStatus(status);
    else this.#reportAfter(settled, status);
    this.#resolveOver();
  }

  async #reportAfter(
    settled: Promise<void>,
    status: CommandStatus,
  ): Promise<void> {
    await settled;
    this.#resolveStatus(status);
  }

  // The time of a wait for the leader alone is up: soft signal, grace, hard kill.
  // Its exit ends the matter.
  #stopLeader(grace: number): void {
    this.#ending.timedOut = true;
    this.#asked = true;
    if (grace > 0) this.native.signalLeader(this.control.stopSignal);
    if (grace > 0) this.native.signalLeader("SIGCONT" as Deno.Signal);
    const kill = (): void => {
      if (!this.#finished) this.native.signalLeader("SIGKILL");
    };
    if (grace === 0) kill();
    else this.#clearAtExit(new Timer(grace, kill));
  }

  async #clearAtExit(timer: Timer): Promise<void> {
    await this.status;
    timer.clear();
  }

  async #awaitTree(): Promise<void> {
    await this.status;
    // A stop under way waits for the same; nothing of it is to outlast this.
    await this.#ending.over();
    await this.native.watchTree().wait(Infinity);
    await this.#ending.over();
    this.#retire();
  }

  // The tree is empty.
  #retire(): void {
    if (this.#finished) this.events?.tell({ type: "tree-empty" });
    this.limits?.end();
    this.#input?.stop();
    this.native.retire();
    this.#ending.disarm();
  }

  async #feed(input: Input): Promise<void> {
    try {
      this.#input = new InputFeed(this.native.stdin as ByteSink, input);
      await this.#input.done;
    } catch (error) {
      // A failed input must not look to the child like the end of it.
      this.failed(error);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

/**
 * Starts a command and collects its output until it has ended.
 *
 * @param plan The command.
 * @returns Status and output. Of a command whose signal is aborted already, that
 * of {@linkcode abortedOutput}.
 * @throws what {@linkcode Run.start} throws, at once: not as a rejection.
 */
export function runToEnd(plan: Plan): Promise<CommandOutput> {
  return plan.control.abortSignal?.aborted
    ? Promise.resolve(abortedOutput(plan))
    : Run.start(plan, true).output();
}

/**
 * The result of a command that was aborted before it was started: as if its stop
 * signal had ended it before its first instruction.
 *
 * @param plan The command; nothing of it is started.
 * @returns Status, and empty output.
 */
export function abortedOutput({ spec, control }: Plan): CommandOutput {
  const { stdout, stderr } = spec;
  const captured = newCaptures(control, stdout === "piped", stderr === "piped");
  return outputOf(abortedStatus(control), control, captured);
}

// Far more than a killed process needs to be gone.
const DISCARD_MS = 2000;

// Ends a child that cannot be handed out.
function discard(native: NativeProcess): void {
  native.onExit = null;
  native.killTree();
  native.stdin?.close();
  native.stdout?.close();
  native.stderr?.close();
  native.waitTreeEmptySync(DISCARD_MS);
  native.retire();
}
