/**
 * A child process and the tree it leads.
 *
 * @module
 */

import { backend } from "../backend/backend.ts";
import type { Containment, ProcessInfo } from "../backend/containment.ts";
import { OutputLimitExceeded, SurvivorsError } from "../backend/errors.ts";
import type { LimitReport } from "../backend/limits.ts";
import type {
  ByteSink,
  ByteSource,
  ExitStatus,
  NativeDescriptor,
  NativeProcess,
  TerminalSize,
} from "../backend/native.ts";
import { signalNumber } from "../backend/signals.ts";
import { Timer } from "../backend/timer.ts";
import type { Usage } from "../backend/usage.ts";
import { RunLimits } from "./limits/run_limits.ts";
import { terminalSize } from "./options/attributes.ts";
import type { ReadyOptions, ReadyResult } from "./ready/plan.ts";
import { untilReady } from "./ready/ready.ts";
import {
  type RunControl,
  runStop,
  SharedStop,
  type StopOptions,
  type StopState,
} from "./run/stop.ts";
import {
  type CommandOutput,
  commandOutput,
  type CommandStatus,
  sample,
  type SampleOptions,
  statusWith,
  type StopReport,
} from "./run/status.ts";
import { Capture } from "./stdio/capture.ts";
import {
  type ChildDescriptor,
  ChildOutput,
  DescriptorStreams,
  type OutputName,
  Tee,
} from "./stdio/child_output.ts";
import {
  feedInput,
  type Input,
  notPiped,
  type SubprocessReadableStream,
  writableTo,
} from "./stdio/streams.ts";
import {
  DEFAULT_MAX_LINE_LENGTH,
  linesOf,
  type LinesOptions,
  type OutputLine,
  taggedLinesOf,
} from "./stdio/lines.ts";
import { IdleClock, ObservedSource } from "./stdio/observed_source.ts";
import { duration, lineLength, oneOf, stopSignal } from "./validate.ts";

/** Options of {@linkcode ChildProcess.kill}. */
export interface KillOptions {
  /**
   * Whether the signal goes to the whole tree, or to the leader alone.
   *
   * @default {true}
   */
  tree?: boolean;
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

/** What a job tells its children, which it ends together. */
export interface JobHold {
  /** A stop of the job begins, and means the child's tree as well. */
  stopBegins(child: ChildProcess): void;
  /** The stop is over, with an error or `null`. */
  stopEnded(child: ChildProcess, error: unknown): void;
  /** A signal is sent to all of the job. */
  signalled(child: ChildProcess, number: number): void;
}

/** Set by the class, to whose private parts it reaches; for job.ts only. */
export let jobHold: JobHold;
const KEY = Symbol("ChildProcess");

// A child without further descriptors, as most are.
const NO_STREAMS: readonly DescriptorStreams[] = [];
const NO_FDS: Readonly<Record<number, ChildDescriptor>> = Object.freeze({});

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
    jobHold = {
      stopBegins: (child) => child.#beginSweep(),
      stopEnded: (child, error) => child.#endJobSweep(error),
      signalled: (child, number) => {
        if (!child.#finished) (child.#sent ??= new Set()).add(number);
      },
    };
  }

