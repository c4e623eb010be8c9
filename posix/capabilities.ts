/**
 * What this host can guarantee.
 *
 * @module
 */

import type { Capabilities, MechanismReport } from "../backend/backend.ts";
import { cgroupObstacle } from "./containment/cgroup.ts";
import { guardObstacle } from "./containment/guard.ts";
import { DARWIN } from "./system/libc.ts";
import { lineageObstacle } from "./containment/lineage.ts";

/** Why `auto` gives no lineage containment here; empty when it does. */
export function whyNoLineage(): string {
  if (DARWIN) return "macOS has no inherited mark that nothing resets";
  return lineageObstacle();
}

/** The mechanisms of this host, the strongest first. */
export function posixCapabilities(): Capabilities {
  const why = whyNoLineage();
  const guard = guardObstacle();
  const lineage: MechanismReport = {
    mechanism: "lineage",
    available: why === "",
    holdsEscapees: true,
    endsWithParent: guard === "",
    why: why || guard,
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
