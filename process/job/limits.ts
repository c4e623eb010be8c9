/**
 * Limits of a whole job: checked, and put into force.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import type { LimitName, LimitReport, Limits } from "../../backend/limits.ts";
import { Timer } from "../../backend/timer.ts";
import {
  type ResourceUsage,
  unknownUsage,
  type UsageLook,
} from "../../backend/usage.ts";
import { LimitWatch, type Watched } from "../limits/run_limits.ts";
import { limitReports, needsWatch, toLimits } from "../limits/limits.ts";

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
 * @param value What the caller gave.
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
   * @param job What is looked at.
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

  /** What is in force: no kernel holds a limit for several trees here. */
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

// What a whole job has used: the sums over the trees of its children.

/** What is summed: a child's tree. */
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
    this.#peak = Math.max(this.#peak, sums.memory ?? 0);
    return {
      ...unknownUsage(source),
      ...sums,
      peakMemory: this.#peak > 0 ? this.#peak : null,
    };
  }
}
