/**
 * The tree under a process that somebody else started, on POSIX.
 *
 * @module
 */

import type {
  HardKill,
  NativeTree,
  ProcessInfo,
  SoftSignal,
  TreeWatch,
} from "../backend/backend.ts";
import { signalName, signalNumber } from "../backend/signals.ts";
import { Ancestry, findRoot } from "./ancestry.ts";
import { SIGNALS } from "./wait/leader.ts";
import { bindErrno } from "./system/libc.ts";
import { MemberWatch } from "./tree/watch.ts";
import type { ProcStat } from "./system/proc_stat.ts";
import { describe, processTable } from "./system/process_table.ts";
import { signalProcess } from "./signal/signal_process.ts";
import { ProcessTree } from "./tree/tree.ts";

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
  const ancestry = new Ancestry(findRoot(pid, table), table);
  const tree = new ProcessTree(ancestry, table, signalProcess);
  return {
    mechanism: "ancestry",
    signalTree(signal: Deno.Signal | number, wake: boolean): SoftSignal {
      const number = signalNumber(SIGNALS, signal);
      const wakes = wake ? [SIGNALS.SIGCONT as number] : [];
      const count = tree.signalAll([number].concat(wakes));
      return { count, method: signalName(SIGNALS, number) ?? String(number) };
    },
    killTree(): HardKill {
      return tree.kill(SIGNALS.SIGSTOP as number, SIGNALS.SIGKILL as number);
    },
    treeIsEmpty(): boolean {
      return tree.isEmpty();
    },
    members(): ProcessInfo[] {
      const members = tree.members();
      const infos: ProcessInfo[] = [];
      for (let i = members.length - 1; i >= 0; i--) {
        infos.push(describe(members[i] as ProcStat, table));
      }
      return infos;
    },
    watchTree(): TreeWatch {
      return new MemberWatch(tree, () => tree.isEmpty());
    },
  };
}
