/**
 * The options of a job and their validation, and the parts of a job that belong to
 * one option each: signals passed on, limits, usage.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import {
  type ContainmentRequest,
  CONTAINMENTS,
} from "../../backend/containment.ts";
import {
  type LimitName,
  type LimitReport,
  type Limits,
  type ResourceUsage,
  unknownUsage,
  type UsageLook,
} from "../../backend/usage.ts";
import { signalNumber } from "../../backend/signals.ts";
import { Timer } from "../../backend/timer.ts";
import { limitReports, needsWatch, toLimits } from "../limits/limits.ts";
import { LimitWatch, type Watched } from "../limits/run_limits.ts";
import type { ProcessEventHook } from "../run/events.ts";
import { DEFAULT_GRACE } from "../run/stop.ts";
import {
  abortSignal,
  checkOptions,
  duration,
  eventHook,
  flag,
  type Known,
  oneOf,
  shown,
  stopSignal,
  timeLimit,
} from "../validate.ts";

/**
 * What ends a job: the first child that fails (`"first-failure"`), the first
 * that ends (`"first-exit"`), or the end of the last one (`"all"`).
 *
 * @category Several commands
 */
export type JobPolicy = "first-failure" | "first-exit" | "all";

/**
 * Options of {@linkcode Job}.
 *
 * @category Several commands
 */
export interface JobOptions {
  /**
   * What ends the job. A child fails when its exit code is not 0, whatever the
   * cause: also when it was stopped alone, or its own time was up.
   *
   * @default {"first-failure"}
   */
  policy?: JobPolicy;
  /**
   * Milliseconds after the first spawn at which the job is stopped.
   *
   * @default {no limit}
   */
  timeout?: number;
  /**
   * Milliseconds that a stop waits between the soft signal and the hard kill;
   * 0 kills at once.
   *
   * @default {5000}
   */
  grace?: number;
  /**
   * The soft signal of a stop.
   *
   * @default {"SIGTERM"}
   */
  stopSignal?: Deno.Signal;
  /**
   * Whether a stop tells the main process of each child first, and what is left of its
   * tree when that has ended: see {@linkcode CommandOptions.mainFirst}.
   *
   * @default {false}
   */
  mainFirst?: boolean;
  /** Stops the job when it is aborted. */
  signal?: AbortSignal;
  /**
   * Signals to this process that stop the job instead of ending this process:
   * the first one softly, the second one with the hard kill at once. Listened
   * to from the first spawn until the job has ended.
   *
   * Windows: SIGINT, SIGBREAK and SIGHUP; others never come there.
   *
   * @default {none}
   */
  stopOn?: readonly Deno.Signal[];
  /**
   * Limits of all children and everything they start together: watched, see
   * {@linkcode Limits}. Passing one ends the whole job hard, and
   * {@linkcode JobResult.limit} names it. A child can have limits of its own
   * besides.
   *
   * @default {none}
   */
  limits?: JobLimits;
  /**
   * Called with what happens to the children, and to the job as a whole
   * (`pid` is `null` then): started, ready, signalled, escalated, limited,
   * ended, empty, survivors. Synchronously, so it must not take long; what it throws is
   * reported like an error of an event listener, and changes nothing. With
   * `OTEL_DENO=true` the same becomes a span of OpenTelemetry, with or without a hook.
   *
   * @default {none}
   */
  onEvent?: ProcessEventHook;
  /**
   * The mechanism that must hold the tree of each child. One that cannot be had
   * is an error.
   *
   * @default {"auto"}
   */
  containment?: ContainmentRequest;
  /**
   * Whether the job ends when its owner ends, by whatever cause: each command with
   * its own `stopSignal` and `grace`, or, with `"now"`, without either.
   *
   * @default {true}
   */
  killOnParentExit?: boolean | "now";
}

/** The same, checked. */
export interface JobControl {
  /** What ends the job. */
  readonly policy: JobPolicy;
  /** Milliseconds from the first spawn, or Infinity. */
  readonly timeout: number;
  /** Milliseconds. */
  readonly grace: number;
  /** The soft signal. */
  readonly stopSignal: Deno.Signal;
  /** Whether the main process of each child is sent it first. */
  readonly mainFirst: boolean;
  /** Stops the job. */
  readonly abortSignal: AbortSignal | null;
  /** Signals to this process. */
  readonly stopOn: readonly Deno.Signal[];
  /** Limits of the whole, or `null`. */
  readonly limits: JobLimits | null;
  /** Takes what happens, or `null`. */
  readonly onEvent: ProcessEventHook | null;
  /** The mechanism for each child. */
  readonly containment: ContainmentRequest;
  /** Whether it ends with this process. */
  readonly killOnParentExit: boolean;
  /** Whether it then ends without a soft signal. */
  readonly endsAtOnce: boolean;
}

