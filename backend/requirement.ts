/**
 * What a caller demands of a start, and the refusal where this host cannot keep it:
 * before anything is started, with what would be needed.
 *
 * @module
 */

import type {
  Capabilities,
  Containment,
  MechanismReport,
} from "./containment.ts";
import type { KernelLimits, LimitName, Limits } from "./usage.ts";

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
