/**
 * Several runs that live and die together: the inside of a `Job` and of
 * `pipeline()`.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import { SurvivorsError } from "../../backend/errors.ts";
import type { LimitName, UsageLook } from "../../backend/usage.ts";
import type {
  NativeJob,
  NativeProcess,
  StopReport,
} from "../../backend/native.ts";
import { signalNumber } from "../../backend/signals.ts";
import type { SpawnSpec } from "../../backend/spec.ts";
import { type Ended, Ending, type StopOptions } from "../run/stop.ts";
import { Events, type ProcessEventHook } from "../run/events.ts";
import { type Plan, Run } from "../run/run.ts";
import type { CommandStatus } from "../run/status.ts";
import {
  type JobControl,
  type JobLimits,
  JobLimitWatch,
  JobUsage,
  SignalTrap,
} from "./options.ts";

/**
 * How one child of a job ended.
 *
 * @category Several commands
 */
export interface JobStatus {
  /** The program, as it was given. */
  readonly command: string;
  /** Process id that it had. */
  readonly pid: number;
  /** How it ended. */
  readonly status: CommandStatus;
}

/**
 * How several commands ended together.
 *
 * @category Several commands
 */
export interface JointStatus {
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
  /** The limit of all commands together that it was ended for, or `null`. */
  readonly limit: LimitName | null;
  /** The signal of `stopOn` that stopped it, or `null`. */
  readonly signal: Deno.Signal | null;
  /** Every child, in the order in which they were started. */
  readonly statuses: readonly JobStatus[];
}

/** The same, with the decisive run and the stop. */
export interface JobEnd extends JointStatus {
  /** The run whose end decided, or `null`. */
  readonly first: Run | null;
  /** The stop that ended the rest. */
  readonly report: StopReport;
}

interface Entry {
  readonly run: Run;
  status: CommandStatus | null;
  // A try of a batch counts when it is the last one.
  counts: boolean;
}

const SIGKILL = 9;

/** The runs of one job. */
export class JobRun implements Ended {
  /** All trees together. */
  readonly native: NativeJob;
  /** What they have used together. */
  readonly usage: JobUsage = new JobUsage(() => this.#natives);
  /** Resolves when the job has been stopped, or could not be. */
  readonly ended: Promise<void>;
  #resolveEnded!: () => void;
  readonly #control: JobControl;
  readonly #entries: Entry[] = [];
  readonly #ending: Ending;
  readonly #trap: SignalTrap;
  #exited: Promise<JobEnd> | null = null;
  #limits: JobLimitWatch | null = null;
  #running = 0;
  // From the first stop on nothing is started any more.
  #closed = false;
  readonly #whenClosed = new Set<() => void>();
  #batches = 0;
  // A command of a batch could not be started.
  #unstarted = false;
  #first: Run | null = null;
  #signal: Deno.Signal | null = null;

  /** @param control What ends the job, and how. */
  constructor(control: JobControl) {
    this.#control = control;
    this.native = backend().createJob(control.killOnParentExit);
    this.ended = new Promise((resolve) => this.#resolveEnded = resolve);
    this.#ending = new Ending(this.native, control, this);
    this.#trap = new SignalTrap(
      control.stopOn,
      (signal) => this.#signalled(signal),
    );
    this.#ending.listen();
  }

  /** See {@linkcode Ended.name}. */
  get name(): string {
    return this.#entries.map(({ run }) => run.name).join("', '");
  }

  /** The limits of the whole that are in force, or `null`. */
  get limits(): JobLimitWatch | null {
    return this.#limits;
  }

  /** How the job ended: see `Job.exited`. */
  get exited(): Promise<JobEnd> {
    this.#exited ??= this.#awaitEnd();
    this.#endWhenDone();
    return this.#exited;
  }

  /**
   * Starts a command in the job.
   *
   * @param plan The command.
   * @param attempt Whether it is a try of a batch, which says what it comes to:
   * {@linkcode JobRun.batchSettles}.
   * @returns Its run.
   * @throws {TypeError} when the job has been stopped, or the command wants what
   * only the job decides.
   * @throws the reason of the job's signal, when that has stopped it.
   * @throws what {@linkcode Run.start} throws; the other runs go on.
   */
  start(plan: Plan, attempt = false): Run {
    const { command } = plan.spec;
    if (this.#closed) {
      this.#control.abortSignal?.throwIfAborted();
      throw new TypeError(
        `Cannot spawn '${command}': the job has been stopped. Make a new Job`,
      );
    }
    const spec = this.#specInJob(plan.spec);
    const isFirst = this.#entries.length === 0;
    if (isFirst) this.#trap.set();
    let run: Run;
    try {
      const { onEvent } = plan.control;
      const control = { ...plan.control, onEvent: this.#hook(onEvent) };
      run = Run.start({ spec, control }, false);
    } catch (error) {
      if (isFirst) this.#trap.release();
      throw error;
    }
    const entry: Entry = { run, status: null, counts: !attempt };
    this.#entries.push(entry);
    if (isFirst) this.#begin();
    this.#running++;
    this.#follow(entry);
    return run;
  }

  // With the first run the time begins, and the looks for limits. The runs hold the
  // event loop: when they are gone there is nothing to end.
  #begin(): void {
    this.#ending.startTimer();
    this.#ending.hold(false);
    const { limits } = this.#control;
    if (limits !== null) this.#limits = this.#watch(limits);
  }

  #specInJob(spec: SpawnSpec): SpawnSpec {
    const { containment, killOnParentExit, endsAtOnce } = this.#control;
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
    const endGrace = endsAtOnce ? 0 : spec.endGrace;
    const job = this.native;
    return { ...spec, containment, killOnParentExit, endGrace, job };
  }

