/**
 * The mechanisms that hold a tree together, as both twins name them, and what
 * each promises on this machine; and processes as the system describes them.
 *
 * @module
 */

/**
 * The operating-system mechanism that holds a tree together.
 *
 * @category Containment
 */
export type ContainmentKind =
  | "job-object"
  | "cgroup"
  | "lineage"
  | "process-group";

/**
 * The mechanism that holds a tree; `ancestry` for a tree that this library did not start.
 *
 * @category Containment
 */
export type TreeMechanism = ContainmentKind | "ancestry";

/**
 * The mechanism that a caller asks for: one by name, or the best one there is.
 *
 * @category Containment
 */
export type ContainmentRequest = "auto" | ContainmentKind;

/**
 * The guarantee a tree really got. Reported, never silently weakened.
 *
 * @category Containment
 */
export interface Containment {
  /** The mechanism in force. */
  readonly mechanism: ContainmentKind;
  /**
   * Whether descendants that left the process group or session are held. A process
   * that a service starts on behalf of a member is no descendant, on any system: by
   * systemd or D-Bus, and on Windows by WMI, the Task Scheduler, COM, or UAC.
   */
  readonly holdsEscapees: boolean;
  /** Whether the tree ends when this process ends by any cause, SIGKILL included. */
  readonly endsWithParent: boolean;
  /** Why nothing stronger was available, one sentence each; empty when nothing is. */
  readonly notes: readonly string[];
}

/**
 * A member of a tree, as the process table shows it.
 *
 * @category Trees of other programs
 */
export interface ProcessInfo {
  /** Process id. */
  readonly pid: number;
  /** Process id of the parent now (1 or a subreaper for an orphan). */
  readonly ppid: number;
  /** Name of the program, without path. */
  readonly name: string;
  /** Command line, when it can be read; otherwise the name. */
  readonly command: string;
  /** State as the OS words it: `running`, `sleeping`, `stopped`, `zombie` … */
  readonly state: string;
  /** Start time, in milliseconds since the epoch; `NaN` where unknown. */
  readonly startTime: number;
}

/**
 * One mechanism on this host.
 *
 * @category Containment
 */
export interface MechanismReport {
  /** Which. */
  readonly mechanism: ContainmentKind;
  /** Whether it can be had here. */
  readonly available: boolean;
  /** Whether it holds descendants that left the process group or session. */
  readonly holdsEscapees: boolean;
  /** Whether its trees end when this process ends by any cause. */
  readonly endsWithParent: boolean;
  /** Why not, or why not more; empty when there is nothing to say. */
  readonly why: string;
}

/**
 * The guarantees of this host.
 *
 * @category Containment
 */
export interface Capabilities {
  /** What `containment: "auto"` gives. */
  readonly containment: ContainmentKind;
  /** Every mechanism of this operating system, the strongest first. */
  readonly mechanisms: readonly MechanismReport[];
}

/** The mechanisms that can be asked for, the default first. */
export const CONTAINMENTS = [
  "auto",
  "job-object",
  "cgroup",
  "lineage",
  "process-group",
] as const;

/**
 * The state of a process, as far as it decides how the process reacts to a signal.
 * Made by {@linkcode explain}.
 *
 * @category Trees of other programs
 */
export interface Explanation {
  /** Its process id. */
  readonly pid: number;
  /** Its program, without path. */
  readonly name: string;
  /** Its state, as the system words it: `sleeping`, `uninterruptible`, `zombie` … */
  readonly state: string;
  /** Its parent, or `null` when that cannot be read. */
  readonly parent: { readonly pid: number; readonly name: string } | null;
  /** Its real user id; `null`: not known (macOS). */
  readonly uid: number | null;
  /** Whether this process may send it a signal. */
  readonly maySignal: boolean;
  /** The signals that it ignores; `null`: not known (macOS). */
  readonly ignored: readonly string[] | null;
  /** The signals that its main thread blocks; `null`: not known (macOS). */
  readonly blocked: readonly string[] | null;
  /** The signals that it handles; `null`: not known (macOS). */
  readonly caught: readonly string[] | null;
  /** The signals that it has been sent and has not taken yet; `null`: not known (macOS). */
  readonly pending: readonly string[] | null;
  /** The debugger or tracer that it is attached to, or `null`. */
  readonly tracer: { readonly pid: number; readonly name: string } | null;
  /** The path of its cgroup when that is frozen, or `null`. */
  readonly frozen: string | null;
  /** The function of the kernel that it waits in, where the kernel tells, or `null`. */
  readonly waitsIn: string | null;
  /**
   * Why a signal to end it may have no effect, the weightiest reason first; one
   * sentence each, without a full stop. Empty when no reason is found.
   */
  readonly reasons: readonly string[];
}
