/**
 * A job: several commands that live and die together.
 *
 * @module
 */

import type { ProcessInfo } from "../backend/containment.ts";
import type { LimitReport, ResourceUsage } from "../backend/usage.ts";
import { ChildProcess } from "./child_process.ts";
import {
  Command,
  type CommandOptionsWithoutArgs,
  OUTPUT_DEFAULTS,
  planOf,
  SPAWN_DEFAULTS,
  withArgs,
} from "./command.ts";
import {
  Batch,
  type BatchOptions,
  type BatchResult,
  toBatchControl,
} from "./job/batch.ts";
import { JobRun, type JointStatus } from "./job/job_run.ts";
import { type JobOptions, toJobControl } from "./job/options.ts";
import { Service, type ServiceOptions } from "./job/service.ts";
import { toServiceControl } from "./job/to_service_control.ts";
import type { CommandOptions } from "./options/options.ts";
import type { Plan, Run } from "./run/run.ts";
import type { StopReport } from "../backend/native.ts";
import type { StopOptions } from "./run/stop.ts";
import { shown } from "./validate.ts";

/**
 * How a job ended.
 *
 * @category Several commands
 */
export interface JobResult extends JointStatus {
  /** The child whose end decided, or `null`. */
  readonly first: ChildProcess | null;
  /** The stop that ended what was left. */
  readonly report: StopReport;
}

