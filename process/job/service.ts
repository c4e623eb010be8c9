/**
 * A service of a job: a command that is started when others are so far, becomes
 * ready, is looked after, and is started again as its policy says.
 *
 * @module
 */

import { NotReadyError } from "../../backend/errors.ts";
import { Timer } from "../../backend/timer.ts";
import { ChildProcess } from "../child_process.ts";
import type {
  ReadyFileOptions,
  ReadyOptions,
  ReadyPortOptions,
  ReadyUrlOptions,
} from "../ready/ready.ts";
import type { Plan, Run } from "../run/run.ts";
import type { CommandStatus } from "../run/status.ts";
import type { StopOptions } from "../run/stop.ts";
import { JobRun } from "./job_run.ts";
import { type RestartPolicy, RestartState } from "./restart.ts";

/**
 * The state of another service that a service waits for: it runs, it has been found
 * ready, or it has ended well and is not started again.
 *
 * @category Several commands
 */
export type ServiceCondition = "started" | "ready" | "exited";

/**
 * Another service, and the state that is waited for.
 *
 * @category Several commands
 */
export interface ServiceDependency {
  /** The other one, of the same job. */
  readonly service: Service;
  /**
   * Its state.
   *
   * @default {"ready"}
   */
  readonly condition?: ServiceCondition;
}

/**
 * A check that has to go on succeeding while a service runs.
 *
 * @category Several commands
 */
export interface ServiceHealth {
  /** What is looked at, as by {@linkcode ChildProcess.ready}. */
  readonly check: ReadyPortOptions | ReadyUrlOptions | ReadyFileOptions;
  /**
   * Milliseconds from one check to the next, and the most that one may take.
   *
   * @default {5000}
   */
  readonly interval?: number;
  /**
   * How many in a row have to fail for the service to be stopped, which counts as a
   * failure.
   *
   * @default {3}
   */
  readonly failures?: number;
}

/**
 * Options of {@linkcode Job.service}.
 *
 * @category Several commands
 */
export interface ServiceOptions {
  /**
   * When the command is started again: never, when it has failed, or always. What it
   * has left behind is ended before.
   *
   * @default {"never"}
   */
  restart?: "never" | "on-failure" | "always";
  /**
   * Milliseconds before the first restart, less a random quarter; doubled from restart
   * to restart, and put back when a run has lasted for {@linkcode resetAfter}.
   *
   * @default {250}
   */
  restartDelay?: number;
  /**
   * Milliseconds before any restart, at most.
   *
   * @default {30000}
   */
  maxRestartDelay?: number;
  /**
   * Restarts within {@linkcode restartWindow}, at most; one more end is the last.
   *
   * @default {10}
   */
  restartLimit?: number;
  /**
   * Milliseconds in which restarts are counted.
   *
   * @default {600000}
   */
  restartWindow?: number;
  /**
   * Milliseconds that a run has to last for the delay to begin anew.
   *
   * @default {10000}
   */
  resetAfter?: number;
  /**
   * The services that have to be so far before it is started; one that stands here
   * alone has to be ready. When one cannot get there any more, this one has failed.
   *
   * @default {none}
   */
  after?: readonly (Service | ServiceDependency)[];
  /**
   * What makes it ready, as for {@linkcode ChildProcess.ready}; each run anew. A run
   * that is not ready in time has failed, and is stopped.
   *
   * @default {ready as soon as it runs}
   */
  ready?: ReadyOptions;
  /**
   * A check that has to go on succeeding from then on.
   *
   * @default {none}
   */
  health?: ServiceHealth;
  /**
   * Called with each run as soon as it is started, to read its output. What it throws
   * is reported like an error of an event listener.
   *
   * @default {none}
   */
  onSpawn?: (child: ChildProcess) => void;
}

/**
 * Where a service is in its life.
 *
 * @category Several commands
 */
export type ServiceState =
  | "waiting"
  | "starting"
  | "ready"
  | "restarting"
  | "ended";

/**
 * How a service ended for good.
 *
 * @category Several commands
 */
export interface ServiceResult {
  /** Whether its last run has succeeded, or it was stopped as asked. */
  readonly success: boolean;
  /**
   * Why it is not started again: its policy, too many restarts, a
   * {@linkcode Service.stop}, the end of the job, another service that did not get as
   * far as it had to, or a failure to start it, to end it or to look at it.
   */
  readonly because:
    | "policy"
    | "limit"
    | "stopped"
    | "job"
    | "dependency"
    | "error";
  /** How its last run ended; `null` without one. */
  readonly status: CommandStatus | null;
  /** How often it was started again. */
  readonly restarts: number;
  /** With `"error"`, what was thrown; `null` otherwise. */
  readonly error: unknown;
}

/** The same as the options, checked. */
export interface ServiceControl {
  readonly policy: RestartPolicy;
  readonly after: readonly Required<ServiceDependency>[];
  readonly ready: ReadyOptions | null;
  readonly health: Required<ServiceHealth> | null;
  readonly onSpawn: ((child: ChildProcess) => void) | null;
}

