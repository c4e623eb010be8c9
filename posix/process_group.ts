/**
 * Containment by process group (any POSIX system): whoever has the leader's
 * number as process group (setpgid(2)). A member that calls setsid or setpgid
 * leaves it. On macOS, which has nothing stronger, whoever can be seen to descend
 * from the leader belongs to the tree as well.
 *
 * @module
 */

import type { Containment } from "../backend.ts";
import { ESRCH } from "./errno.ts";
import { Ancestry } from "./ancestry.ts";
import { processTable } from "./process_table.ts";
import { forgetGroup, guardGroup } from "./guard.ts";
import { lastPid, procIsUsable } from "./proc_files.ts";
import { quickEmpty } from "./quick_empty.ts";
import { DARWIN, errno, libcWait } from "./libc.ts";
import type { Belongs, Membership } from "./containment.ts";

/** The members of one tree, by process group. */
export class ProcessGroup implements Membership {
  readonly report: Containment;
  #pgid = 0;
  #ancestry: Ancestry | null = null;

  /** @param notes Why nothing stronger is in force. */
  constructor(endsWithParent: boolean, notes: readonly string[]) {
    this.report = {
      mechanism: "process-group",
      holdsEscapees: false,
      endsWithParent,
      notes,
    };
  }

  beginSpawn(): void {}

  endSpawn(pid: number): void {
    this.#pgid = pid;
    const leader = DARWIN && pid > 1 ? processTable().stat(pid) : null;
    if (leader !== null) this.#ancestry = new Ancestry(leader, processTable());
    if (pid > 1 && this.report.endsWithParent) guardGroup(pid);
  }

  belongs(pid: number): Belongs {
    if (this.#pgid <= 1) return "no";
    const group = libcWait().getpgid(pid);
    if (group === this.#pgid) return "yes";
    if (this.#ancestry !== null) return this.#ancestry.belongs(pid);
    return group < 0 && errno() === ESRCH ? "gone" : "no";
  }

  quickEmpty(leader: number, ageMs: number): boolean | null {
    if (DARWIN || !procIsUsable()) return null;
    return quickEmpty(leader, ageMs, lastPid(), (pid) => this.belongs(pid));
  }

  abandon(): void {}

  // Never again: the number may be a stranger's group from now on.
  retire(): void {
    forgetGroup(this.#pgid);
    this.#pgid = 0;
  }
}
