/**
 * Which of our trees a process is of, by process group and descent (macOS).
 *
 * Descent goes by unique ids, which are given once and kept by orphans: that of who
 * forked a process is known for good. So a member stays one when its parents are
 * gone, and who is nobody's needs no second thought. One look at a process answers
 * for all trees: a job of a hundred looks at each process once, not a hundred times.
 *
 * Knows a {@linkcode ProcessTable}, so that it can be tested with a made-up one.
 *
 * @module
 */

import type { ProcStat } from "./proc_stat.ts";
import type { ProcessTable } from "./process_table.ts";

const MAX_DEPTH = 256;
// Strangers that are remembered: more than a machine has processes at a time.
const MAX_STRANGERS = 20_000;

/** The trees of this isolate, and who is in them. */
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
    this.#ids.get(tree)?.forEach((id) => this.#members.delete(id));
    this.#ids.delete(tree);
  }

  /**
   * Whose a process is.
   *
   * @param stat The process, as it is now.
   * @returns The tree, or `null` when it is nobody's.
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
    // A parent that is just ending may be there at the next look, as a zombie.
    if (tree === null && one === null && this.#isGone(last.ppid)) return null;
    // Who is in a group by its own doing can leave it again, but stays a member, and
    // so do those whom it forks.
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
    return this.#groups.get(stat.pgrp) ?? this.#members.get(idOf(stat)) ??
      this.#members.get(parentUniqueId) ?? null;
  }

  // Who has its number now, if that is who forked it: a tracer, or launchd for an
  // orphan, are parents only by office (ptrace(2)).
  #parentOf({ ppid, parentUniqueId }: ProcStat): ProcStat | null {
    if (ppid <= 1) return null;
    const parent = this.#table.stat(ppid);
    return parent?.uniqueId === parentUniqueId ? parent : null;
  }

  #isGone(pid: number): boolean {
    return pid > 1 && this.#table.stat(pid) === null;
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
