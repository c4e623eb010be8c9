/**
 * Limits of a run: what a caller may ask for, its validation, and what an end
 * says about the limit that caused it.
 *
 * @module
 */

import type { Backend, ExitStatus } from "../../backend/backend.ts";
import { cpuTime, type Usage } from "../../backend/usage.ts";
import { shown } from "../validate.ts";

/**
 * Limits of a child and of everything it starts. Passing one ends the whole tree
 * hard, and `status.limit` names it; `openFiles`, `fileSize` and `coreSize` make
 * calls of the program fail instead, as the system has it.
 *
 * What holds a limit differs: {@linkcode ChildProcess.limits} tells. Where the
 * kernel has none for a whole tree, the tree is looked at every 10 to 100 ms, so
 * that it may get past the limit by what it can do in that time, and only as long
 * as this process lives and its event loop turns; on a machine that is itself
 * overloaded, later. The kernel's limits hold without it. With `outputSync()` the
 * looks come between two waits for output.
 *
 * @example
 * ```ts
 * import { Command } from "@killable/process";
 *
 * const { limit } = await new Command(Deno.execPath(), {
 *   args: ["eval", "for (;;) console.log('and on')"],
 *   limits: { output: 10_000, wallTime: 20_000 },
 * }).output();
 * console.log(limit); // output
 * ```
 */
export interface Limits {
  /**
   * Bytes of memory of the whole tree. Linux and macOS: resident memory, watched;
   * a `"cgroup"` containment with a memory controller: by the kernel. Windows:
   * committed memory, by the kernel.
   */
  memory?: number;
  /**
   * Milliseconds of CPU time, user and system, of the whole tree: watched. The
   * kernel holds it as well, on POSIX for each single process in whole seconds
   * (`RLIMIT_CPU`: SIGXCPU, a second later SIGKILL), on Windows for user time.
   */
  cpuTime?: number;
  /**
   * Milliseconds from the start until the tree is ended, whatever of it still
   * runs then. Unlike `timeout` it ends without a soft signal, and also what the
   * leader left behind.
   */
  wallTime?: number;
  /**
   * Living processes of the tree: watched. On Linux the child begins to run when
   * the watch is ready, in the next turn of the event loop. The kernel has a wider limit besides,
   * for what can be started between two looks: on Windows, and with a `"cgroup"`
   * containment that has a pids controller.
   */
  processes?: number;
  /**
   * Descriptors of each process, 8 at least (POSIX; `RLIMIT_NOFILE`). Calls of the program
   * fail (EMFILE), which is its own business: `status.limit` names it only when
   * the run failed and a look had found a process at the limit.
   */
  openFiles?: number;
  /**
   * Bytes of each file that is written (POSIX; `RLIMIT_FSIZE`). The writer gets
   * SIGXFSZ; a program that ignores it, as Python does, has its call fail (EFBIG)
   * and ends as it likes, without `status.limit` being set. macOS: up to the next
   * multiple of 1,024.
   */
  fileSize?: number;
  /** Bytes of a core file (POSIX; `RLIMIT_CORE`); 0 for none. */
  coreSize?: number;
  /**
   * Bytes of both piped streams together. What was written up to the limit can
   * be read; one byte more ends the tree.
   */
  output?: number;
}

/** The name of a limit. */
export type LimitName = keyof Limits;

/** What holds a limit that is in force. */
export interface LimitReport {
  /** Which. */
  readonly limit: LimitName;
  /** Its value, in the unit of {@linkcode Limits}. */
  readonly value: number;
  /**
   * `"kernel"`: it cannot be passed. `"watched"`: the tree is looked at, and is
   * ended once it is past it. `"both"`: watched, and the kernel has a wider or
   * coarser limit of its own besides, should this process be held up.
   */
  readonly by: "kernel" | "watched" | "both";
  /** What is measured. */
  readonly of: "tree" | "process" | "streams";
}

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
 * @param value What the caller gave.
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
    limits[name] = checkAmount(name, amount);
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
    throw new TypeError(`Unknown limit '${name}': there are ${offered}`);
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
  const whole = unit === "milliseconds" || Number.isInteger(amount);
  if (amount >= smallest && amount <= Number.MAX_SAFE_INTEGER && whole) {
    return amount;
  }
  throw new RangeError(
    `Invalid limit '${name}': expected a ${
      unit === "milliseconds" ? "" : "whole "
    }number of ${unit} from ${smallest}, got ${amount}` +
      (amount === Infinity ? ". Leave it out for no limit" : ""),
  );
}

/** Whether the tree must be looked at while it runs. */
export function needsWatch(limits: Limits): boolean {
  return limits.memory !== undefined || limits.cpuTime !== undefined ||
    limits.processes !== undefined || limits.openFiles !== undefined;
}

/** Which limits the kernel holds, and of what. */
export type KernelLimits = Readonly<
  Partial<Record<LimitName, "tree" | "process">>
>;

/**
 * What is in force.
 *
 * @param limits The limits.
 * @param kernel What the kernel holds of them.
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

/** What is asked when a run has ended. */
export interface LimitedEnd {
  /** How the leader ended. */
  readonly exit: ExitStatus;
  /** Whether this library ended it. */
  readonly killed: boolean;
  /** What was used, by the figures known. */
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
