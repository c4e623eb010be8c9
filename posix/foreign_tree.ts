/**
 * The tree under a process that this library did not start, on POSIX: its members are
 * found by ancestry.
 *
 * @module
 */

import type { ProcessInfo } from "../backend/containment.ts";
import type {
  HardKill,
  NativeTree,
  SoftSignal,
  TreeWatch,
} from "../backend/native.ts";
import { signalName, signalNumber } from "../backend/signals.ts";
import {
  SIGCONT,
  SIGKILL,
  signalProcess,
  SIGNALS,
  SIGSTOP,
} from "./signal/signal_process.ts";
import { bindErrno } from "./system/libc.ts";
import {
  isDead,
  type ProcessTable,
  type ProcStat,
} from "./system/proc_files.ts";
import { describe, describeAll, processTable } from "./system/process_table.ts";
import type { Belongs } from "./tree/membership.ts";
import { ProcessTree } from "./tree/tree.ts";
import { sendSoftly } from "./tree/signal_delivery.ts";
import { MemberWatch } from "./tree/watch.ts";

/**
 * The living children of this process, whatever has started them, without guards.
 *
 * @returns The children, in no order.
 */
export function ownChildren(): ProcessInfo[] {
  bindErrno();
  const table = processTable();
  const pids = table.children?.(Deno.pid) ?? table.pids() ?? [];
  const children: ProcessInfo[] = [];
  for (let i = 0; i < pids.length; i++) {
    const stat = table.stat(pids[i] as number);
    if (stat?.ppid !== Deno.pid || isDead(stat.state)) continue;
    const child = describe(stat, table);
    if (!child.command.includes("killable-guard")) {
      children[children.length] = child;
    }
  }
  return children;
}

/**
 * Opens the tree under a process.
 *
 * @param pid The process.
 * @returns The tree.
 * @throws {RangeError} for this process, its ancestors, and pids of 1 or less.
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
export function openForeignTree(pid: number): NativeTree {
  bindErrno();
  const table = processTable();
  const root = findRoot(pid, table);
  const isOver = ({ startTicks }: ProcStat): boolean => {
    const stat = table.stat(pid);
    return stat === null || stat.startTicks !== startTicks ||
      isDead(stat.state);
  };
  const ancestry = new Ancestry(root, table);
  const tree = new ProcessTree(ancestry, table, signalProcess);
  return {
    mechanism: "ancestry",
    namesReached: true,
    signalTree(
      signal: Deno.Signal | number,
      wake: boolean,
      mainFirst = false,
    ): SoftSignal {
      const number = signalNumber(SIGNALS, signal);
      const wakes = wake ? [SIGCONT] : [];
      return sendSoftly(() => tree, {
        signals: [number].concat(wakes),
        method: signalName(SIGNALS, number) ?? String(number),
        lasting: wake,
        ...mainFirst ? { main: { pid, hasEnded: () => isOver(root) } } : {},
      });
    },
    killTree(): HardKill {
      return tree.kill(SIGSTOP, SIGKILL);
    },
    treeIsEmpty(): boolean {
      return tree.isEmpty();
    },
    isUnreachable(): boolean {
      const { count, refused } = tree.signalAll([0]);
      return count === 0 && refused > 0;
    },
    members(): ProcessInfo[] {
      return describeAll(tree.members(), table);
    },
    watchTree(): TreeWatch {
      return new MemberWatch(tree, () => tree.isEmpty());
    },
  };
}

// Membership by ancestry.
//
// Members are the processes that descend from the root through living parents, those
// that were once seen to do so, and, where the root leads a session, all processes of
// that session. On macOS parents are known by unique id, which orphans keep until they
// call exec.
// A daemon whose parents had all died before the first look is not seen: only a
// containment from birth could hold it.

/** Decides by the process table alone, so that it can be tested with a made-up one. */
export class Ancestry {
  readonly #table: ProcessTable;
  readonly #root: ProcStat;
  // Members seen so far, with the start time that tells them from a successor
  // of the same number.
  readonly #known = new Map<number, number>();
  // The same by unique id, which is given once only: members stay known after
  // they are gone, and so do their children (macOS).
  readonly #uniqueIds = new Set<bigint>();

  /**
   * @param root The process at the top.
   * @param table Where to look.
   */
  constructor(root: ProcStat, table: ProcessTable) {
    this.#root = root;
    this.#table = table;
    this.#remember(root);
  }

  #remember(stat: ProcStat): void {
    this.#known.set(stat.pid, stat.startTicks);
    if (stat.uniqueId !== undefined) this.#uniqueIds.add(stat.uniqueId);
  }

  /** Whether the process with this number is of the tree. */
  belongs(pid: number): Belongs {
    const stat = this.#table.stat(pid);
    if (stat === null) return "gone";
    if (this.#isKnown(stat)) return "yes";
    if (!this.#inSession(stat) && !this.#descends(stat)) return "no";
    this.#remember(stat);
    return "yes";
  }

  #isKnown(stat: ProcStat): boolean {
    return this.#known.get(stat.pid) === stat.startTicks;
  }

  #inSession(stat: ProcStat): boolean {
    const { pid, session, startTicks } = this.#root;
    return session === pid && stat.session === pid &&
      stat.startTicks >= startTicks;
  }

  // Up the parents. A parent younger than its child is another process that got the
  // number of the real one (Windows keeps such numbers, psutil checks them on all).
  #descends(stat: ProcStat): boolean {
    let child = stat;
    for (let depth = 0; depth < 256; depth++) {
      const { parentUniqueId } = child;
      if (parentUniqueId && this.#uniqueIds.has(parentUniqueId)) return true;
      if (child.ppid <= 1) return false;
      const parent = this.#table.stat(child.ppid);
      if (parent === null || parent.startTicks > child.startTicks) return false;
      if (this.#isKnown(parent)) return true;
      child = parent;
    }
    return false;
  }
}

/**
 * Finds the root of a tree to be looked at or ended.
 *
 * @param pid The process.
 * @param table Where to look.
 * @returns Its entry.
 * @throws {RangeError} for this process, its ancestors, and pids of 1 or less.
 * @throws {Deno.errors.NotFound} when there is no such process.
 */
export function findRoot(pid: number, table: ProcessTable): ProcStat {
  if (typeof pid !== "number") {
    throw new TypeError(
      `Cannot open the tree of a process: expected a process id, got a ${typeof pid}`,
    );
  }
  if (!Number.isInteger(pid) || pid <= 1) {
    throw new RangeError(
      `Cannot open the tree of process ${pid}: expected a process id greater than 1`,
    );
  }
  let ancestor: ProcStat | null = table.stat(Deno.pid);
  for (let depth = 0; ancestor !== null && depth < 256; depth++) {
    // Also by its number: /proc may hide it (hidepid, see proc(5)).
    if (ancestor.pid === pid || ancestor.ppid === pid) {
      throw new RangeError(
        `Cannot open the tree of process ${pid}: it is this process or an ancestor of it`,
      );
    }
    ancestor = ancestor.ppid > 0 ? table.stat(ancestor.ppid) : null;
  }
  const root = table.stat(pid);
  if (root === null || isDead(root.state)) {
    throw new Deno.errors.NotFound(
      `Cannot open the tree of process ${pid}: there is no such process`,
    );
  }
  return root;
}