const POLICIES = ["first-failure", "first-exit", "all"] as const;

const JOB_OPTIONS: Known<JobOptions> = {
  policy: true,
  timeout: true,
  grace: true,
  stopSignal: true,
  mainFirst: true,
  signal: true,
  stopOn: true,
  limits: true,
  onEvent: true,
  containment: true,
  killOnParentExit: true,
};

// What Deno can listen to on Windows; it refuses the others there.
const COMING_ON_WINDOWS = ["SIGINT", "SIGBREAK", "SIGHUP"];

/**
 * Validates the options of a job.
 *
 * @param options The options.
 * @param apiName For messages.
 * @returns What controls the job.
 * @throws {TypeError} for anything of the wrong type.
 * @throws {RangeError} for a duration or a limit out of range.
 * @throws {Deno.errors.NotSupported} for a limit that this system does not have.
 */
export function toJobControl(
  options: JobOptions,
  apiName: string,
): JobControl {
  checkOptions(options, apiName, JOB_OPTIONS);
  return {
    policy: oneOf(options.policy, "policy", POLICIES),
    timeout: timeLimit(options.timeout, "timeout"),
    grace: duration(options.grace, "grace", DEFAULT_GRACE),
    stopSignal: stopSignal(options.stopSignal, "SIGTERM"),
    mainFirst: flag(options.mainFirst, "mainFirst", false),
    abortSignal: abortSignal(options.signal),
    stopOn: stopOn(options.stopOn),
    limits: toJobLimits(options.limits),
    onEvent: eventHook(options.onEvent),
    containment: oneOf(options.containment, "containment", CONTAINMENTS),
    killOnParentExit: options.killOnParentExit === "now" ||
      flag(options.killOnParentExit, "killOnParentExit", true),
    endsAtOnce: options.killOnParentExit === "now",
  };
}

function stopOn(value: unknown): readonly Deno.Signal[] {
  const signals: Deno.Signal[] = [];
  if (value === undefined) return signals;
  if (!Array.isArray(value)) {
    throw new TypeError(
      `Invalid stopOn: expected an array of signal names, got ${shown(value)}`,
    );
  }
  for (let i = 0; i < value.length; i++) {
    const name: unknown = value[i];
    if (typeof name !== "string") {
      throw new TypeError(
        `Invalid stopOn: expected names of signals, got ${shown(name)}`,
      );
    }
    if (name === "SIGKILL" || name === "SIGSTOP") {
      throw new TypeError(`Invalid stopOn: no process can listen to ${name}`);
    }
    if (backend().name === "windows" && !COMING_ON_WINDOWS.includes(name)) {
      continue;
    }
    signalNumber(backend().signals, name);
    if (signals.indexOf(name as Deno.Signal) < 0) {
      signals[signals.length] = name as Deno.Signal;
    }
  }
  return signals;
}

// ---- Signals to this process, taken for the job while it runs ----

/** Listens to signals from {@linkcode SignalTrap.set} to {@linkcode SignalTrap.release}. */
export class SignalTrap {
  readonly #signals: readonly Deno.Signal[];
  readonly #received: (signal: Deno.Signal) => void;
  #listeners: (() => void)[] = [];

  /**
   * @param signals The signals.
   * @param received Called with each that comes.
   */
  constructor(
    signals: readonly Deno.Signal[],
    received: (signal: Deno.Signal) => void,
  ) {
    this.#signals = signals;
    this.#received = received;
  }

