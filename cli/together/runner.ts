/**
 * The run of several commands: starts each when the command that it waits for is so
 * far, shows the output, starts commands again as their policy says, and ends all of
 * them for the first reason to do so. The job holds their trees; the state of each
 * command is a {@linkcode ServiceRun}.
 *
 * @module
 */

import type { ChildProcess } from "../../process/child_process.ts";
import type { Job } from "../../process/job.ts";
import type { JobPolicy } from "../../process/job/options.ts";
import { RestartState } from "../../process/job/restart.ts";
import type { ServiceState } from "../../process/job/service.ts";
import type { CommandStatus } from "../../process/run/status.ts";
import type { StopReport } from "../../backend/native.ts";
import type { Command } from "../library.ts";
import type { OutputName } from "../terminal/output.ts";
import { formatDuration } from "../arguments/operands.ts";
import type { Screen } from "./lines.ts";
import { pause, probe, TextSearch, untilThere } from "./probe.ts";
import type { ServiceSpec } from "./service.ts";
import type { CommandStream, CommandStreams } from "./streams.ts";

const HEALTH_INTERVAL_MS = 5000;
const HEALTH_FAILURES = 3;
// The rest of the output of an ended command is read within this time.
const LAST_LINE_MS = 1000;

/** Why all of them ended. */
export type EndReason =
  | { readonly kind: "done" }
  | { readonly kind: "command"; readonly service: ServiceRun }
  | { readonly kind: "restarts"; readonly service: ServiceRun }
  | {
    readonly kind: "dependency";
    readonly service: ServiceRun;
    readonly other: string;
  }
  | {
    readonly kind: "start";
    readonly service: ServiceRun;
    readonly error: unknown;
  }
  | { readonly kind: "signal"; readonly signal: Deno.Signal }
  | { readonly kind: "timeout" }
  | { readonly kind: "reader"; readonly output: OutputName }
  | { readonly kind: "failure"; readonly error: unknown };

/** One command in a run. */
export class ServiceRun {
  /** How it is defined. */
  readonly spec: ServiceSpec;
  /** Its restarts. */
  readonly restarts: RestartState;
  /** Resolves with true at the first start; with false when there will be none. */
  readonly started: PromiseWithResolvers<boolean> = Promise.withResolvers();
  /** The same for being ready. */
  readonly ready: PromiseWithResolvers<boolean> = Promise.withResolvers();
  /** Resolves at the last end: whether it succeeded. */
  readonly exited: PromiseWithResolvers<boolean> = Promise.withResolvers();
  /** Where it is. */
  state: ServiceState = "waiting";
  /** The process that runs, or ran last. */
  child: ChildProcess | null = null;
  /** How the last one ended. */
  status: CommandStatus | null = null;
  /** When it was first started, in milliseconds of `performance.now()`. */
  startedAt: number | null = null;
  /** When it ended for good. */
  endedAt: number | null = null;

  /** @param spec How it is defined. */
  constructor(spec: ServiceSpec) {
    this.spec = spec;
    this.restarts = new RestartState(spec.restart);
  }

  /** Its name. */
  get name(): string {
    return this.spec.name;
  }
}

/** How a run is made. */
export interface RunnerOptions {
  /** The policy: the event that ends all. */
  readonly policy: JobPolicy;
  /** Commands that run at the same time, at most. */
  readonly maxProcesses: number;
  /** Makes the command of a service. */
  readonly command: (spec: ServiceSpec) => Command;
  /** The two streams that a service's output goes to. */
  readonly streams: ReadonlyMap<string, CommandStreams>;
  /** Whether the two streams of each child are one: that of its terminal. */
  readonly pty: boolean;
}

/** Runs them. */
export class Runner {
  readonly #job: Job;
  readonly #screen: Screen;
  readonly #options: RunnerOptions;
  readonly #ending = new AbortController();
  readonly #ended = Promise.withResolvers<EndReason>();
  readonly #shown = new Set<Promise<unknown>>();
  readonly #queue: (() => void)[] = [];
  #running = 0;
  /** The commands. */
  readonly services: readonly ServiceRun[];
  /** Those that failed, in the order in which they did. */
  readonly failed: ServiceRun[] = [];
  /** The first reason to end. */
  reason: EndReason | null = null;

