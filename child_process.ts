/**
 * A child process and the tree it leads.
 *
 * @module
 */

import type {
  ByteSink,
  ByteSource,
  Containment,
  ExitStatus,
  NativeProcess,
  ProcessInfo,
} from "./backend.ts";
import { backend } from "./backend.ts";
import { Capture } from "./capture.ts";
import { OutputLimitExceeded, SurvivorsError } from "./errors.ts";
import { feedInput, type Input } from "./input.ts";
import type { RunControl } from "./options.ts";
import { signalNumber } from "./signals.ts";
import { commandOutput, notPiped } from "./result.ts";
import type { CommandOutput, CommandStatus, StopReport } from "./status.ts";
import { runStop, type StopState } from "./stop.ts";
import {
  readableFrom,
  type SubprocessReadableStream,
  writableTo,
} from "./streams.ts";
import { Timer } from "./timer.ts";
import { duration, stopSignal } from "./validate.ts";

/** Options of {@linkcode ChildProcess.kill}. */
export interface KillOptions {
  /**
   * Whether the signal goes to the whole tree, or to the leader alone.
   *
   * @default {true}
   */
  tree?: boolean;
}

/** Options of {@linkcode ChildProcess.stop}. */
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
}

/** Options of {@linkcode ChildProcess.wait}. */
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
   * Whether the whole tree is ended, also what the leader leaves behind; with
   * false the leader alone.
   *
   * @default {true}
   */
  tree?: boolean;
}

const KEY = Symbol("ChildProcess");

/**
 * A running child process, as `Command.spawn()` returns it: what
 * `Deno.ChildProcess` has, and the tree.
 *
 * @example
 * ```ts
 * import { Command } from "@killable/process";
 *
 * await using child = new Command(Deno.execPath(), {
 *   args: ["eval", "setTimeout(() => {}, 60_000)"],
 * }).spawn();
 * const status = await child.wait({ timeout: 100 });
 * console.log(status.timedOut); // true
 * ```
 */
export class ChildProcess implements AsyncDisposable {
  static {
    // `instanceof Deno.ChildProcess` holds, as for a drop-in it must. Every member
    // of that class is overridden here; its constructor never runs.
    Object.setPrototypeOf(this.prototype, Deno.ChildProcess.prototype);
  }