/** How it goes on after the run that there is. */
type Wish = "none" | "restart" | "stop";

/**
 * A service of a job: made by {@linkcode Job.service}.
 *
 * @category Several commands
 * @example
 * ```ts
 * import { Job } from "@killable/process";
 *
 * await using job = new Job({ policy: "all" });
 * const service = job.service([Deno.execPath(), "eval", "Deno.exit(1)"], {
 *   restart: "on-failure",
 *   restartDelay: 1,
 *   restartLimit: 2,
 * });
 * const { because, restarts } = await service.exited;
 * console.log(because, restarts); // limit 2
 * ```
 */
export class Service {
  /** The program, as it was given. */
  readonly name: string;
  readonly #job: JobRun;
  readonly #plan: Plan;
  readonly #control: ServiceControl;
  readonly #restarts: RestartState;
  readonly #started = Promise.withResolvers<boolean>();
  readonly #ready = Promise.withResolvers<boolean>();
  readonly #exited = Promise.withResolvers<ServiceResult>();
  // What waits for a time is to look again.
  readonly #waiting = new Set<() => void>();
  #state: ServiceState = "waiting";
  #child: ChildProcess | null = null;
  // The run that goes on, and the last one.
  #run: Run | null = null;
  #lastRun: Run | null = null;
  #status: CommandStatus | null = null;
  #wish: Wish = "none";
  #wishedStop: StopOptions = {};
  // The run was stopped for this.
  #failed = false;
  #error: unknown = null;

  /**
   * Not for callers: {@linkcode Job.service} makes these.
   *
   * @internal
   */
  constructor(job: JobRun, plan: Plan, control: ServiceControl) {
    if (!(job instanceof JobRun)) throw new TypeError("Illegal constructor");
    this.#job = job;
    this.#plan = plan;
    this.#control = control;
    this.name = plan.spec.command;
    this.#restarts = new RestartState(control.policy);
    this.#live();
  }

  /** Where it is. */
  get state(): ServiceState {
    return this.#state;
  }

  /** The run that there is, or the last one; `null` before the first. */
  get child(): ChildProcess | null {
    return this.#child;
  }

  /** How often it was started again by its policy. */
  get restarts(): number {
    return this.#restarts.count;
  }

  /** Resolves with true when it has been started, with false when it will not be. */
  get started(): Promise<boolean> {
    return this.#started.promise;
  }

  /** Resolves with true when it has been ready once, with false when it will not be. */
  get ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  /** Resolves when it has ended for good. It does not reject when it has failed. */
  get exited(): Promise<ServiceResult> {
    return this.#exited.promise;
  }

  /**
   * Ends the service for good: what runs is stopped, and nothing is started again.
   *
   * @param options Signal and grace; those of the command by default.
   * @returns How it ended.
   */
  async stop(options: StopOptions = {}): Promise<ServiceResult> {
    this.#ask("stop", options);
    return await this.exited;
  }

  /**
   * Ends the run that there is and starts the next one at once, whatever the policy
   * says; it does not count as a restart of that. A wait for a restart is over.
   *
   * @param options Signal and grace; those of the command by default.
   * @throws {TypeError} when the service has ended, or waits for others.
   */
  restart(options: StopOptions = {}): void {
    if (this.#state === "ended" || this.#state === "waiting") {
      const why = this.#state === "ended" ? "it has ended" : "it waits";
      throw new TypeError(
        `Cannot restart '${this.name}': ${why}. Make another service, or wait for 'started'`,
      );
    }
    this.#ask("restart", options);
  }

  #ask(wish: Wish, options: StopOptions): void {
    // An end for good stays one.
    if (this.#wish !== "stop") this.#wish = wish;
    this.#wishedStop = options;
    this.#wake();
    if (this.#run !== null) this.#stopRun(options);
  }

  #wake(): void {
    this.#waiting.forEach((look) => look());
    this.#waiting.clear();
  }

