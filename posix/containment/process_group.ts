/**
 * Containment by process group (setpgid(2)): on Linux the group of the leader, which a
 * member leaves by setsid or setpgid; on macOS the group and kinship, that is descent
 * by unique ids.
 *
 * @module
 */

import type { Containment } from "../../backend/containment.ts";
import { ESRCH } from "../system/errno.ts";
import { errno, libcWait } from "../system/libc.ts";
import {
  numbersFresh,
  type ProcessTable,
  procIsUsable,
  type ProcStat,
} from "../system/proc_files.ts";
import type {
  Belongs,
  LeaderExit,
  Members,
  Membership,
} from "../tree/membership.ts";
import { Census, CensusTree, otherNumbers } from "./census.ts";
import {
  forgetGroup,
  guardAskedGroup,
  guardGroup,
  type Terms,
} from "./guard.ts";

// More numbers than these are not gone through: all of /proc is read instead.
const MAX_NUMBERS = 512;

// The members of all groups.
const census = new Census(numbersFresh);
const ours = new Set<number>();

/** The members of one tree, by process group. */
export class ProcessGroup extends CensusTree implements Membership {
  readonly report: Containment;
  readonly #terms: Terms | null;
  #pgid = 0;
  #startedAt = 0;

  /**
   * @param terms How the guard ends it; `null`: not at all.
   * @param notes Why nothing stronger is in force.
   */
  constructor(terms: Terms | null, notes: readonly string[]) {
    super(census);
    this.#terms = terms;
    this.report = {
      mechanism: "process-group",
      holdsEscapees: false,
      endsWithParent: terms !== null,
      notes,
    };
  }

  beginSpawn(): void {}