  /**
   * @param job The job that holds the trees; its policy is `"all"`.
   * @param specs The commands.
   * @param screen Where their output goes.
   * @param options How.
   */
  constructor(
    job: Job,
    specs: readonly ServiceSpec[],
    screen: Screen,
    options: RunnerOptions,
  ) {
    this.#job = job;
    this.#screen = screen;
    this.#options = options;
    this.services = specs.map((spec) => new ServiceRun(spec));
  }

  /**
   * Starts the commands.
   *
   * @returns Why they are ended, as soon as there is a reason: their stop has begun.
   */
  start(): Promise<EndReason> {
    const { output } = this.#screen;
    output.onGone = (name) => this.end({ kind: "reader", output: name });
    this.#serveAll();
    return this.#ended.promise;
  }

  /**
   * Ends all. The first reason counts.
   *
   * @param reason Why.
   * @param signal The signal that the stop begins with.
   */
  end(reason: EndReason, signal?: Deno.Signal): void {
    if (this.reason !== null) return;
    this.reason = reason;
    this.#ending.abort();
    this.#stop(signal === undefined ? {} : { signal });
    this.#ended.resolve(reason);
  }

  /**
   * Waits for the end of everything.
   *
   * @returns The report of the stop.
   * @throws {SurvivorsError} when something could not be ended.
   */
  async finished(): Promise<StopReport> {
    return (await this.#job.exited).report;
  }

  /** Resolves when all that the commands wrote has been queued. */
  get shown(): Promise<unknown> {
    return Promise.all(this.#shown);
  }

  async #stop(options: { signal?: Deno.Signal }): Promise<void> {
    try {
      await this.#job.stop(options);
    } catch {
      // `exited` rejects with it.
    }
  }

  async #serveAll(): Promise<void> {
    try {
      await Promise.all(this.services.map((one) => this.#serve(one)));
      this.end({ kind: "done" });
    } catch (error) {
      this.end({ kind: "failure", error });
    }
  }

  async #serve(service: ServiceRun): Promise<void> {
    const begins = await this.#dependencies(service) && await this.#slot();
    if (begins) {
      await this.#keepRunning(service);
      this.#running--;
      this.#queue.shift()?.();
    }
    service.state = "ended";
    service.started.resolve(false);
    service.ready.resolve(false);
    service.exited.resolve(begins && service.status?.success === true);
  }

  async #dependencies(service: ServiceRun): Promise<boolean> {
    for (const { name, condition } of service.spec.after) {
      const other = this.services.find((one) => one.name === name)!;
      const happened = await this.#unlessEnding(other[condition].promise);
      if (this.#isEnding) return false;
      if (happened) continue;
      this.end({ kind: "dependency", service, other: name });
      return false;
    }
    return !this.#isEnding;
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  #unlessEnding(promise: Promise<boolean>): Promise<boolean> {
    return Promise.race([promise, this.#ended.promise.then(() => false)]);
  }

  // True: it may run, and has been counted.
  async #slot(): Promise<boolean> {
    while (this.#running >= this.#options.maxProcesses && !this.#isEnding) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#queue.push(resolve);
      await Promise.race([promise, this.#ended.promise]);
    }
    if (this.#isEnding) return false;
    this.#running++;
    return true;
  }

  async #keepRunning(service: ServiceRun): Promise<void> {
    for (;;) {
      const child = this.#spawn(service);
      if (child === null) return;
      service.status = await this.#follow(service, child);
      service.endedAt = performance.now();
      const { success } = service.status;
      if (!success) this.#noteFailure(service);
      const decision = service.restarts.ended(performance.now(), success);
      if (this.#isEnding) return;
      if (!decision.restart) return this.#decide(service, decision.because);
      service.state = "restarting";
      const { delay } = decision;
      this.#screen.say(
        `killable together: '${service.name}' ${howEnded(service.status)}; ` +
          `restart ${service.restarts.count} in ${formatDuration(delay)}`,
      );
      // Processes that the last run left behind would hold its port.
      await child.stop().catch((error) => {
        this.#screen.say(`killable together: ${(error as Error).message}`);
      });
      await pause(delay, this.#ending.signal);
      if (this.#isEnding) return;
    }
  }

  #noteFailure(service: ServiceRun): void {
    if (!this.failed.includes(service)) this.failed.push(service);
  }

  #spawn(service: ServiceRun): ChildProcess | null {
    try {
      const child = this.#job.spawn(this.#options.command(service.spec));
      const now = performance.now();
      service.child = child;
      service.startedAt ??= now;
      service.restarts.started(now);
      service.state = "starting";
      service.started.resolve(true);
      return child;
    } catch (error) {
      this.end({ kind: "start", service, error });
      return null;
    }
  }

  // Until the child has exited: its output, whether it is ready, whether it is well.
  async #follow(
    service: ServiceRun,
    child: ChildProcess,
  ): Promise<CommandStatus> {
    const exited = new AbortController();
    const signal = AbortSignal.any([exited.signal, this.#ending.signal]);
    const { ready } = service.spec;
    const search = ready?.kind === "line" ? new TextSearch(ready.text) : null;
    const shown = this.#show(service, child, (bytes) => {
      if (search?.push(bytes)) this.#becomeReady(service, signal);
    });
    if (ready === null) this.#becomeReady(service, signal);
    else if (search === null) {
      untilThere(ready, signal).then(
        (there) => there && this.#becomeReady(service, signal),
        (error) => this.end({ kind: "start", service, error }),
      );
    }
    const status = await child.status;
    // Its last words may be the line that is waited for.
    if (search !== null && service.state === "starting") {
      await Promise.race([shown, pause(LAST_LINE_MS, this.#ending.signal)]);
    }
    exited.abort();
    return status;
  }

  #becomeReady(service: ServiceRun, signal: AbortSignal): void {
    if (service.state !== "starting" || signal.aborted) return;
    service.state = "ready";
    service.ready.resolve(true);
    if (service.spec.health !== null) this.#watchHealth(service, signal);
  }

  async #watchHealth(service: ServiceRun, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (failures < HEALTH_FAILURES) {
      await pause(HEALTH_INTERVAL_MS, signal);
      if (signal.aborted) return;
      const well = await probe(service.spec.health!, signal).catch(() => false);
      if (signal.aborted) return;
      failures = well ? 0 : failures + 1;
    }
    this.giveUp(service, `failed ${HEALTH_FAILURES} health checks`);
  }

  /** Ends one command for a reason, which is said; it counts as a failure. */
  giveUp(service: ServiceRun, why: string): void {
    this.#screen.say(`killable together: '${service.name}' ${why}`);
    service.child?.stop().catch((error) => {
      this.#screen.say(`killable together: ${(error as Error).message}`);
    });
  }

  #show(
    service: ServiceRun,
    child: ChildProcess,
    came: (bytes: Uint8Array) => void,
  ): Promise<unknown> {
    const streams = this.#options.streams.get(service.name)!;
    const pumps = [this.#pump(child.stdout, streams.stdout, came)];
    if (!this.#options.pty) {
      pumps.push(this.#pump(child.stderr, streams.stderr, came));
    }
    const shown = Promise.all(pumps);
    this.#shown.add(shown);
    // A command may be started again very often.
    shown.then(() => this.#shown.delete(shown));
    return shown;
  }

  async #pump(
    source: ReadableStream<Uint8Array>,
    lines: CommandStream,
    came: (bytes: Uint8Array) => void,
  ): Promise<void> {
    const { output } = this.#screen;
    const reader = source.getReader();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        came(value);
        lines.push(value);
        if (output.gone(lines.name)) return await reader.cancel();
        await output.room(lines.name);
      }
    } catch (error) {
      // Reading failed: the command is not to be shown any more, and ends like any.
      if (!this.#isEnding) this.#screen.say(`killable together: ${error}`);
    } finally {
      lines.end();
    }
  }

  #decide(service: ServiceRun, because: "mode" | "limit"): void {
    if (because === "limit") return this.end({ kind: "restarts", service });
    const { policy } = this.#options;
    const decides = policy === "first-exit" ||
      policy === "first-failure" && !service.status!.success;
    if (decides) this.end({ kind: "command", service });
  }
}

/**
 * Words an end.
 *
 * @param status How a command ended.
 * @returns `exited with 1`, `was ended by SIGKILL`.
 */
export function howEnded(
  status: Pick<CommandStatus, "code" | "signal">,
): string {
  return status.signal === null
    ? `exited with ${status.code}`
    : `was ended by ${status.signal}`;
}