  // The status tells of the end; what could not be ended makes the stop of the job fail.
  async #stopRun(options: StopOptions): Promise<void> {
    try {
      await this.#child?.stop(options);
    } catch (error) {
      this.#error ??= error;
    }
  }

  async #live(): Promise<void> {
    this.#job.batchBegins();
    let because: ServiceResult["because"] = "error";
    try {
      because = await this.#isDue() ? await this.#keep() : this.#whyNot();
    } catch (error) {
      this.#error ??= error;
    }
    this.#end(because);
  }

  #end(because: ServiceResult["because"]): void {
    const status = this.#status;
    const success = because === "stopped" ||
      because === "policy" && status?.success === true && !this.#failed;
    this.#state = "ended";
    this.#started.resolve(false);
    this.#ready.resolve(false);
    this.#exited.resolve({
      success,
      because,
      status,
      restarts: this.restarts,
      error: because === "error" ? this.#error : null,
    });
    if (because !== "job") {
      // A run that was stopped on purpose tells nothing of the success.
      const tells = status !== null && status.success === success;
      this.#job.batchSettles(tells ? this.#lastRun : null, success);
    }
    this.#job.batchEnds(true);
  }

  #whyNot(): ServiceResult["because"] {
    return this.#wish === "stop"
      ? "stopped"
      : this.#job.closed
      ? "job"
      : "dependency";
  }

  async #isDue(): Promise<boolean> {
    const { after } = this.#control;
    for (let i = 0; i < after.length; i++) {
      const { service, condition } = after[i] as Required<ServiceDependency>;
      const reached = condition === "exited"
        ? hasSucceeded(service)
        : service[condition];
      const got = await this.#unlessAsked(reached);
      if (this.#isOver || !got) return false;
    }
    return !this.#isOver;
  }

  // Whether nothing is started any more.
  get #isOver(): boolean {
    return this.#wish === "stop" || this.#job.closed;
  }

  async #unlessAsked(reached: Promise<boolean>): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const forget = this.#onAsked(() => resolve(false));
    passOn(reached, resolve);
    const got = await promise;
    forget();
    return got;
  }

  #onAsked(look: () => void): () => void {
    this.#waiting.add(look);
    const forget = this.#job.whenClosed(look);
    return () => {
      this.#waiting.delete(look);
      forget();
    };
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = new Timer(ms, resolve);
    const forget = this.#onAsked(resolve);
    await promise;
    forget();
    timer.clear();
  }

  async #keep(): Promise<ServiceResult["because"]> {
    for (;;) {
      if (this.#isOver) return this.#whyNot();
      this.#wish = "none";
      const success = await this.#once();
      if (this.#isOver) return this.#whyNot();
      if (this.#error !== null) return "error";
      if (this.#asked !== "restart") {
        const decision = this.#restarts.ended(performance.now(), success);
        if (!decision.restart) {
          return decision.because === "mode" ? "policy" : "limit";
        }
        this.#state = "restarting";
        await this.#pause(decision.delay);
        if (this.#isOver) return this.#whyNot();
      }
    }
  }

  // A field that code elsewhere changes while this waits.
  get #asked(): Wish {
    return this.#wish;
  }

  // One run, until nothing of it is left; whether it has succeeded.
  async #once(): Promise<boolean> {
    const run = this.#job.start(this.#plan, true);
    const child = new ChildProcess(run);
    this.#failed = false;
    this.#run = this.#lastRun = run;
    this.#child = child;
    this.#state = "starting";
    this.#restarts.started(performance.now());
    this.#started.resolve(true);
    this.#tell(child);
    const look = this.#lookAfter(child);
    this.#status = await child.status;
    this.#run = null;
    this.#wake();
    await look;
    // What it has left behind would hold its port.
    await this.#stopRun(this.#wishedStop);
    return this.#status.success && !this.#failed;
  }

  #tell(child: ChildProcess): void {
    try {
      this.#control.onSpawn?.(child);
    } catch (error) {
      // A mistake of the hook leaves no run without its end.
      reportError(error);
    }
  }

  // Until the run ends. Never rejects.
  async #lookAfter(child: ChildProcess): Promise<void> {
    const { ready, health } = this.#control;
    try {
      if (ready !== null) await child.ready(ready);
    } catch (error) {
      if (this.#run !== null) this.#giveUp(isNotReady(error) ? null : error);
      return;
    }
    if (this.#run === null || this.#isOver) return;
    this.#state = "ready";
    this.#ready.resolve(true);
    if (health !== null) await this.#watchHealth(child, health);
  }

  async #watchHealth(
    child: ChildProcess,
    { check, interval, failures }: Required<ServiceHealth>,
  ): Promise<void> {
    let failed = 0;
    while (failed < failures) {
      await this.#pause(interval);
      if (this.#run === null || this.#wish !== "none" || this.#isOver) return;
      const timeout = Math.max(
        1,
        Math.min(interval, check.timeout ?? interval),
      );
      try {
        await child.ready({ ...check, timeout, drain: false });
        failed = 0;
      } catch (error) {
        if (!isNotReady(error)) return this.#giveUp(error);
        failed++;
      }
    }
    if (this.#run !== null) this.#giveUp(null);
  }

  // For an error that the next run would have as well, such as a missing permission,
  // for good.
  #giveUp(error: unknown): void {
    this.#failed = true;
    this.#error ??= error;
    this.#stopRun({});
  }
}

function isNotReady(error: unknown): boolean {
  return error instanceof NotReadyError;
}

async function hasSucceeded(service: Service): Promise<boolean> {
  return (await service.exited).success;
}

// Of a promise that never rejects.
async function passOn(
  promise: Promise<boolean>,
  resolve: (value: boolean) => void,
): Promise<void> {
  resolve(await promise);
}
