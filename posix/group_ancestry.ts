/**
 * Containment on macOS, which has nothing that is inherited for good: the process
 * group of the leader (setpgid(2)), and whoever can be seen to descend from a
 * member (see `ancestry.ts`).
 *
 * The group is read from the process table, not asked for with getpgid(2): that
 * has no answer for a zombie there, and a leader that has ended would look like
 * one that is gone.
 *
 * @module
 */

import type { Containment } from "../backend.ts";
import { Ancestry } from "./ancestry.ts";
import type { Belongs, Membership } from "./containment.ts";
import { forgetGroup, guardGroup } from "./guard.ts";
import type { ProcessTable } from "./process_table.ts";

/** The members of one tree, by process group and descent. */
export class GroupAncestry implements Membership {
  readonly report: Containment;
  readonly #table: ProcessTable;
  #pgid = 0;
  #ancestry: Ancestry | null = null;

  /**
   * @param endsWithParent Whether the guard is told of the group.
   * @param notes What the caller should know of the containment.
   * @param table Where to look.
   */
  constructor(
    endsWithParent: boolean,
    notes: readonly string[],
    table: ProcessTable,
  ) {
    this.report = {
      mechanism: "process-group",
      holdsEscapees: false,
      endsWithParent,
      notes,
    };
    this.#table = table;
  }

  beginSpawn(): void {}

  endSpawn(pid: number): void {
    this.#pgid = pid;
    if (pid > 1 && this.report.endsWithParent) guardGroup(pid);
  }

  belongs(pid: number): Belongs {
    if (this.#pgid <= 1) return "no";
    const stat = this.#table.stat(pid);
    if (stat === null) return "gone";
    const ancestry = this.#ancestry ??= this.#fromLeader();
    if (stat.pgrp !== this.#pgid) return ancestry?.holds(stat) ? "yes" : "no";
    // Whom it forks is of the tree as well, though it was itself an orphan.
    ancestry?.remember(stat);
    return "yes";
  }

  // Not before the first look: a spawn need not wait for it. Until the tree is
  // empty the leader is not reaped, so it is there to be seen.
  #fromLeader(): Ancestry | null {
    const leader = this.#table.stat(this.#pgid);
    return leader === null ? null : new Ancestry(leader, this.#table);
  }

  quickEmpty(): null {
    return null;
  }

  abandon(): void {}

  // Never again: the number may be a stranger's group from now on.
  retire(): void {
    forgetGroup(this.#pgid);
    this.#pgid = 0;
    this.#ancestry = null;
  }
}
