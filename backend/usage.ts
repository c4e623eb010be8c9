/**
 * The resources that a child and its tree have used: the figures, and their meaning
 * on every system. Figures that a system does not report are `null`, never 0. Limits
 * of them: their names, and what holds each.
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

/**
 * Limits of a child and of everything it starts. Passing one ends the whole tree
 * hard, and `status.limit` names it; `openFiles`, `fileSize` and `coreSize` make
 * calls of the program fail instead, as the system has it.
 *
 * The holder of a limit differs: {@linkcode ChildProcess.limits} tells. Where the
 * kernel has none for a whole tree, the tree is looked at every 10 to 100 ms, so
 * that it may get past the limit by the work of that time, and only as long
 * as this process lives and its event loop turns; on a machine that is itself
 * overloaded, later. The kernel's limits hold without it. With `outputSync()` the
 * looks come between two waits for output.
 *
 * @category Limits and usage
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
   * Milliseconds from the start until all of the tree is ended. Unlike `timeout` it
   * ends without a soft signal, and also the processes that the leader left behind.
   */
  wallTime?: number;
  /**
   * Living processes of the tree: watched. On Linux the child begins to run when
   * the watch is ready, in the next turn of the event loop. The kernel has a wider
   * limit besides, for processes that start between two looks: on Windows, and with a
   * `"cgroup"` containment that has a pids controller.
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

/**
 * The name of a limit.
 *
 * @category Limits and usage
 */
export type LimitName = keyof Limits;

/**
 * What holds a limit that is in force.
 *
 * @category Limits and usage
 */
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
  /** The quantity that is measured. */
  readonly of: "tree" | "process" | "streams";
}

/** Which limits the kernel holds, and of what. */
export type KernelLimits = Readonly<
  Partial<Record<LimitName, "tree" | "process">>
>;