  /**
   * Sends one signal to every process of the job: see `Job.kill()`.
   *
   * @param signo A signal's name or number; 0 only checks the argument.
   * @throws {TypeError} when this OS does not know the signal.
   * @throws {SurvivorsError} when a process may not be signalled.
   */
  kill(signo: Deno.Signal | number): void {
    const number = signalNumber(backend().signals, signo);
    if (number === 0) return;
    this.#entries.forEach(({ run }) => run.noteSignal(number));
    if (number !== SIGKILL) this.native.signalTree(signo, false);
    else {
      const { refused, unsettled } = this.native.killTree();
      if (refused.length > 0) throw new SurvivorsError(this.name, refused);
      // It forks faster than one call can chase it.
      if (unsettled) this.#ending.inBackground(0);
    }
  }

  /**
   * Ends the job: see `Job.stop()`.
   *
   * @param options Signal and grace.
   * @returns What it took.
   * @throws {SurvivorsError} when something could not be ended.
   */
  async stop(options: StopOptions): Promise<StopReport> {
    return await this.#ending.stop(options);
  }

  /**
   * The end of a scope: stops the job and closes the pipes of all runs.
   *
   * @throws {SurvivorsError} when something could not be ended.
   */
  async dispose(): Promise<void> {
    await this.stop({});
    await this.ended;
    for (let i = 0; i < this.#entries.length; i++) {
      await this.#entries[i]?.run.dispose(true);
    }
  }

  /** See {@linkcode Ended.events}. */
  get events(): Events | null {
    return Events.ofJob(this.#control.onEvent, this.name);
  }

  // A child tells its own hook, and then that of the job.
  #hook(own: ProcessEventHook | null): ProcessEventHook | null {
    const { onEvent } = this.#control;
    if (own === null || onEvent === null) return own ?? onEvent;
    return (event) => {
      own(event);
      onEvent(event);
    };
  }