  endSpawn(pid: number): void {
    this.#pgid = pid;
    this.begins(pid);
    this.#startedAt = performance.now();
    if (pid > 1) ours.add(pid);
    if (pid > 1 && this.#terms !== null) guardGroup(pid, this.#terms);
  }

  belongs(pid: number): Belongs {
    if (this.#pgid <= 1) return "no";
    const group = libcWait().getpgid(pid);
    if (ours.has(group)) census.note(group, pid);
    if (group === this.#pgid) return "yes";
    if (group >= 0 || errno() !== ESRCH) return "no";
    census.gone(pid);
    return "gone";
  }

  numbers(newest: number): number[] | null {
    const young = numbersFresh(2 * (performance.now() - this.#startedAt));
    if (this.#pgid <= 1 || !young) return null;
    return otherNumbers(this.#pgid, newest, this.turn, MAX_NUMBERS);
  }

  // A retired group has no members.
  protected override get counted(): number {
    return this.#pgid > 1 ? this.#pgid : 0;
  }

  override quickEmpty(exit: LeaderExit): boolean | null {
    return procIsUsable() ? super.quickEmpty(exit) : null;
  }

  asked(signal: string, pid: number): void {
    if (signal !== this.#terms?.signal || pid !== 0) return;
    guardAskedGroup(this.#pgid);
  }

  abandon(): void {}

  // Never again: the number may be a stranger's group from now on.
  retire(): void {
    forgetGroup(this.#pgid);
    ours.delete(this.#pgid);
    this.#pgid = 0;
  }
}

// Containment on macOS, which has nothing that is inherited for good: the process
// group of the leader, and the processes that can be seen to descend from a member
// (see {@linkcode Kinship}).
//
// The group is read from the process table, not asked for with getpgid(2): that
// has no answer for a zombie there, and a leader that has ended would look like
// one that is gone.

let shared: Kinship<Members> | null = null;

/** The members of one tree, by process group and descent. */
export class KinshipGroup implements Membership {
  readonly report: Containment;
  readonly #table: ProcessTable;
  readonly #kinship: Kinship<Members>;
  readonly #terms: Terms | null;
  #pgid = 0;

  /**
   * @param terms How the guard ends it; `null`: not at all.
   * @param notes Notes on the containment for the caller.
   * @param table Where to look.
   * @param kinship The members of all trees; those of this isolate by default.
   */
  constructor(
    terms: Terms | null,
    notes: readonly string[],
    table: ProcessTable,
    kinship: Kinship<Members> = shared ??= new Kinship(table),
  ) {
    this.#terms = terms;
    this.report = {
      mechanism: "process-group",
      holdsEscapees: false,
      endsWithParent: terms !== null,
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
    if (this.#terms !== null) guardGroup(pid, this.#terms);
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

  asked(signal: string, pid: number): void {
    if (signal !== this.#terms?.signal || pid !== 0) return;
    guardAskedGroup(this.#pgid);
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

// Kinship: the tree of a process, by process group and descent (macOS).
//
// Descent goes by unique ids, which are given once. A process keeps its own for good,
// and that of the process that forked it even as an orphan, until it calls exec: then
// it has that of its parent of the moment (pinsertchild() of xnu from macOS 13 on).
// So a member stays one when its parents are gone. One look at a process answers for
// all trees: a job of a hundred looks at each process once, not a hundred times.
//
// Knows a {@linkcode ProcessTable}, so that it can be tested with a made-up one.

const MAX_DEPTH = 256;

// Strangers that are remembered: more than a machine has processes at a time.
const MAX_STRANGERS = 20_000;

/** The trees of this isolate and their members. */
export class Kinship<Tree> {
  readonly #table: ProcessTable;
  readonly #groups = new Map<number, Tree>();
  readonly #members = new Map<bigint, Tree>();
  readonly #ids = new Map<Tree, bigint[]>();
  readonly #strangers = new Set<bigint>();

  /** @param table Where parents are looked for. */
  constructor(table: ProcessTable) {
    this.#table = table;
  }

  /**
   * A tree begins.
   *
   * @param tree The tree.
   * @param pgid Its leader, and its process group.
   */
  begin(tree: Tree, pgid: number): void {
    this.#groups.set(pgid, tree);
    this.#ids.set(tree, []);
  }

  /** A tree is empty: its numbers may be a stranger's from now on. */
  end(tree: Tree, pgid: number): void {
    if (this.#groups.get(pgid) === tree) this.#groups.delete(pgid);
    this.#ids.get(tree)?.forEach((id) => {
      if (this.#members.get(id) === tree) this.#members.delete(id);
    });
    this.#ids.delete(tree);
  }

  /**
   * Finds the tree of a process.
   *
   * @param stat The process, as it is now.
   * @returns The tree, or `null` when it is in none.
   */
  treeOf(stat: ProcStat): Tree | null {
    const line: ProcStat[] = [];
    let one: ProcStat | null = stat;
    let tree: Tree | null = null;
    let last = stat;
    while (one !== null && line.length < MAX_DEPTH) {
      last = one;
      tree = this.#known(one);
      if (tree !== null || this.#strangers.has(idOf(one))) break;
      line.push(one);
      one = this.#parentOf(one);
    }
    if (tree === null && one === null && this.#mayBeFound(last)) return null;
    // A process that has joined a group can leave it again, but stays a member, and so
    // do its children.
    if (tree !== null) this.#remember(stat, tree);
    for (let i = 0; i < line.length; i++) {
      const member = line[i] as ProcStat;
      if (tree !== null) this.#remember(member, tree);
      else this.#pass(member);
    }
    return tree;
  }

  #known(stat: ProcStat): Tree | null {
    const { parentUniqueId = 0n } = stat;
    // The leader by its number, too, which is its until the tree is empty: it may
    // have gone to another group.
    return this.#groups.get(stat.pgrp) ?? this.#groups.get(stat.pid) ??
      this.#members.get(idOf(stat)) ??
      this.#members.get(parentUniqueId) ?? this.#byGroup(stat);
  }

  // A process in the group of a member that has one of its own was forked by that
  // member or by a descendant of it. The number means the group as long as the member
  // is there, be it as a zombie.
  #byGroup({ pid, pgrp }: ProcStat): Tree | null {
    if (pgrp <= 1 || pgrp === pid) return null;
    const leader = this.#table.stat(pgrp);
    return leader === null ? null : this.#members.get(idOf(leader)) ?? null;
  }

  // Whether a later look may find the tree: the line of parents has ended at a process
  // that is just ending, which may be there as a zombie then; or at an orphan, whose
  // parent may have become known by then.
  #mayBeFound({ ppid, parentUniqueId }: ProcStat): boolean {
    if (ppid > 1) return this.#table.stat(ppid) === null;
    return parentUniqueId !== this.#table.stat(1)?.uniqueId;
  }

  // The parent, if it is the process that has forked this one: a tracer, or launchd for
  // an orphan, are parents in name only (ptrace(2)).
  #parentOf({ ppid, parentUniqueId }: ProcStat): ProcStat | null {
    if (ppid <= 1) return null;
    const parent = this.#table.stat(ppid);
    return parent?.uniqueId === parentUniqueId ? parent : null;
  }

  #remember(stat: ProcStat, tree: Tree): void {
    const id = idOf(stat);
    if (this.#members.get(id) === tree) return;
    this.#members.set(id, tree);
    this.#ids.get(tree)?.push(id);
  }

  #pass(stat: ProcStat): void {
    if (this.#strangers.size >= MAX_STRANGERS) this.#strangers.clear();
    this.#strangers.add(idOf(stat));
  }
}

// Every process of macOS has one.
function idOf(stat: ProcStat): bigint {
  return stat.uniqueId ?? 0n;
}
