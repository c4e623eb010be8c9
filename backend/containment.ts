/**
 * The mechanisms that hold a tree together, as both twins name them, and what
 * each promises on this machine; the requirement of a caller, and the refusal where
 * this machine cannot keep it; and processes as the system describes them.
 *
 * @module
 */

import type { KernelLimits, LimitName, Limits } from "./usage.ts";

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
  /**
   * The mechanism in force: `ancestry` only where Windows does not let the child into
   * a job.
   */
  readonly mechanism: TreeMechanism;
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

/**
 * What must hold, or nothing is started.
 *
 * @category Containment
 */
export interface Requirement {
  /** Descendants that leave the process group or session are held, and ended as well. */
  readonly holdsEscapees?: boolean;
  /** The tree ends when this process ends by any cause, SIGKILL included. */
  readonly endsWithParent?: boolean;
  /**
   * `"kernel"`: every limit holds also while this process is held up or stopped: for the
   * whole tree, or, by its nature, for each process (`openFiles`, `fileSize`,
   * `coreSize`).
   */
  readonly limits?: "kernel";
}

/**
 * One thing that was required of a start and cannot be had.
 *
 * @category Errors
 */
export interface UnmetRequirement {
  /** The name in `require`. */
  readonly requirement: "holdsEscapees" | "endsWithParent" | "limits";
  /** Of `limits`, the one that the kernel does not hold; otherwise `null`. */
  readonly limit: LimitName | null;
  /** Why it cannot be had, without a full stop. */
  readonly reason: string;
  /** What would give it, one each; empty where nothing on this system does. */
  readonly needed: readonly string[];
}

/**
 * A start was refused because this host cannot keep what `require` demands. Nothing was
 * started. It is `instanceof Deno.errors.NotSupported` as well.
 *
 * @category Errors
 * @example
 * ```ts
 * import { Command, RequirementError } from "@killable/process";
 *
 * try {
 *   new Command(Deno.execPath(), {
 *     args: ["--version"],
 *     limits: { wallTime: 60_000 },
 *     require: { limits: "kernel" },
 *   }).spawn();
 * } catch (error) {
 *   if (!(error instanceof RequirementError)) throw error;
 *   console.log(error.unmet[0]?.limit); // wallTime
 * }
 * ```
 */
export class RequirementError extends Deno.errors.NotSupported {
  /** The class's name. */
  override name = "RequirementError";
  /** The program. */
  readonly command: string;
  /** All that is missing. */
  readonly unmet: readonly UnmetRequirement[];

  /**
   * Makes the error.
   *
   * @param command The program.
   * @param unmet All that is missing, one at least.
   */
  constructor(command: string, unmet: readonly UnmetRequirement[]) {
    const parts = unmet.map(({ requirement, reason, needed }) =>
      `${requirement}: ${reason}${
        needed.length > 0 ? ` (needed: ${needed.join(", or ")})` : ""
      }`
    );
    super(
      `Refused to spawn '${command}': this host cannot keep what 'require' demands. ${
        parts.join("; ")
      }. Nothing was started; leave out of 'require' what you can do without`,
    );
    this.command = command;
    this.unmet = unmet;
  }
}

/** What a start would get. */
export interface Offer {
  /** The program, for messages. */
  readonly command: string;
  /** The containment that was chosen. */
  readonly containment: Containment;
  /** The limits asked for, or `null`. */
  readonly limits: Limits | null;
  /** Those that the kernel holds. */
  readonly held: KernelLimits;
  /** What this host has besides; asked only for a refusal. */
  readonly capabilities: () => Capabilities;
}

// Each process has these; none is more than that on any system.
const OF_PROCESS: readonly LimitName[] = ["openFiles", "fileSize", "coreSize"];

/**
 * Refuses a start that would not have what is required.
 *
 * @param required What must hold, or nothing.
 * @param offer What the start would get.
 * @throws {RequirementError} naming all that is missing.
 */
export function refuseUnmet(
  required: Requirement | null | undefined,
  offer: Offer,
): void {
  if (required === null || required === undefined) return;
  const { containment, command } = offer;
  const unmet: UnmetRequirement[] = [];
  if (required.holdsEscapees && !containment.holdsEscapees) {
    unmet[unmet.length] = unheld("holdsEscapees", offer);
  }
  if (required.endsWithParent && !containment.endsWithParent) {
    unmet[unmet.length] = unheld("endsWithParent", offer);
  }
  if (required.limits === "kernel") addLimits(offer, unmet);
  if (unmet.length > 0) throw new RequirementError(command, unmet);
}

function unheld(
  requirement: "holdsEscapees" | "endsWithParent",
  { containment, capabilities }: Offer,
): UnmetRequirement {
  const { mechanism, notes } = containment;
  const { mechanisms } = capabilities();
  const own = mechanisms.find((one) => one.mechanism === mechanism);
  const needed: string[] = [];
  if (requirement === "endsWithParent" && own?.endsWithParent) {
    return {
      requirement,
      limit: null,
      reason: "it is started so that it outlives this process",
      needed: ["killOnParentExit: true, without 'detached'"],
    };
  }
  for (let i = 0; i < mechanisms.length; i++) {
    const one = mechanisms[i] as MechanismReport;
    if (one.mechanism === mechanism || !one[requirement]) continue;
    const asked = `containment: "${one.mechanism}"`;
    needed[needed.length] = one.available
      ? `${asked}, which has it here`
      : `${asked}, which this host has not: ${one.why}`;
  }
  return {
    requirement,
    limit: null,
    reason: (notes.join("; ") || own?.why) ??
      `the containment '${mechanism}' does not promise it`,
    needed,
  };
}

function addLimits(
  { limits, held, containment, capabilities }: Offer,
  unmet: UnmetRequirement[],
): void {
  const names = Object.keys(limits ?? {}) as LimitName[];
  const cgroup = capabilities().mechanisms
    .find((one) => one.mechanism === "cgroup");
  for (let i = 0; i < names.length; i++) {
    const limit = names[i] as LimitName;
    const of = held[limit];
    if (of === "tree" || of === "process" && OF_PROCESS.includes(limit)) {
      continue;
    }
    const needed: string[] = [];
    if (limit === "memory" || limit === "processes") {
      if (containment.mechanism === "cgroup") {
        needed[0] = `a cgroup that was given the ${
          limit === "memory" ? "memory" : "pids"
        } controller (cgroup.subtree_control)`;
      } else if (cgroup !== undefined) {
        const why = cgroup.available
          ? ""
          : `, which this host has not: ${cgroup.why}`;
        needed[0] = `containment: "cgroup"${why}`;
      }
    }
    unmet[unmet.length] = {
      requirement: "limits",
      limit,
      reason: of === "process"
        ? `the kernel holds '${limit}' for each process alone, and this process watches the tree`
        : `this process watches '${limit}', and no kernel does`,
      needed,
    };
  }
}