  /**
   * Begins to listen. Idempotent.
   *
   * @throws {TypeError} for a signal that cannot be listened to; none is listened to then.
   */
  set(): void {
    if (this.#listeners.length > 0) return;
    try {
      for (let i = 0; i < this.#signals.length; i++) {
        const signal = this.#signals[i] as Deno.Signal;
        const listener = (): void => this.#received(signal);
        Deno.addSignalListener(signal, listener);
        this.#listeners[i] = listener;
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Listens no longer: the signals have their own effect again. Idempotent. */
  release(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (let i = 0; i < listeners.length; i++) {
      Deno.removeSignalListener(
        this.#signals[i] as Deno.Signal,
        listeners[i] as () => void,
      );
    }
  }
}

// ---- Limits of a whole job: validation and enforcement ----

/**
 * Limits that several trees can have together.
 *
 * @category Several commands
 */
export type JobLimits = Pick<
  Limits,
  "memory" | "cpuTime" | "wallTime" | "processes"
>;

const NAMES: readonly LimitName[] = [
  "memory",
  "cpuTime",
  "wallTime",
  "processes",
];

/**
 * Validates the limits of a job.
 *
 * @param value The limits, as the caller gave them.
 * @returns The limits, or `null` for none.
 * @throws what {@linkcode toLimits} throws, and {TypeError} for one that only a
 * child can have.
 */
export function toJobLimits(value: unknown): JobLimits | null {
  const limits = toLimits(value, backend());
  if (limits === null) return null;
  const names = Object.keys(limits) as LimitName[];
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as LimitName;
    if (NAMES.includes(name)) continue;
    throw new TypeError(
      `Invalid limits: '${name}' is a limit of a child, not of a job, which has ${
        NAMES.join(", ")
      }`,
    );
  }
  return limits;
}

/** Limits in force on a job. Nothing of them holds the event loop: the children do. */
export class JobLimitWatch {
  readonly #limits: JobLimits;
  readonly #end: () => void;
  readonly #watch: LimitWatch | null;
  readonly #wallTime: Timer;
  /** The limit that was passed, or `null`. */
  passed: LimitName | null = null;

  /**
   * @param job The job whose trees are measured.
   * @param limits The limits.
   * @param end Ends the job hard.
   */
  constructor(job: Watched, limits: JobLimits, end: () => void) {
    this.#limits = limits;
    this.#end = end;
    this.#watch = needsWatch(limits)
      ? new LimitWatch(job, limits, (limit) => this.#pass(limit))
      : null;
    this.#watch?.hold(false);
    this.#wallTime = new Timer(
      limits.wallTime ?? Infinity,
      () => this.#pass("wallTime"),
    );
    this.#wallTime.hold(false);
  }

  #pass(limit: LimitName): void {
    this.passed ??= limit;
    this.#end();
  }

  /** The limits in force: no kernel holds a limit for several trees here. */
  reports(): LimitReport[] {
    return limitReports(this.#limits, {});
  }

  /** A child has ended, maybe leaving more behind than the job may have. */
  glance(): void {
    this.#watch?.glance();
  }

  /** The job has ended. Idempotent. */
  end(): void {
    this.#watch?.stop();
    this.#wallTime.clear();
  }
}

// ---- Usage of a whole job: the sums over the trees of its children ----

/** One summand: a child's tree. */
export interface UsedTree {
  /** See {@linkcode NativeProcess.usage}. */
  usage(look: UsageLook): { readonly tree: ResourceUsage };
}

const SUMMED = [
  "userTime",
  "systemTime",
  "memory",
  "readBytes",
  "writeBytes",
  "minorFaults",
  "majorFaults",
  "voluntarySwitches",
  "involuntarySwitches",
  "processes",
  "totalProcesses",
] as const;

/** The sums of one job. */
export class JobUsage {
  readonly #trees: () => readonly UsedTree[];
  #peak = 0;

  /** @param trees The trees of all children, also of those that have ended. */
  constructor(trees: () => readonly UsedTree[]) {
    this.#trees = trees;
  }

  /**
   * Looks at every tree.
   *
   * @param look How closely.
   * @returns The sums. What some of the trees cannot tell is missing in them; what
   * none can is `null`.
   */
  look(look: UsageLook): ResourceUsage {
    const trees = this.#trees();
    const sums: Record<string, number | null> = {};
    let source: ResourceUsage["source"] = "sampled";
    for (let i = 0; i < trees.length; i++) {
      const { tree } = (trees[i] as UsedTree).usage(look);
      if (i === 0) source = tree.source;
      // Of different kinds: what can be said of the weakest.
      else if (source !== tree.source) source = "sampled";
      for (let n = 0; n < SUMMED.length; n++) {
        const name = SUMMED[n] as typeof SUMMED[number];
        const value = tree[name];
        if (value !== null) sums[name] = (sums[name] ?? 0) + value;
      }
    }
    // That of the children are of different moments: it is kept here.
    this.#peak = Math.max(this.#peak, sums["memory"] ?? 0);
    return {
      ...unknownUsage(source),
      ...sums,
      peakMemory: this.#peak > 0 ? this.#peak : null,
    };
  }
}
