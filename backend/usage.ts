/**
 * The resources that a child and its tree have used: the figures, and their meaning
 * on every system. Figures that a system does not report are `null`, never 0.
 *
 * @module
 */

/**
 * Where figures come from:
 * - `"rusage"`: the report of the OS when the process was reaped (wait4(2)),
 *   with every descendant that was itself waited for;
 * - `"process"`: a look at the running process, the same descendants included
 *   on Linux;
 * - `"sampled"`: the sum over the members at each look, with what those that
 *   are gone had used when they were last seen: a lower bound;
 * - `"cgroup"`, `"job"`: the kernel's own counters of the whole tree.
 *
 * @category Limits and usage
 */
export type UsageSource =
  | "rusage"
  | "process"
  | "sampled"
  | "cgroup"
  | "job";

/**
 * The resources that one process or one tree has used so far. `null` is "not known here".
 *
 * @category Limits and usage
 */
export interface ResourceUsage {
  /** Where the figures come from. */
  readonly source: UsageSource;
  /** CPU time in user mode, in milliseconds. */
  readonly userTime: number | null;
  /** CPU time in the kernel, in milliseconds. */
  readonly systemTime: number | null;
  /**
   * Bytes of memory in use now: resident on POSIX, where pages that processes
   * share are counted for each of them; private bytes on Windows.
   */
  readonly memory: number | null;
  /**
   * The most that was in use at once, in bytes. With `"sampled"`, at a look;
   * with `"rusage"`, by the largest single process.
   */
  readonly peakMemory: number | null;
  /** Bytes read: from storage on POSIX, by all means on Windows. */
  readonly readBytes: number | null;
  /** Bytes written: to storage on POSIX, by all means on Windows. */
  readonly writeBytes: number | null;
  /** Page faults that needed no I/O; on Windows, all of them. */
  readonly minorFaults: number | null;
  /** Page faults that needed I/O. */
  readonly majorFaults: number | null;
  /** Context switches because the process waited. Known once it has been reaped. */
  readonly voluntarySwitches: number | null;
  /** Context switches because its time slice was over. Known once it has been reaped. */
  readonly involuntarySwitches: number | null;
  /** Living processes now. */
  readonly processes: number | null;
  /** Processes there ever were, where the kernel counts them. */
  readonly totalProcesses: number | null;
}

/**
 * The resources that a child and its tree have used, as {@linkcode ChildProcess.usage}
 * returns them.
 *
 * @category Limits and usage
 */
export interface Usage {
  /** Milliseconds from the start of the child to this look; in a status, to its exit. */
  readonly elapsed: number;
  /** The child itself. */
  readonly leader: ResourceUsage;
  /** The child and everything it started. */
  readonly tree: ResourceUsage;
}

/**
 * How closely a backend looks: `"known"` makes no system call and returns the figures
 * of the looks so far; `"brief"` looks at CPU time, memory and the number of processes;
 * `"full"` at everything.
 */
export type UsageLook = "known" | "brief" | "full";

/**
 * Figures of which nothing is known.
 *
 * @param source Where they would come from.
 * @returns All `null`.
 */
export function unknownUsage(source: UsageSource): ResourceUsage {
  return {
    source,
    userTime: null,
    systemTime: null,
    memory: null,
    peakMemory: null,
    readBytes: null,
    writeBytes: null,
    minorFaults: null,
    majorFaults: null,
    voluntarySwitches: null,
    involuntarySwitches: null,
    processes: null,
    totalProcesses: null,
  };
}

/**
 * CPU time in both modes.
 *
 * @param usage Figures.
 * @returns Milliseconds, or `null` where unknown.
 */
export function cpuTime(usage: ResourceUsage): number | null {
  const { userTime, systemTime } = usage;
  return userTime === null || systemTime === null
    ? null
    : userTime + systemTime;
}
