/**
 * A job: several commands that live and die together.
 *
 * @module
 */

import { backend } from "../backend/backend.ts";
import type { ProcessInfo } from "../backend/containment.ts";
import { SurvivorsError } from "../backend/errors.ts";
import type { LimitName, LimitReport } from "../backend/limits.ts";
import type { NativeJob, NativeProcess } from "../backend/native.ts";
import { signalNumber } from "../backend/signals.ts";
import type { SpawnSpec } from "../backend/spec.ts";
import { Timer } from "../backend/timer.ts";
import type { ResourceUsage, UsageLook } from "../backend/usage.ts";
import {
  type ChildProcess,
  jobHold,
  makeChildProcess,
} from "./child_process.ts";
import {
  Command,
  type CommandOptionsWithoutArgs,
  prepare,
  type Prepared,
  SPAWN_DEFAULTS,
  withArgs,
} from "./command.ts";
import { type JobLimits, JobLimitWatch, JobUsage } from "./job/limits.ts";
import {
  type JobControl,
  type JobOptions,
  SignalTrap,
  toJobControl,
} from "./job/options.ts";
import type { CommandOptions } from "./options/options.ts";
import type { CommandStatus, StopReport } from "./run/status.ts";
import {
  runStop,
  SharedStop,
  type StopOptions,
  type StopState,
} from "./run/stop.ts";
import { duration, stopSignal } from "./validate.ts";

interface Entry {
  readonly command: string;
  readonly child: ChildProcess;
  readonly native: NativeProcess;
  status: CommandStatus | null;
}

/** Set by the class: starts a prepared command in a job; for pipeline.ts only. */
export let startInJob: (job: Job, prepared: Prepared) => ChildProcess;
const SIGKILL = 9;

/**
 * Several commands that live and die together: one policy, one stop, one end.
 * Each child is a {@linkcode ChildProcess} like any other, with a tree of its
 * own; the job is all of these trees together.
 *
 * @example A server for the length of a test run
 * ```ts
 * import { Job } from "@killable/process";
 *
 * await using job = new Job({ policy: "first-exit", stopOn: ["SIGINT"] });
 * job.spawn(Deno.execPath(), ["eval", "setInterval(() => {}, 1000)"]);
 * const tests = job.spawn(Deno.execPath(), ["eval", "console.log('passed')"]);
 * const { success, first } = await job.exited;
 * console.log(success, first === tests); // true true
 * ```
 */
export class Job implements AsyncDisposable {
  static {
    startInJob = (job, prepared) => job.#start(prepared);
  }