  /** See {@linkcode Ended.hasEnded}. */
  hasEnded(): boolean {
    let ended = true;
    this.#entries.forEach(({ run }) => {
      if (run.native.exitStatus(true) === null) ended = false;
    });
    return ended && this.native.treeIsEmpty();
  }

  /** See {@linkcode Ended.stopBegins}. */
  stopBegins(): boolean {
    this.#closed = true;
    this.#whenClosed.forEach((closed) => closed());
    this.#whenClosed.clear();
    this.#entries.forEach((entry) => {
      // A try that is ended is the last one.
      if (entry.status === null) entry.counts = true;
      entry.run.jobStopBegins();
    });
    return false;
  }

  /** See {@linkcode Ended.stopEnds}. */
  stopEnds(error: unknown): void {
    const { report } = this.#ending;
    this.#entries.forEach(({ run }) => run.jobStopEnds(error, report));
    if (error === null) this.native.close();
    this.#end();
  }

  async #end(): Promise<void> {
    this.#ending.disarm();
    this.#limits?.end();
    this.#trap.release();
    // A run that could not be ended may never have a status.
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i] as Entry;
      if (this.#ending.error === null) entry.status = await entry.run.status;
    }
    this.#resolveEnded();
  }

  get #natives(): NativeProcess[] {
    return this.#entries.map(({ run }) => run.native);
  }

  #watch(limits: JobLimits): JobLimitWatch {
    const job = this.native;
    const watched = {
      usage: (look: UsageLook) => ({ tree: this.usage.look(look) }),
      newest: () => job.newest?.() ?? null,
      hasMoreThan: (count: number) => job.hasMoreThan?.(count) ?? false,
      exactMemory: () => this.#exactMemory(),
    };
    return new JobLimitWatch(
      watched,
      limits,
      () => this.#ending.inBackground(0),
    );
  }

  #exactMemory(): number | null {
    let sum = 0;
    for (let i = 0; i < this.#entries.length; i++) {
      const bytes = (this.#entries[i] as Entry).run.native.exactMemory();
      if (bytes === null) return null;
      sum += bytes;
    }
    return sum;
  }

  async #follow(entry: Entry): Promise<void> {
    const status = await entry.run.status;
    entry.status = status;
    this.#limits?.glance();
    this.#running--;
    if (entry.counts) this.#decide(entry.run, status.success);
  }

  #decide(run: Run | null, success: boolean): void {
    if (this.#closed) return;
    const { policy } = this.#control;
    const decides = policy === "first-exit" ||
      policy === "first-failure" && !success;
    if (decides) {
      this.#first = run;
      this.#ending.inBackground();
    } else this.#endWhenDone();
  }

  /** Whether nothing is started any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Has the begin of the first stop told.
   *
   * @param closed Called once.
   * @returns Forgets it.
   */
  whenClosed(closed: () => void): () => void {
    this.#whenClosed.add(closed);
    return () => this.#whenClosed.delete(closed);
  }

  /** A batch begins: until it ends there are more commands to come. */
  batchBegins(): void {
    this.#batches++;
  }

  /**
   * The batch has ended.
   *
   * @param whole Whether each of its commands had its turn.
   */
  batchEnds(whole: boolean): void {
    this.#batches--;
    this.#unstarted ||= !whole;
    this.#endWhenDone();
  }

  /**
   * A command of a batch has come to its end.
   *
   * @param run Its last try; `null` when it could not be started.
   * @param success Whether that has succeeded.
   */
  batchSettles(run: Run | null, success: boolean): void {
    if (run === null) this.#unstarted ||= !success;
    // Most often it is one of the last.
    for (let i = this.#entries.length - 1; run !== null && i >= 0; i--) {
      const entry = this.#entries[i] as Entry;
      if (entry.run !== run) continue;
      entry.counts = true;
      break;
    }
    this.#decide(run, success);
  }

  // Only a job that is waited for is over when nothing runs: the next command of
  // a series may not have been started yet.
  #endWhenDone(): void {
    const done = this.#running === 0 && this.#batches === 0 &&
      this.#entries.length > 0;
    if (done && this.#exited !== null && !this.#closed) {
      this.#ending.inBackground();
    }
  }

  #signalled(signal: Deno.Signal): void {
    const again = this.#signal !== null;
    this.#signal ??= signal;
    this.#ending.inBackground(again ? 0 : this.#control.grace);
  }

  async #awaitEnd(): Promise<JobEnd> {
    await this.ended;
    const { error, report, timedOut, aborted } = this.#ending;
    if (error !== null) throw error;
    const statuses = this.#entries.map(({ run, status }) => ({
      command: run.name,
      pid: run.native.pid,
      status: status as CommandStatus,
    }));
    return {
      success: this.#succeeded(),
      timedOut,
      aborted,
      limit: this.#limits?.passed ?? null,
      signal: this.#signal,
      statuses,
      first: this.#first,
      report: report as StopReport,
    };
  }

  #succeeded(): boolean {
    const { timedOut, aborted } = this.#ending;
    if (timedOut || aborted || this.#signal !== null) return false;
    if ((this.#limits?.passed ?? null) !== null) return false;
    if (this.#unstarted) return false;
    const counts = this.#control.policy === "first-exit" && this.#first !== null
      ? this.#entries.filter(({ run }) => run === this.#first)
      : this.#entries.filter(({ counts }) => counts);
    return counts.every(({ status }) => status?.success);
  }
}
