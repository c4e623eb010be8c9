/**
 * Limits of a run: what a caller may ask for, its validation, and what an end
 * says about the limit that caused it.
 *
 * @module
 */

import type { Backend } from "../../backend/backend.ts";
import {
  cpuTime,
  type KernelLimits,
  type LimitName,
  type LimitReport,
  type Limits,
  type Usage,
} from "../../backend/usage.ts";
import type { ExitStatus } from "../../backend/native.ts";
import { meant, shown } from "../validate.ts";

/** Limits of no system: time and streams are ours. */
const NEUTRAL: readonly LimitName[] = ["wallTime", "output"];

const SMALLEST: Readonly<Record<LimitName, number>> = {
  memory: 1,
  cpuTime: 1,
  wallTime: 0,
  processes: 1,
  // Three streams, and what a loader needs to start the program at all.
  openFiles: 8,
  fileSize: 0,
  coreSize: 0,
  output: 0,
};

const UNITS: Readonly<Record<LimitName, string>> = {
  memory: "bytes",
  cpuTime: "milliseconds",
  wallTime: "milliseconds",
  processes: "processes",
  openFiles: "descriptors",
  fileSize: "bytes",
  coreSize: "bytes",
  output: "bytes",
};

/**
 * Validates limits.
 *
 * @param value The limits, as the caller gave them.
 * @param host Which limits this system has.
 * @returns The limits, or `null` for none.
 * @throws {TypeError} for an unknown limit, or a value that is no number.
 * @throws {RangeError} for a value out of range.
 * @throws {Deno.errors.NotSupported} for a limit that this system does not have.
 */
export function toLimits(
  value: unknown,
  host: Pick<Backend, "name" | "limits">,
): Limits | null {
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(
      `Invalid limits: expected an object, got ${shown(value)}`,
    );
  }
  const limits: Limits = {};
  const names = Object.keys(value) as LimitName[];
  let given = false;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as LimitName;
    checkName(name, host);
    const amount = value[name as never] as unknown;
    if (amount === undefined) continue;
    const checked = checkAmount(name, amount);
    if (checked === Infinity) continue;
    limits[name] = checked;
    given = true;
  }
  return given ? limits : null;
}

function checkName(
  name: LimitName,
  host: Pick<Backend, "name" | "limits">,
): void {
  const offered = host.limits.concat(NEUTRAL).join(", ");
  if (!Object.hasOwn(SMALLEST, name)) {
    throw new TypeError(
      `Unknown limit '${name}'${meant(name, host.limits.concat(NEUTRAL))}`,
    );
  }
  if (host.limits.includes(name) || NEUTRAL.includes(name)) return;
  throw new Deno.errors.NotSupported(
    `Cannot limit '${name}': this system has no such limit. It has ${offered}`,
  );
}

function checkAmount(name: LimitName, amount: unknown): number {
  const unit = UNITS[name];
  if (typeof amount !== "number") {
    throw new TypeError(
      `Invalid limit '${name}': expected ${unit} as a number, got ${
        shown(amount)
      }`,
    );
  }
  const smallest = SMALLEST[name];
  // Infinity is how JavaScript writes "no limit".
  if (amount === Infinity) return amount;
  const whole = unit === "milliseconds" || Number.isInteger(amount);
  if (amount >= smallest && amount <= Number.MAX_SAFE_INTEGER && whole) {
    return amount;
  }
  throw new RangeError(
    `Invalid limit '${name}': expected a ${
      unit === "milliseconds" ? "" : "whole "
    }number of ${unit} from ${smallest}, got ${amount}`,
  );
}

/** Whether the tree must be looked at while it runs. */
export function needsWatch(limits: Limits): boolean {
  return limits.memory !== undefined || limits.cpuTime !== undefined ||
    limits.processes !== undefined || limits.openFiles !== undefined;
}

/**
 * The limits in force.
 *
 * @param limits The limits.
 * @param kernel Those that the kernel holds.
 * @returns One report for each.
 */
export function limitReports(
  limits: Limits,
  kernel: KernelLimits,
): LimitReport[] {
  const reports: LimitReport[] = [];
  const names = Object.keys(limits) as LimitName[];
  for (let i = 0; i < names.length; i++) {
    const limit = names[i] as LimitName;
    const held = kernel[limit];
    reports[i] = {
      limit,
      value: limits[limit] as number,
      by: held === undefined
        ? "watched"
        : limit === "cpuTime" || limit === "processes"
        ? "both"
        : "kernel",
      of: limit === "output"
        ? "streams"
        : held === "process" && limit !== "cpuTime"
        ? "process"
        : "tree",
    };
  }
  return reports;
}

/** Figures of a run that has ended. */
export interface LimitedEnd {
  /** How the leader ended. */
  readonly exit: ExitStatus;
  /** Whether this library ended it. */
  readonly killed: boolean;
  /** The usage, by the figures known. */
  readonly usage: () => Pick<Usage, "leader">;
}

// Kernel and accounting do not count in the same steps.
const CLOSE_TO = 0.9;

/**
 * The limit that the kernel ended a leader for, from its end: the signal itself,
 * or the exit code with which a shell passes it on.
 *
 * @param limits The limits.
 * @param end How it ended.
 * @param signals Numbers of this system's signals.
 * @returns The limit, or `null`.
 */
export function limitOfEnd(
  limits: Limits,
  end: LimitedEnd,
  signals: Readonly<Record<string, number>>,
): LimitName | null {
  const { code, lost } = end.exit;
  if (code === 0 || lost || end.killed) return null;
  const died = (signal: string): boolean =>
    signals[signal] !== undefined && code === 128 + (signals[signal] as number);
  if (limits.fileSize !== undefined && died("SIGXFSZ")) return "fileSize";
  if (limits.cpuTime === undefined) return null;
  if (died("SIGXCPU")) return "cpuTime";
  if (!died("SIGKILL")) return null;
  // A child that ignores SIGXCPU gets SIGKILL from the kernel a second later.
  const spent = cpuTime(end.usage().leader);
  return spent !== null && spent >= limits.cpuTime * CLOSE_TO
    ? "cpuTime"
    : null;
}
