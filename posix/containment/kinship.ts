/**
 * Containment on macOS, which has nothing that is inherited for good: the process
 * group of the leader (setpgid(2)), and whoever can be seen to descend from a
 * member (see `kinship.ts`).
 *
 * The group is read from the process table, not asked for with getpgid(2): that
 * has no answer for a zombie there, and a leader that has ended would look like
 * one that is gone.
 *
 * @module
 */

import type { Containment } from "../../backend/backend.ts";
import type { Belongs, Members, Membership } from "../tree/membership.ts";
import { forgetGroup, guardGroup } from "./guard.ts";
import { Kinship } from "../kinship.ts";
import type { ProcessTable } from "../system/process_table.ts";

let shared: Kinship<Members> | null = null;

/** The members of one tree, by process group and descent. */
export class KinshipGroup implements Membership {
  readonly report: Containment;
  readonly #table: ProcessTable;
  readonly #kinship: Kinship<Members>;
  #pgid = 0;

  /**
   * @param endsWithParent Whether the guard is told of the group.
   * @param notes What the caller should know of the containment.
   * @param table Where to look.
   * @param kinship What is known of all trees; that of this isolate by default.
   */
  constructor(
    endsWithParent: boolean,
    notes: readonly string[],
    table: ProcessTable,
    kinship: Kinship<Members> = shared ??= new Kinship(table),
  ) {
    this.report = {
      mechanism: "process-group",
      holdsEscapees: false,
      endsWithParent,
      notes,
    };
    this.#table = table;
    this.#kinship = kinship;
  }

  beginSpawn(): void {}

  endSpawn(pid: number): void {
    if (pid <= 1) return;
    this.#pgid = pid;
    this.#kinship.begin(this, pid);
    if (this.report.endsWithParent) guardGroup(pid);
  }

  belongs(pid: number): Belongs {
    if (this.#pgid <= 1) return "no";
    const tree = this.treeOf(pid);
    if (tree === "gone") return "gone";
    return tree === this ? "yes" : "no";
  }

  treeOf(pid: number): Members | "gone" | null {
    const stat = this.#table.stat(pid);
    return stat === null ? "gone" : this.#kinship.treeOf(stat);
  }

  quickEmpty(): null {
    return null;
  }

  abandon(): void {}

  // Never again: the number may be a stranger's group from now on.
  retire(): void {
    if (this.#pgid <= 1) return;
    forgetGroup(this.#pgid);
    this.#kinship.end(this, this.#pgid);
    this.#pgid = 0;
  }
}