  readonly #native: NativeProcess;
  readonly #control: RunControl;
  readonly #status: Promise<CommandStatus>;
  #resolveStatus!: (status: CommandStatus) => void;
  #finished = false;
  #sweep: boolean;
  readonly #stop = new SharedStop();
  // Stops under way, its own and its job's. Counted before the first step of one:
  // the leader may be seen to end in it.
  #sweepers = 0;
  #stopError: unknown = null;
  // Numbers of the signals that the caller sent.
  #sent: Set<number> | null = null;
  #asked = false;
  // A hard kill is to be proved when the leader has ended.
  #killedTree = false;
  #timedOut = false;
  #idledOut = false;
  #aborted = false;
  // Whether timeout and abort signal are still in force.
  #armed = true;
  readonly #timer: Timer;
  readonly #limits: RunLimits | null;
  readonly #onAbort = (): void => {
    this.#aborted = true;
    this.#stopInBackground(this.#control.grace);
  };
  #stdin: WritableStream<Uint8Array> | null = null;
  readonly #stdout: ChildOutput | null;
  readonly #stderr: ChildOutput | null;
  readonly #idle: IdleClock | null;
  readonly #tee: Tee | null;
  #treeExited: Promise<void> | null = null;
  readonly #fds: readonly DescriptorStreams[];
  #nextStop: Promise<void> | null = null;
  #resolveStop: () => void = () => {};

  /**
   * The descriptors that were asked for with `fds`, by number: streams for those
   * that are pipes.
   */
  readonly fds: Readonly<Record<number, ChildDescriptor>>;

  /**
   * Not for callers: {@linkcode Command.spawn} makes these.
   *
   * @internal
   */
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
    this.#limits = control.limits === null
      ? null
      : new RunLimits(native, control.limits, () => this.#stopInBackground(0));
    this.#fds = native.fds.length === 0 ? NO_STREAMS : streamsOf(native.fds);
    this.fds = this.#fds.length === 0 ? NO_FDS : byNumber(this.#fds);
    this.#idle = control.idleTimeout === Infinity
      ? null
      : new IdleClock(control.idleTimeout, () => {
        this.#idledOut = true;
        this.#stopInBackground(control.grace);
      });
    this.#tee = control.tee === null
      ? null
      : new Tee(control.tee, (error) => this.#failRun(error));
    this.#stdout = this.#observed("stdout", native.stdout);
    this.#stderr = this.#observed("stderr", native.stderr);
    try {
      native.onExit = () => this.#leaderExited();
    } catch (error) {
      // No descriptor for the watch, for example: nobody would ever hear of it.
      this.#disarm();
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
    if (this.#stdout === null) throw notPiped("stdout");
    return this.#stdout.ask();
  }

  /**
   * The child's standard error.
   *
   * @throws {TypeError} when it is not piped.
   */
  get stderr(): SubprocessReadableStream {
    if (this.#stderr === null) throw notPiped("stderr");
    return this.#stderr.ask();
  }

  /**
   * Resolves when the child has exited; never rejects. Descendants may live on:
   * see {@linkcode ChildProcess.treeExited}, {@linkcode ChildProcess.wait},
   * {@linkcode ChildProcess.stop}.
   */
  get status(): Promise<CommandStatus> {
    return this.#status;
  }

  /**
   * Resolves when the child and everything it started is gone.
   *
   * With the containment `process-group` (macOS), what has left the group is not
   * waited for.
   */
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
    if (!this.#finished) (this.#sent ??= new Set()).add(number);
    if (options?.tree === false) {
      this.#native.signalLeader(signo);
    } else if (number === SIGKILL) {
      const { refused, unsettled, unproved } = this.#native.killTree();
      if (refused.length > 0) {
        throw new SurvivorsError(this.#control.command, refused);
      }
      if (unproved) this.#killedTree = true;
      // It forks faster than one call can chase it; or the end of its leader, which
      // would have that proved, is over.
      if (unsettled || unproved && this.#finished) this.#stopInBackground(0);
    } else this.#native.signalTree(signo, false);
  }

  /**
   * Ends the tree: soft signal, grace, hard kill; resolves when every process of
   * it is gone. A stop that is already under way is joined; a shorter grace
   * shortens its.
   *
   * Windows has no signals: the soft one is Ctrl-C, Ctrl-Break or a close of
   * windows; `signal` of the report says which. A tree that can be given none of
   * them is ended at once.
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
    const stdout = this.#capture(this.#stdout);
    const stderr = this.#capture(this.#stderr);
    if (this.#finished) await this.stop();
    const status = await this.#status;
    // The tree is empty: whoever else holds a pipe is not of it.
    this.#stdout?.finish();
    this.#stderr?.finish();
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

  /**
   * The lines of standard output, or of standard error, without their `\n` or
   * `\r\n`. A last line without an end counts; a `\r` alone ends no line; what is
   * no UTF-8 becomes U+FFFD.
   *
   * Lines are read as they are taken, so a slow loop slows the child down.
   * Leaving the loop ends nothing and loses nothing: the rest can be read from
   * the stream, or by the next `lines()`.
   *
   * @param options Which output, and the longest line.
   * @returns The lines.
   * @throws {TypeError} when the output is not piped; at the first step, when it is locked.
   * @throws {RangeError} when `maxLineLength` is out of range.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using child = new Command(Deno.execPath(), {
   *   args: ["eval", "console.log('one'); console.log('two')"],
   *   stdout: "piped",
   * }).spawn();
   * for await (const line of child.lines()) console.log(line); // one, then two
   * ```
   */
  lines(
    options?: LinesOptions & { stream?: OutputName },
  ): AsyncIterableIterator<string, void, void>;
  /**
   * The lines of both outputs, each with the name of the output it came from, in
   * the order in which they arrive.
   *
   * @param options `stream: "both"`, and the longest line.
   * @returns The lines; of one output, when only one is piped.
   * @throws {TypeError} when no output is piped; at the first step, when one is locked.
   * @throws {RangeError} when `maxLineLength` is out of range.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using child = new Command(Deno.execPath(), {
   *   args: ["eval", "console.log('fine'); console.error('not fine')"],
   *   stdout: "piped",
   *   stderr: "piped",
   * }).spawn();
   * for await (const { stream, line } of child.lines({ stream: "both" })) {
   *   console.log(`${stream}: ${line}`);
   * }
   * ```
   */
  lines(
    options: LinesOptions & { stream: "both" },
  ): AsyncIterableIterator<OutputLine, void, void>;
  lines(
    options: LinesOptions = {},
  ): AsyncIterableIterator<string | OutputLine, void, void> {
    const stream = oneOf(options.stream, "stream", LINE_STREAMS);
    const max = lineLength(options.maxLineLength, DEFAULT_MAX_LINE_LENGTH);
    if (stream === "both") {
      const outputs = this.#outputs();
      if (outputs.length === 0) throw notPiped("stdout");
      for (let i = 0; i < outputs.length; i++) outputs[i]?.ask();
      return taggedLinesOf(outputs, max);
    }
    const output = stream === "stdout" ? this.#stdout : this.#stderr;
    if (output === null) throw notPiped(stream);
    output.ask();
    return linesOf(output, max);
  }

  /**
   * Waits until the child is ready: it has written a line, accepts connections on
   * a port, or has made a file.
   *
   * The output up to the line that matched is consumed; what follows can be read.
   * Output that nobody has asked for is thrown away from then on, so that it does
   * not block the child: see `drain`. With `port` or `file` that means all of it.
   *
   * @param options What to wait for, and for how long.
   * @returns The line and its match, and how long it took.
   * @throws {NotReadyError} when the child exits before, or closes its output, or
   * when the time is up: it goes on running then. The last lines are attached.
   * @throws {TypeError} for invalid options, or when an output is not piped, or locked.
   * @throws {Deno.errors.NotCapable} without `--allow-net` for `port`, or `--allow-read` for `file`.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using server = new Command(Deno.execPath(), {
   *   args: ["eval", "console.log('listening on 8080'); setInterval(() => {}, 1000)"],
   *   stdout: "piped",
   * }).spawn();
   * const { groups } = await server.ready({ line: /listening on (?<port>\d+)/ });
   * console.log(groups.port); // 8080
   * ```
   */
  async ready(options: ReadyOptions): Promise<ReadyResult> {
    const { command } = this.#control;
    const outputs = this.#outputs();
    return await untilReady(
      { command, outputs, status: this.#status },
      options,
    );
  }

  #outputs(): ChildOutput[] {
    const outputs: ChildOutput[] = [];
    if (this.#stdout !== null) outputs[outputs.length] = this.#stdout;
    if (this.#stderr !== null) outputs[outputs.length] = this.#stderr;
    return outputs;
  }

  /**
   * Whether the child has the terminal that this process runs on: it was started
   * with `foreground`, there is a terminal, and the child is not stopped. Always
   * false on Windows.
   */
  get foreground(): boolean {
    return this.#native.foreground;
  }

  /**
   * Waits until job control stops a `foreground` child: Ctrl-Z, or the signal that
   * a terminal sends to a background process. The terminal is this process's again
   * then, with its modes, until {@linkcode ChildProcess.resume} lets the child go on.
   *
   * A program that never calls this is stopped together with its child, as if they
   * shared the terminal, so that the user's shell is there again; `fg` continues
   * both. From the first call on it is the program's to decide.
   *
   * Windows has no job control: resolves at the exit.
   *
   * @returns The signal; at once when the child is stopped already; `null` when it
   * has exited.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * const child = new Command(Deno.execPath(), { args: ["eval", ""], foreground: true }).spawn();
   * while (await child.jobStopped() !== null) {
   *   console.log("Stopped: the terminal is ours. Going on.");
   *   child.resume();
   * }
   * console.log((await child.status).code); // 0
   * ```
   */
  async jobStopped(): Promise<Deno.Signal | null> {
    this.#native.onStop ??= () => this.#announceStop();
    for (;;) {
      const signal = this.#native.stoppedBy();
      if (signal !== null || this.#native.exitStatus(false) !== null) {
        return signal;
      }
      await (this.#nextStop ??= new Promise((resolve) => {
        this.#resolveStop = resolve;
      }));
    }
  }

  /**
   * Tells the pseudo-terminal of a child that was started with `pty` its size. The
   * child hears of it by SIGWINCH. Linux only.
   *
   * @param size Columns and rows.
   * @throws {TypeError} when the child has no pseudo-terminal.
   * @throws {RangeError} for a size out of range.
   */
  resize(size: TerminalSize): void {
    const checked = terminalSize(size, "size");
    if (this.#native.resizeTerminal(checked)) return;
    throw new TypeError(
      "Cannot resize: the child has no pseudo-terminal; start it with 'pty'",
    );
  }

  /**
   * The living processes of the tree, without the child itself. With the
   * containment `process-group` (macOS), what has left the group may be missing.
   *
   * @returns Each with pid, parent, command, state and start time.
   */
  descendants(): ProcessInfo[] {
    return this.#native.descendants();
  }

  /**
   * Stops every process of the tree until as many {@linkcode ChildProcess.resume}
   * have been called: with SIGSTOP, or the freezer of its cgroup; on Windows with
   * `NtSuspendProcess`.
   */
  suspend(): void {
    this.#native.suspendTree();
  }

  /**
   * Undoes one {@linkcode ChildProcess.suspend}, or the stop of a `foreground`
   * child, which gets the terminal again.
   */
  resume(): void {
    this.#native.resumeTree();
  }

  /** What holds each of the `limits` that were asked for; empty without any. */
  get limits(): readonly LimitReport[] {
    return this.#limits?.reports() ?? [];
  }

  /**
   * What the child and its tree have used so far: a look now, or, when all of it
   * has ended, what it used in all.
   *
   * @returns The figures; `null` for those that this system does not tell.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * await using child = new Command(Deno.execPath(), {
   *   args: ["eval", "setTimeout(() => {}, 60_000)"],
   * }).spawn();
   * console.log(child.usage().tree.processes); // 1
   * ```
   */
  usage(): Usage {
    return this.#native.usage("full");
  }

  /**
   * Usage from time to time, for a plot: the first at once, the last when the
   * tree has ended, which ends the iteration.
   *
   * @param options How often.
   * @returns The figures, with the time since the start in `elapsed`.
   * @throws {TypeError} when `interval` is no number.
   * @throws {RangeError} when `interval` is less than 1 millisecond.
   *
   * @example
   * ```ts
   * import { Command } from "@killable/process";
   *
   * const child = new Command(Deno.execPath(), { args: ["eval", "0"] }).spawn();
   * for await (const { elapsed, tree } of child.sample({ interval: 50 })) {
   *   console.log(elapsed, tree.memory);
   * }
   * ```
   */
  sample(options: SampleOptions = {}): AsyncIterableIterator<Usage> {
    return sample(this.#native, this.#status, options);
  }

  /** The living child holds the event loop; the default. */
  ref(): void {
    this.#native.ref();
    this.#limits?.hold(true);
    this.#stdout?.hold(true);
    this.#stderr?.hold(true);
    this.#timer.hold(true);
  }

  /** The living child no longer holds the event loop. */
  unref(): void {
    this.#native.unref();
    this.#limits?.hold(false);
    this.#stdout?.hold(false);
    this.#stderr?.hold(false);
    this.#timer.hold(false);
  }

  /** Stops the tree: the end of an `await using` scope leaves nothing running. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#status;
    if (this.#stdin === null) this.#native.stdin?.close();
    this.#stdout?.dispose();
    this.#stderr?.dispose();
    for (let i = 0; i < this.#fds.length; i++) this.#fds[i]?.release();
    await this.#native.settled();
  }

  #announceStop(): void {
    this.#nextStop = null;
    this.#resolveStop();
  }

  #observed(name: OutputName, pipe: ByteSource | null): ChildOutput | null {
    if (pipe === null) return null;
    // The limit first: what is beyond it is shown to nobody.
    const source = this.#limits?.bound(pipe) ?? pipe;
    if (this.#idle === null && this.#tee === null) {
      return new ChildOutput(name, source);
    }
    return new ChildOutput(
      name,
      new ObservedSource(source, name, this.#idle, this.#tee),
    );
  }

  #leaderExited(): void {
    this.#announceStop();
    this.#idle?.stop();
    if (!this.#isOutlived()) this.#disarm();
    // A stop under way sweeps the tree first, while the zombie keeps the number.
    if (this.#sweepers > 0) return;
    const sweep = this.#sweep || this.#killedTree;
    if (sweep && !this.#native.treeIsEmpty()) {
      // A bomb must not get the grace.
      this.#limits?.glance();
      this.#stopInBackground(this.#killedTree ? 0 : this.#control.grace);
      return;
    }
    if (sweep) this.#retire();
    this.#finish();
  }

  // Whether timeout or abort still have something to end. They no longer hold
  // the event loop then: what the leader left behind is not waited for.
  #isOutlived(): boolean {
    const { timeout, abortSignal } = this.#control;
    if (timeout === Infinity && abortSignal === null) return false;
    if (this.#sweep || this.#sweepers > 0 || this.#native.treeIsEmpty()) {
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
    if (this.#sweep || this.#sweepers > 0) {
      // The tree is empty: what nobody reads needs no reader any more.
      this.#stdout?.finishDrain();
      this.#stderr?.finishDrain();
    }
    const exit = this.#native.exitStatus(false) as ExitStatus;
    const number = exit.signal === null ? 0 : backend().signals[exit.signal];
    const died = this.#sent?.has(number ?? 0) ?? false;
    const killed = this.#asked || died;
    const fields = {
      success: exit.code === 0,
      code: exit.code,
      signal: exit.signal,
      timedOut: this.#timedOut,
      idledOut: this.#idledOut,
      aborted: this.#aborted,
      killed,
      lost: exit.lost,
      limit: this.#limits?.leaderEnded(exit, killed) ?? null,
    };
    const native = this.#native;
    this.#report(statusWith(fields, () => native.usage("known")));
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
    return await this.#stop.join(
      grace,
      (state) => this.#runStop(signal, grace, state),
    );
  }

  async #runStop(
    signal: Deno.Signal,
    grace: number,
    state: StopState,
  ): Promise<StopReport> {
    this.#beginSweep();
    try {
      const { command } = this.#control;
      const killed = this.#killedTree;
      this.#killedTree = false;
      const request = { command, signal, grace, killed };
      const report = await runStop(this.#native, request, state);
      this.#retire();
      return report;
    } catch (error) {
      this.#stopError = error;
      throw error;
    } finally {
      this.#endSweep();
    }
  }

  #beginSweep(): void {
    this.#sweepers++;
    if (!this.#finished) this.#asked ||= this.#native.exitStatus(true) === null;
  }

  #endSweep(): void {
    this.#finish();
    this.#sweepers--;
  }

  // A stop of the job is over. What it could not end may be another child's.
  #endJobSweep(error: unknown): void {
    if (error === null || this.#native.treeIsEmpty()) this.#retire();
    else this.#stopError = error;
    this.#endSweep();
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
    // A stop under way waits for the same; nothing of it is to outlast this.
    await this.#stop.over();
    await this.#native.watchTree().wait(Infinity);
    await this.#stop.over();
    this.#retire();
  }

  // The tree is empty.
  #retire(): void {
    this.#limits?.end();
    this.#native.retire();
    this.#disarm();
  }

  async #feed(input: Input): Promise<void> {
    try {
      await feedInput(this.#native.stdin as ByteSink, input);
    } catch (error) {
      // A failed input must not look to the child like the end of it.
      this.#failRun(error);
    }
  }

  // The run fails with an error that is not the child's.
  #failRun(error: unknown): void {
    this.#stopInBackground(this.#control.grace);
    this.#stopError ??= error;
  }

  #throwStopError(): void {
    if (this.#stopError !== null) throw this.#stopError;
  }

  #capture(
    output: ChildOutput | null,
  ): { capture: Capture; done: Promise<void> } | null {
    if (output === null) return null;
    const { maxOutput, outputPolicy, grace } = this.#control;
    const capture = new Capture(maxOutput, outputPolicy, backend().memory);
    const overflow = (): void => {
      this.#stopInBackground(grace);
    };
    return { capture, done: this.#read(output, capture, overflow) };
  }

  // What cannot be read ends the run: the child might wait for a reader for ever.
  async #read(
    output: ChildOutput,
    capture: Capture,
    overflow: () => void,
  ): Promise<void> {
    try {
      await output.capture(capture, overflow);
    } catch (error) {
      this.#failRun(error);
    }
  }
}

const SIGKILL = 9;
const LINE_STREAMS = ["stdout", "stderr", "both"] as const;

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

function streamsOf(fds: readonly NativeDescriptor[]): DescriptorStreams[] {
  const streams: DescriptorStreams[] = [];
  for (let i = 0; i < fds.length; i++) {
    streams[i] = new DescriptorStreams(fds[i] as NativeDescriptor);
  }
  return streams;
}

function byNumber(
  streams: readonly DescriptorStreams[],
): Record<number, ChildDescriptor> {
  const fds: Record<number, ChildDescriptor> = {};
  for (let i = 0; i < streams.length; i++) {
    const one = streams[i] as DescriptorStreams;
    fds[one.number] = one;
  }
  return fds;
}
