/**
 * The mechanisms that hold a tree together, as both twins name them, and what
 * each promises on this machine.
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