  readonly #control: JobControl;
  readonly #native: NativeJob;
  readonly #entries: Entry[] = [];
  readonly #stop = new SharedStop();
  readonly #trap: SignalTrap;
  readonly #ended: Promise<void>;
  #resolveEnded!: () => void;
  #exited: Promise<JobResult> | null = null;
  #timer: Timer | null = null;
  readonly #usage = new JobUsage(() => this.#natives);
  #limits: JobLimitWatch | null = null;
  #running = 0;
  // From the first stop on nothing is started any more.
  #closed = false;
  #first: ChildProcess | null = null;
  #timedOut = false;
  #aborted = false;
  #signal: Deno.Signal | null = null;
  #report: StopReport | null = null;
  #stopError: unknown = null;
  readonly #onAbort = (): void => {
    this.#aborted = true;
    this.#stopInBackground(this.#control.grace);
  };

  /**
   * Makes a job; starts nothing.
   *
   * @param options What ends it, and how.
   * @throws {TypeError} for invalid options.
   * @throws {RangeError} for a duration or a limit out of range.
   * @throws {Deno.errors.NotSupported} for a limit that this system does not have.
   */
  constructor(options: JobOptions = {}) {
    this.#control = toJobControl(options);
    this.#native = backend().createJob(this.#control.killOnParentExit);
    this.#ended = new Promise((resolve) => this.#resolveEnded = resolve);
    this.#trap = new SignalTrap(
      this.#control.stopOn,
      (signal) => this.#signalled(signal),
    );
    const { abortSignal } = this.#control;
    if (abortSignal?.aborted) this.#onAbort();
    else abortSignal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** The children, in the order in which they were started. */
  get children(): readonly ChildProcess[] {
    return this.#entries.map(({ child }) => child);
  }

  /**
   * Resolves when the job has ended: its policy is fulfilled, or it was stopped,
   * and everything of it is gone. With `"all"`, and with `"first-failure"` when
   * nobody fails, that is when nothing runs any more; what the children left
   * behind is ended then. A job is open for more children until it is asked for
   * this: without it, a job whose children have all succeeded goes on. Without
   * any child it ends when it is stopped.
   *
   * Rejects with a {@linkcode SurvivorsError} when something could not be ended.
   */
  get exited(): Promise<JobResult> {
    this.#exited ??= this.#awaitEnd();
    this.#endWhenDone();
    return this.#exited;
  }

  /**
   * Starts a command in the job.
   *
   * @param command The command. `detached` cannot be had in a job; containment
   * and `killOnParentExit` are the job's.
   * @returns The running child.
   * @throws {TypeError} when the job has been stopped, and for invalid options.
   * @throws what {@linkcode Command.spawn} throws; the other children go on.
   */
  spawn(command: Command): ChildProcess;
  /**
   * Starts a program in the job.
   *
   * @param command The program.
   * @param options How to start and how to end it.
   * @returns The running child.
   */
  spawn(command: string | URL, options?: CommandOptions): ChildProcess;
  /**
   * Starts a program with arguments in the job.
   *
   * @param command The program.
   * @param args Its arguments.
   * @param options How to start and how to end it; without `args`.
   * @returns The running child.
   */
  spawn(
    command: string | URL,
    args: readonly string[],
    options?: CommandOptionsWithoutArgs,
  ): ChildProcess;
  spawn(
    command: Command | string | URL,
    argsOrOptions?: readonly string[] | CommandOptions,
    options?: CommandOptionsWithoutArgs,
  ): ChildProcess {
    const what = command instanceof Command
      ? command
      : withArgs(command, argsOrOptions, options);
    return this.#start(prepare(what, SPAWN_DEFAULTS, "Job.spawn()"));
  }

  /**
   * The living processes of the job, also those whose leader is gone.
   *
   * @returns Each with pid, parent, command, state and start time.
   */
  processes(): ProcessInfo[] {
    return this.#native.members();
  }

  /**
   * What all children and everything they started have used so far: the sums over
   * their trees. Those that have ended count with their final figures.
   *
   * @returns The sums, and where the figures come from.
   */
  usage(): ResourceUsage {
    return this.#usage.look("full");
  }

  /** What holds each of the job's `limits`; empty without any, and before the first spawn. */
  get limits(): readonly LimitReport[] {
    return this.#limits?.reports() ?? [];
  }

  /**
   * Sends one signal to every process of the job. A job in which nothing lives
   * is no error.
   *
   * Windows: every signal that ends a process ends the whole job at once.
   *
   * @param signo A signal's name or number; 0 only checks the argument.
   * @throws {TypeError} when this OS does not know the signal.
   * @throws {SurvivorsError} when a process may not be signalled.
   *
   * @default {"SIGTERM"} for `signo`
   */
  kill(signo: Deno.Signal | number = "SIGTERM"): void {
    const number = signalNumber(backend().signals, signo);
    if (number === 0) return;
    this.#entries.forEach(({ child }) => jobHold.signalled(child, number));
    if (number !== SIGKILL) this.#native.signalTree(signo, false);
    else {
      const { refused, unsettled } = this.#native.killTree();
      if (refused.length > 0) throw new SurvivorsError(this.#name, refused);
      // It forks faster than one call can chase it.
      if (unsettled) this.#stopInBackground(0);
    }
  }

  /** Stops every process of the job until as many {@linkcode Job.resume} have been called. */
  suspend(): void {
    this.#native.suspendTree();
  }

  /** Undoes one {@linkcode Job.suspend}. */
  resume(): void {
    this.#native.resumeTree();
  }

  /**
   * Ends the job: one soft signal to every process of it, one grace, one hard
   * kill; resolves when all are gone. A stop that is already under way is
   * joined; a shorter grace shortens its. Nothing can be started afterwards.
   *
   * @param options Signal and grace.
   * @returns What it took.
   * @throws {SurvivorsError} when something could not be ended; it names it.
   */
  async stop(options: StopOptions = {}): Promise<StopReport> {
    const grace = duration(options.grace, "grace", this.#control.grace);
    const signal = stopSignal(options.signal, this.#control.stopSignal);
    return await this.#beginStop(signal, grace);
  }

  /** Stops the job: the end of an `await using` scope leaves nothing running. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#ended;
    for (let i = 0; i < this.#entries.length; i++) {
      await (this.#entries[i] as Entry).child[Symbol.asyncDispose]();
    }
  }

  get #natives(): NativeProcess[] {
    return this.#entries.map(({ native }) => native);
  }

  get #name(): string {
    return this.#entries.map(({ command }) => command).join("', '");
  }

  #start(prepared: Prepared): ChildProcess {
    const { command } = prepared.spec;
    if (this.#closed) {
      throw new TypeError(
        `Cannot spawn '${command}': the job has been stopped. Make a new Job`,
      );
    }
    const spec = this.#specInJob(prepared.spec);
    const isFirst = this.#entries.length === 0;
    if (isFirst) this.#trap.set();
    let native: NativeProcess;
    let child: ChildProcess;
    try {
      native = backend().spawn(spec);
      child = makeChildProcess(native, prepared.control, false);
    } catch (error) {
      if (isFirst) this.#trap.release();
      throw error;
    }
    if (isFirst) this.#startTimer();
    const entry: Entry = { command, child, native, status: null };
    this.#entries.push(entry);
    const { limits } = this.#control;
    if (isFirst && limits !== null) this.#limits = this.#watch(limits);
    this.#running++;
    this.#follow(entry);
    return child;
  }

  #specInJob(spec: SpawnSpec): SpawnSpec {
    const { containment, killOnParentExit } = this.#control;
    const conflict = spec.detached
      ? "detached"
      : spec.containment !== "auto" && spec.containment !== containment
      ? "containment"
      : !spec.killOnParentExit && killOnParentExit
      ? "killOnParentExit"
      : null;
    if (conflict !== null) {
      throw new TypeError(
        `Invalid ${conflict}: '${spec.command}' is in a job, which decides this for all`,
      );
    }
    return { ...spec, containment, killOnParentExit, job: this.#native };
  }

  #startTimer(): void {
    this.#timer = new Timer(this.#control.timeout, () => {
      this.#timedOut = true;
      this.#stopInBackground(this.#control.grace);
    });
    // The children hold the event loop. When they are gone there is nothing to end.
    this.#timer.hold(false);
  }

  #watch(limits: JobLimits): JobLimitWatch {
    const job = this.#native;
    const watched = {
      usage: (look: UsageLook) => ({ tree: this.#usage.look(look) }),
      newest: () => job.newest?.() ?? null,
      hasMoreThan: (count: number) => job.hasMoreThan?.(count) ?? false,
      exactMemory: () => this.#exactMemory(),
    };
    return new JobLimitWatch(watched, limits, () => this.#stopInBackground(0));
  }

  #exactMemory(): number | null {
    let sum = 0;
    for (let i = 0; i < this.#entries.length; i++) {
      const bytes = (this.#entries[i] as Entry).native.exactMemory();
      if (bytes === null) return null;
      sum += bytes;
    }
    return sum;
  }

  async #follow(entry: Entry): Promise<void> {
    const status = await entry.child.status;
    entry.status = status;
    this.#limits?.glance();
    this.#running--;
    if (this.#closed) return;
    const { policy } = this.#control;
    const decides = policy === "first-exit" ||
      policy === "first-failure" && !status.success;
    if (decides) {
      this.#first = entry.child;
      this.#stopInBackground(this.#control.grace);
    } else this.#endWhenDone();
  }

  // Only a job that is waited for is over when nothing runs: the next command of
  // a series may not have been started yet.
  #endWhenDone(): void {
    const done = this.#running === 0 && this.#entries.length > 0;
    if (done && this.#exited !== null && !this.#closed) {
      this.#stopInBackground(this.#control.grace);
    }
  }

  #signalled(signal: Deno.Signal): void {
    const again = this.#signal !== null;
    this.#signal ??= signal;
    this.#stopInBackground(again ? 0 : this.#control.grace);
  }

  async #stopInBackground(grace: number): Promise<void> {
    try {
      await this.#beginStop(this.#control.stopSignal, grace);
    } catch {
      // Kept in #stopError, for whoever waits for the outcome.
    }
  }

  async #beginStop(signal: Deno.Signal, grace: number): Promise<StopReport> {
    this.#closed = true;
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
    this.#entries.forEach(({ child }) => jobHold.stopBegins(child));
    let failure: unknown = null;
    try {
      const request = { command: this.#name, signal, grace };
      const report = await runStop(this.#native, request, state);
      this.#report ??= report;
      return report;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      this.#stopError = failure;
      this.#entries.forEach(({ child }) => jobHold.stopEnded(child, failure));
      if (failure === null) this.#native.close();
      this.#end();
    }
  }

  async #end(): Promise<void> {
    this.#timer?.clear();
    this.#limits?.end();
    this.#trap.release();
    const { abortSignal } = this.#control;
    abortSignal?.removeEventListener("abort", this.#onAbort);
    // Who could not be ended may never have a status.
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Entry;
      if (this.#stopError === null) entry.status = await entry.child.status;
    }
    this.#resolveEnded();
  }

  async #awaitEnd(): Promise<JobResult> {
    await this.#ended;
    if (this.#stopError !== null) throw this.#stopError;
    const statuses = this.#entries.map(({ command, child, status }) => ({
      command,
      pid: child.pid,
      status: status as CommandStatus,
    }));
    return {
      success: this.#succeeded(),
      timedOut: this.#timedOut,
      aborted: this.#aborted,
      limit: this.#limits?.passed ?? null,
      signal: this.#signal,
      statuses,
      first: this.#first,
      report: this.#report as StopReport,
    };
  }

  #succeeded(): boolean {
    if (this.#timedOut || this.#aborted || this.#signal !== null) return false;
    if ((this.#limits?.passed ?? null) !== null) return false;
    const counts = this.#control.policy === "first-exit" && this.#first !== null
      ? this.#entries.filter(({ child }) => child === this.#first)
      : this.#entries;
    return counts.every(({ status }) => status?.success);
  }
}

// What a job came to.

/** How one child of a job ended. */
export interface JobStatus {
  /** The program, as it was given. */
  readonly command: string;
  /** Process id that it had. */
  readonly pid: number;
  /** How it ended. */
  readonly status: CommandStatus;
}

/** What a job came to. */
export interface JobResult {
  /**
   * Whether the job did what its policy asks for: every child succeeded, or with
   * `"first-exit"` the first one that ended. False when it was ended by
   * timeout, abort, a limit, or a signal of `stopOn`.
   */
  readonly success: boolean;
  /** Whether its time was up. */
  readonly timedOut: boolean;
  /** Whether its `AbortSignal` fired. */
  readonly aborted: boolean;
  /** The limit of the whole job that it was ended for, or `null`. */
  readonly limit: LimitName | null;
  /** The signal of `stopOn` that stopped it, or `null`. */
  readonly signal: Deno.Signal | null;
  /** Every child, in the order in which they were started. */
  readonly statuses: readonly JobStatus[];
  /** The child whose end decided, or `null`. */
  readonly first: ChildProcess | null;
  /** The stop that ended what was left. */
  readonly report: StopReport;
}