  readonly #native: NativeProcess;
  readonly #control: RunControl;
  readonly #status: Promise<CommandStatus>;
  #resolveStatus!: (status: CommandStatus) => void;
  #finished = false;
  #sweep: boolean;
  #stopping: Promise<StopReport> | null = null;
  // Set before the first step of a stop: the leader may be seen to end in it.
  #sweeping = false;
  readonly #stopState: StopState = { deadline: 0, watch: null };
  #stopError: unknown = null;
  #killSignal = 0;
  #asked = false;
  #timedOut = false;
  #aborted = false;
  // Whether timeout and abort signal are still in force.
  #armed = true;
  readonly #timer: Timer;
  readonly #onAbort = (): void => {
    this.#aborted = true;
    this.#stopInBackground(this.#control.grace);
  };
  #stdin: WritableStream<Uint8Array> | null = null;
  #stdout: SubprocessReadableStream | null = null;
  #stderr: SubprocessReadableStream | null = null;
  #treeExited: Promise<void> | null = null;

  /** Not for callers: {@linkcode Command.spawn} makes these. */
  constructor(
    key: symbol,
    native: NativeProcess,
    control: RunControl,
    sweep: boolean,
  ) {
    if (key !== KEY) throw new TypeError("Illegal constructor");
    this.#native = native;
    this.#control = control;
    this.#sweep = sweep;
    this.#status = new Promise((resolve) => this.#resolveStatus = resolve);
    this.#timer = new Timer(control.timeout, () => {
      this.#timedOut = true;
      this.#stopInBackground(control.grace);
    });
    try {
      native.onExit = () => this.#leaderExited();
    } catch (error) {
      // No descriptor for the watch, for example: nobody would ever hear of it.
      this.#timer.clear();
      discard(native);
      throw error;
    }
    if (control.input !== null) this.#feed(control.input);
    const signal = control.abortSignal;
    if (signal?.aborted) this.#onAbort();
    else if (this.#armed) {
      signal?.addEventListener("abort", this.#onAbort, { once: true });
    }
  }

  /** Process id of the child. */
  get pid(): number {
    return this.#native.pid;
  }

  /** The mechanism that holds the tree, and what it guarantees. */
  get containment(): Containment {
    return this.#native.containment;
  }

  /**
   * The child's standard input.
   *
   * @throws {TypeError} when it is not piped.
   */
  get stdin(): WritableStream<Uint8Array> {
    if (this.#native.stdin === null || this.#control.input !== null) {
      throw notPiped("stdin");
    }
    return this.#stdin ??= writableTo(this.#native.stdin);
  }

  /**
   * The child's standard output.
   *
   * @throws {TypeError} when it is not piped.
   */
  get stdout(): SubprocessReadableStream {
    if (this.#native.stdout === null) throw notPiped("stdout");
    return this.#stdout ??= readableFrom(this.#native.stdout);
  }

  /**
   * The child's standard error.
   *
   * @throws {TypeError} when it is not piped.
   */
  get stderr(): SubprocessReadableStream {
    if (this.#native.stderr === null) throw notPiped("stderr");
    return this.#stderr ??= readableFrom(this.#native.stderr);
  }

  /**
   * Resolves when the child has exited; never rejects. Descendants may live on:
   * see {@linkcode ChildProcess.treeExited}, {@linkcode ChildProcess.wait},
   * {@linkcode ChildProcess.stop}.
   */
  get status(): Promise<CommandStatus> {
    return this.#status;
  }

  /** Resolves when the child and everything it started is gone. */
  get treeExited(): Promise<void> {
    return this.#treeExited ??= this.#awaitTree();
  }

  /**
   * Sends one signal, to the tree. A child that is already gone is no error.
   *
   * Windows: every signal that ends a process ends the tree at once.
   *
   * @param signo A signal's name or number; 0 only checks the arguments.
   * @param options Whether the leader alone is meant.
   * @throws {TypeError} when this OS does not know the signal.
   * @throws {SurvivorsError} when a member of the tree may not be signalled.
   *
   * @default {"SIGTERM"} for `signo`
   */
  kill(signo: Deno.Signal | number = "SIGTERM", options?: KillOptions): void {
    const number = signalNumber(backend().signals, signo);
    if (number === 0) return;
    if (!this.#finished) this.#killSignal = number;
    if (options?.tree === false) {
      this.#native.signalLeader(signo);
    } else if (number === SIGKILL) {
      const { refused, unsettled } = this.#native.killTree();
      if (refused.length > 0) {
        throw new SurvivorsError(this.#control.command, refused);
      }
      // It forks faster than one call can chase it.
      if (unsettled) this.#stopInBackground(0);
    } else this.#native.signalTree(signo, false);
  }

  /**
   * Ends the tree: soft signal, grace, hard kill; resolves when every process of
   * it is gone. A stop that is already under way is joined; a shorter grace
   * shortens its.
   *
   * @param options Signal and grace.
   * @returns What it took.
   * @throws {SurvivorsError} when something could not be ended; it names it.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * const child = new Command(Deno.execPath(), {
   *   args: ["eval", "setTimeout(() => {}, 60_000)"],
   * }).spawn();
   * const report = await child.stop({ grace: 1000 });
   * console.log(report.survivors); // 0
   * ```
   */
  async stop(options: StopOptions = {}): Promise<StopReport> {
    const grace = duration(options.grace, "grace", this.#control.grace);
    const signal = stopSignal(options.signal, this.#control.stopSignal);
    return await this.#beginStop(signal, grace);
  }

  /**
   * Waits for the child to exit. When the time is up, its tree is ended, and the
   * status says so. What the child left behind when it exited is ended as well.
   *
   * @param options Timeout, grace, and whether the leader alone is meant.
   * @returns How the child ended.
   * @throws {SurvivorsError} when something could not be ended; it names it.
   */
  async wait(options: WaitOptions = {}): Promise<CommandStatus> {
    const timeout = duration(options.timeout, "timeout", Infinity);
    const grace = duration(options.grace, "grace", this.#control.grace);
    const tree = options.tree ?? true;
    if (tree) this.#sweep = true;
    const timer = new Timer(this.#finished ? Infinity : timeout, () => {
      this.#timedOut = true;
      if (tree) this.#stopInBackground(grace);
      else this.#stopLeader(grace);
    });
    try {
      if (tree && this.#finished) await this.stop({ grace });
      const status = await this.#status;
      this.#throwStopError();
      return status;
    } finally {
      timer.clear();
    }
  }

  /**
   * Collects what the child writes until it has exited, and its status. What the
   * child left behind when it exited is ended, so that a descendant that holds a
   * pipe does not hold up the caller.
   *
   * @returns Status and output.
   * @throws {TypeError} when a stream is locked.
   * @throws {OutputLimitExceeded} when a stream grew past `maxOutput`.
   * @throws {SurvivorsError} when something could not be ended; it names it.
   */
  async output(): Promise<CommandOutput> {
    if (this.#stdout?.locked) throw locked("stdout");
    if (this.#stderr?.locked) throw locked("stderr");
    this.#sweep = true;
    const stdout = this.#capture(this.#native.stdout, this.#stdout);
    const stderr = this.#capture(this.#native.stderr, this.#stderr);
    if (this.#finished) await this.stop();
    const status = await this.#status;
    // The tree is empty: whoever else holds a pipe is not of it.
    this.#native.stdout?.finish();
    this.#native.stderr?.finish();
    await stdout?.done;
    await stderr?.done;
    await this.#native.settled();
    this.#throwStopError();
    const out = stdout === null ? null : stdout.capture.result();
    const err = stderr === null ? null : stderr.capture.result();
    if (stdout?.capture.exceeded || stderr?.capture.exceeded) {
      const { command, maxOutput } = this.#control;
      throw new OutputLimitExceeded(command, maxOutput, {
        stdout: out,
        stderr: err,
      });
    }
    const truncated = stdout?.capture.truncated || stderr?.capture.truncated;
    return commandOutput(status, out, err, truncated ?? false);
  }

  /** The living processes of the tree, without the child itself. */
  descendants(): ProcessInfo[] {
    return this.#native.descendants();
  }

  /** Stops every process of the tree until as many {@linkcode ChildProcess.resume} have been called. */
  suspend(): void {
    this.#native.suspendTree();
  }

  /** Undoes one {@linkcode ChildProcess.suspend}. */
  resume(): void {
    this.#native.resumeTree();
  }

  /** The living child holds the event loop; the default. */
  ref(): void {
    this.#native.ref();
    this.#timer.hold(true);
  }

  /** The living child no longer holds the event loop. */
  unref(): void {
    this.#native.unref();
    this.#timer.hold(false);
  }

  /** Stops the tree: the end of an `await using` scope leaves nothing running. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#status;
    // Nobody has asked for these streams; what is in the others can still be read.
    if (this.#stdin === null) this.#native.stdin?.close();
    if (this.#stdout === null) this.#native.stdout?.close();
    if (this.#stderr === null) this.#native.stderr?.close();
    this.#native.stdout?.finish();
    this.#native.stderr?.finish();
    await this.#native.settled();
  }

  #leaderExited(): void {
    if (!this.#isOutlived()) this.#disarm();
    // A stop under way sweeps the tree first, while the zombie keeps the number.
    if (this.#sweeping) return;
    if (this.#sweep && !this.#native.treeIsEmpty()) {
      this.#stopInBackground(this.#control.grace);
      return;
    }
    if (this.#sweep) this.#native.retire();
    this.#finish();
  }

  // Whether timeout or abort still have something to end. They no longer hold
  // the event loop then: what the leader left behind is not waited for.
  #isOutlived(): boolean {
    const { timeout, abortSignal } = this.#control;
    if (timeout === Infinity && abortSignal === null) return false;
    if (this.#sweep || this.#sweeping || this.#native.treeIsEmpty()) {
      return false;
    }
    this.#timer.hold(false);
    return true;
  }

  #disarm(): void {
    if (!this.#armed) return;
    this.#armed = false;
    this.#timer.clear();
    this.#control.abortSignal?.removeEventListener("abort", this.#onAbort);
  }

  // Reaps and reports. Called when whatever had to be swept is swept.
  #finish(): void {
    if (this.#finished || this.#native.exitStatus(true) === null) return;
    if (this.#finished) return;
    this.#finished = true;
    this.#native.release();
    const exit = this.#native.exitStatus(false) as ExitStatus;
    const died = exit.signal !== null &&
      backend().signals[exit.signal] === this.#killSignal;
    this.#report({
      success: exit.code === 0,
      code: exit.code,
      signal: exit.signal,
      timedOut: this.#timedOut,
      aborted: this.#aborted,
      killed: this.#asked || died,
      lost: exit.lost,
    });
  }

  #report(status: CommandStatus): void {
    const settled = this.#native.settled();
    if (settled === null) this.#resolveStatus(status);
    else this.#reportAfter(settled, status);
  }

  async #reportAfter(
    settled: Promise<void>,
    status: CommandStatus,
  ): Promise<void> {
    await settled;
    this.#resolveStatus(status);
  }

  async #beginStop(signal: Deno.Signal, grace: number): Promise<StopReport> {
    const deadline = performance.now() + grace;
    if (this.#stopping !== null) {
      if (deadline < this.#stopState.deadline) {
        this.#stopState.deadline = deadline;
        this.#stopState.watch?.cancel();
      }
      return await this.#stopping;
    }
    if (!this.#finished) this.#asked ||= this.#native.exitStatus(true) === null;
    this.#stopState.deadline = deadline;
    this.#sweeping = true;
    this.#stopping = this.#runStop(signal, grace);
    return await this.#stopping;
  }

  async #runStop(signal: Deno.Signal, grace: number): Promise<StopReport> {
    try {
      const { command } = this.#control;
      const request = { command, signal, grace };
      const report = await runStop(this.#native, request, this.#stopState);
      this.#native.retire();
      this.#disarm();
      return report;
    } catch (error) {
      this.#stopError = error;
      throw error;
    } finally {
      this.#finish();
      this.#sweeping = false;
      this.#stopping = null;
    }
  }

  async #stopInBackground(grace: number): Promise<void> {
    try {
      await this.#beginStop(this.#control.stopSignal, grace);
    } catch {
      // Kept in #stopError, for whoever waits for the outcome.
    }
  }

  // The leader alone: soft signal, grace, hard kill. Its exit ends the matter.
  #stopLeader(grace: number): void {
    this.#asked = true;
    if (grace > 0) this.#native.signalLeader(this.#control.stopSignal);
    if (grace > 0) this.#native.signalLeader("SIGCONT" as Deno.Signal);
    const kill = (): void => {
      if (!this.#finished) this.#native.signalLeader("SIGKILL");
    };
    if (grace === 0) kill();
    else this.#clearAtExit(new Timer(grace, kill));
  }

  async #clearAtExit(timer: Timer): Promise<void> {
    await this.#status;
    timer.clear();
  }

  async #awaitTree(): Promise<void> {
    await this.#status;
    await this.#native.watchTree().wait(Infinity);
    this.#native.retire();
    this.#disarm();
  }

  async #feed(input: Input): Promise<void> {
    try {
      await feedInput(this.#native.stdin as ByteSink, input);
    } catch (error) {
      // A failed input must not look to the child like the end of it: the run
      // fails with it.
      this.#stopInBackground(this.#control.grace);
      this.#stopError = error;
    }
  }

  #throwStopError(): void {
    if (this.#stopError !== null) throw this.#stopError;
  }

  #capture(
    source: ByteSource | null,
    stream: SubprocessReadableStream | null,
  ): { capture: Capture; done: Promise<void> } | null {
    if (source === null) return null;
    const { maxOutput, outputPolicy, grace } = this.#control;
    const capture = new Capture(maxOutput, outputPolicy);
    const overflow = (): void => {
      this.#stopInBackground(grace);
    };
    const done = stream === null
      ? capture.readAll(source, overflow)
      : capture.readStream(stream, overflow);
    return { capture, done };
  }
}

const SIGKILL = 9;
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

/**
 * Makes the public object of a started process; for this library's modules only.
 *
 * @param native The process.
 * @param control How the run ends.
 * @param sweep Whether what the leader leaves behind is ended when it exits.
 * @returns The object.
 */
export function makeChildProcess(
  native: NativeProcess,
  control: RunControl,
  sweep: boolean,
): ChildProcess {
  return new ChildProcess(KEY, native, control, sweep);
}

function locked(name: string): TypeError {
  return new TypeError(`Cannot collect output: '${name}' is locked`);
}
