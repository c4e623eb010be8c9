/**
 * The choice of a child's containment and process group on POSIX, and the mechanisms
 * that this host can guarantee.
 *
 * @module
 */

import type {
  Capabilities,
  MechanismReport,
} from "../../backend/containment.ts";
import type { SpawnSpec } from "../../backend/spec.ts";
import { DARWIN, libc } from "../system/libc.ts";
import type { AttributeChoice } from "../system/posix_spawn.ts";
import { processTable } from "../system/process_table.ts";
import type { Membership } from "../tree/membership.ts";
import { Cgroup, cgroupObstacle } from "./cgroup.ts";
import { ensureGuard, guardObstacle } from "./guard.ts";
import { KinshipGroup, ProcessGroup } from "./process_group.ts";
import { Lineage, notHeld } from "./lineage.ts";
import { lineageObstacle } from "./owner.ts";
import { sliceObstacle } from "./slice.ts";

/** The choice, and the group to start in. */
export interface ContainmentChoice {
  readonly membership: Membership;
  readonly group: AttributeChoice["group"];
}

/**
 * Chooses.
 *
 * @param spec The specification.
 * @returns Containment and group.
 * @throws {Deno.errors.NotSupported} when the mechanism asked for cannot be had.
 */
export function chooseContainment(spec: SpawnSpec): ContainmentChoice {
  const wanted = spec.containment;
  if (wanted === "job-object") {
    throw unavailable(wanted, "only Windows has job objects");
  }
  const notes: string[] = [];
  const guarded = spec.killOnParentExit && ensureGuard(notes)
    ? {
      signal: spec.endSignal,
      grace: spec.endGrace,
      mainFirst: spec.endMainFirst === true,
    }
    : null;
  if (wanted !== "process-group") {
    const lineage = DARWIN ? null : Lineage.create(guarded, notes);
    if (lineage !== null) {
      const membership = wanted === "cgroup" ? inCgroup(lineage) : lineage;
      return { membership, group: groupOf(spec) };
    }
    const why = whyNoLineage() || "all numbers for trees are in use";
    if (wanted !== "auto") throw unavailable(wanted, why);
    notes[notes.length] = why;
  }
  // Here the group is the containment: it cannot be shared with ours.
  const session = spec.detached || spec.pty !== null ||
    spec.processGroup === "session";
  const group = session ? "session" : "own";
  const membership = DARWIN
    ? new KinshipGroup(guarded, notes, processTable())
    : new ProcessGroup(guarded, notes);
  return { membership, group };
}

function inCgroup(lineage: Lineage): Cgroup {
  const cgroup = Cgroup.create(lineage);
  if (typeof cgroup !== "string") return cgroup;
  lineage.retire();
  throw unavailable("cgroup", cgroup);
}

function unavailable(wanted: string, why: string): Error {
  return new Deno.errors.NotSupported(
    `Cannot contain the process tree by '${wanted}': ${why}. Use containment "auto" and read child.containment`,
  );
}

function groupOf(spec: SpawnSpec): AttributeChoice["group"] {
  if (spec.processGroup !== "auto") return spec.processGroup;
  if (spec.detached || spec.pty !== null) return "session";
  if (spec.foreground) return "own";
  // A new group is a background group: reading the terminal would stop it
  // (SIGTTIN). A child that shares our terminal for input shares our group, as
  // with Deno.Command, so that Ctrl-C and Ctrl-Z mean both. The tag holds it.
  const stdin = spec.stdin === "inherit" ? 0 : spec.stdin;
  const sharesTerminal = typeof stdin === "number" &&
    libc().tcgetpgrp(stdin) === libc().getpgrp();
  return sharesTerminal ? "inherit" : "own";
}

// The mechanisms of this host.

/** Why `auto` gives no lineage containment here; empty when it does. */
export function whyNoLineage(): string {
  if (DARWIN) return "macOS has no inherited mark that nothing resets";
  return lineageObstacle();
}

/** The mechanisms of this host, the strongest first. */
export function posixCapabilities(): Capabilities {
  const why = whyNoLineage();
  const guard = guardObstacle();
  const slice = DARWIN || why !== "" ? "" : sliceObstacle();
  const lineage: MechanismReport = {
    mechanism: "lineage",
    available: why === "",
    holdsEscapees: slice === "",
    endsWithParent: guard === "",
    why: why || guard || (slice && notHeld(slice)),
  };
  const group: MechanismReport = {
    mechanism: "process-group",
    available: true,
    holdsEscapees: false,
    endsWithParent: guard === "",
    why: guard || "a descendant that calls setsid or setpgid leaves the group",
  };
  const cgroupWhy = DARWIN ? "" : cgroupObstacle();
  const cgroup: MechanismReport = {
    mechanism: "cgroup",
    available: cgroupWhy === "" && why === "",
    holdsEscapees: true,
    endsWithParent: guard === "",
    why: cgroupWhy || why || "costs some ten milliseconds at each spawn",
  };
  const mechanisms = DARWIN ? [group] : [cgroup, lineage, group];
  return {
    containment: lineage.available ? "lineage" : "process-group",
    mechanisms,
  };
}