/**
 * Several commands that live and die together: one policy, one stop, one end.
 * Each child is a {@linkcode ChildProcess} like any other, with a tree of its
 * own; the job is all of these trees together.
 *
 * @category Several commands
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
  readonly #run: JobRun;
  readonly #runs: Run[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #services = new Set<Service>();
  #exited: Promise<JobResult> | null = null;

  /**
   * Makes a job; starts nothing.
   *
   * @param options What ends it, and how.
   * @throws {TypeError} for invalid options.
   * @throws {RangeError} for a duration or a limit out of range.
   * @throws {Deno.errors.NotSupported} for a limit that this system does not have.
   */
  constructor(options: JobOptions = {}) {
    this.#run = new JobRun(toJobControl(options, "Job"));
  }

  /** The children, in the order in which they were started. */
  get children(): readonly ChildProcess[] {
    return this.#children.slice();
  }

  /**
   * Resolves when the job has ended: its policy is fulfilled, or it was stopped,
   * and everything of it is gone. With `"all"`, and with `"first-failure"` when
   * no child fails, that is when nothing runs any more; what the children left
   * behind is ended then. A job is open for more children until it is asked for
   * this: without it, a job whose children have all succeeded goes on. Without
   * any child it ends when it is stopped.
   *
   * Rejects with a {@linkcode SurvivorsError} when something could not be ended.
   */
  get exited(): Promise<JobResult> {
    // Asked each time: from the first time on the job ends with its last child.
    const { exited } = this.#run;
    return this.#exited ??= this.#result(exited);
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
      ? withoutOptions(
        command,
        argsOrOptions === undefined ? options : argsOrOptions,
      )
      : withArgs(command, argsOrOptions, options);
    const run = this.#run.start(planOf(what, SPAWN_DEFAULTS, "Job.spawn()"));
    const child = new ChildProcess(run);
    this.#runs[this.#runs.length] = run;
    this.#children[this.#children.length] = child;
    return child;
  }

  /**
   * Runs many commands in the job, so many at a time, and collects their output. What
   * the `policy` says of a child it says of a command after its last try: with
   * `"first-failure"` the first that fails ends the job, and those that have not had
   * their turn are not started; with `"all"` each is run. Time limit, abort and stop
   * are the job's, and end all of it together.
   *
   * The tries are children of the job like others, but not in {@linkcode Job.children};
   * {@linkcode JobResult.statuses} has all of them. What a command has left behind is
   * ended when it exits.
   *
   * @param commands The commands, or programs with their arguments.
   * @param options How many at a time, and how often each is tried.
   * @returns What each came to, in their order. It does not reject when one fails.
   * @throws {TypeError} for invalid commands and options; nothing is started.
   * @throws {RangeError} for a number out of range; nothing is started.
   *
   * @example
   * ```ts
   * import { Job } from "@killable/process";
   *
   * await using job = new Job({ policy: "all", timeout: 60_000 });
   * const results = await job.batch(
   *   ["one", "two", "three"].map((word) => [Deno.execPath(), "eval", `console.log("${word}")`]),
   *   { concurrency: 2, retries: 1 },
   * );
   * console.log(results.map(({ output }) => output?.text().trim())); // [ "one", "two", "three" ]
   * ```
   */
  async batch(
    commands: readonly (Command | readonly string[])[],
    options: BatchOptions = {},
  ): Promise<BatchResult[]> {
    const control = toBatchControl(options);
    return await new Batch(this.#run, plansOf(commands), control).run();
  }

  /**
   * Keeps a command running in the job: it is started when the services that it waits
   * for are so far, is looked after, and is started again as its policy says. What the
   * job's `policy` says of a child it says of a service when that has ended for good.
   *
   * The runs are children of the job like others, but not in {@linkcode Job.children}:
   * see {@linkcode Service.child}. What a run has left behind is ended before the next.
   *
   * @param command The command, or a program with its arguments.
   * @param options When it is started, ready, well, and started again.
   * @returns The service; it is started as soon as this code waits for something.
   * @throws {TypeError} for an invalid command and options; nothing is started.
   * @throws {RangeError} for a number out of range; nothing is started.
   *
   * @example A server that waits for another one
   * ```ts
   * import { Job } from "@killable/process";
   *
   * await using job = new Job();
   * const program = "setInterval(() => {}, 1000)";
   * const database = job.service([Deno.execPath(), "eval", program], {
   *   restart: "on-failure",
   * });
   * const server = job.service([Deno.execPath(), "eval", program], {
   *   after: [database],
   *   restart: "always",
   * });
   * console.log(await server.ready, database.state); // true ready
   * ```
   */
  service(
    command: Command | readonly string[],
    options: ServiceOptions = {},
  ): Service {
    const control = toServiceControl(
      options,
      (one): one is Service => this.#services.has(one as Service),
    );
    const plan = planOf(
      commandOf(command, "command of Job.service()"),
      SPAWN_DEFAULTS,
      "Job.service()",
    );
    const service = new Service(this.#run, plan, control);
    this.#services.add(service);
    return service;
  }

  /**
   * The living processes of the job, also those whose leader is gone.
   *
   * @returns Each with pid, parent, command, state and start time.
   */
  processes(): ProcessInfo[] {
    return this.#run.native.members();
  }

  /**
   * What all children and everything they started have used so far: the sums over
   * their trees. Those that have ended count with their final figures.
   *
   * @returns The sums, and where the figures come from.
   */
  usage(): ResourceUsage {
    return this.#run.usage.look("full");
  }

  /** What holds each of the job's `limits`; empty without any, and before the first spawn. */
  get limits(): readonly LimitReport[] {
    return this.#run.limits?.reports() ?? [];
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
    this.#run.kill(signo);
  }

  /** Stops every process of the job until as many {@linkcode Job.resume} have been called. */
  suspend(): void {
    this.#run.native.suspendTree();
  }

  /** Undoes one {@linkcode Job.suspend}. */
  resume(): void {
    this.#run.native.resumeTree();
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
    return await this.#run.stop(options);
  }

  /** Stops the job: the end of an `await using` scope leaves nothing running. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#run.ended;
    for (let i = 0; i < this.#children.length; i++) {
      await this.#children[i]?.[Symbol.asyncDispose]();
    }
  }

  async #result(end: JobRun["exited"]): Promise<JobResult> {
    const { first, ...joint } = await end;
    const index = first === null ? -1 : this.#runs.indexOf(first);
    return { ...joint, first: this.#children[index] ?? null };
  }
}

function plansOf(commands: unknown): Plan[] {
  if (!Array.isArray(commands)) {
    throw new TypeError(
      `Invalid commands of Job.batch(): expected an array, got ${
        shown(commands)
      }`,
    );
  }
  const plans: Plan[] = [];
  for (let i = 0; i < commands.length; i++) {
    const command = commandOf(commands[i], `command ${i} of Job.batch()`);
    plans[i] = planOf(command, OUTPUT_DEFAULTS, "Job.batch()");
  }
  return plans;
}

function commandOf(one: unknown, what: string): Command {
  if (one instanceof Command) return one;
  if (Array.isArray(one) && one.length > 0) {
    return new Command(one[0], { args: one.slice(1) });
  }
  throw new TypeError(
    `Invalid ${what}: expected a Command, or an array of a program and its arguments, got ${
      shown(one)
    }`,
  );
}

function withoutOptions(command: Command, more: unknown): Command {
  if (more === undefined) return command;
  throw new TypeError(
    `Invalid arguments of Job.spawn(): a Command has its arguments and options already, got ${
      shown(more)
    } besides. Give them to its constructor`,
  );
}
