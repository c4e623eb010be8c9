/**
 * The guard's second stage: a program of its own, for trees that fork faster than a
 * shell looks. A chain that forks a successor and exits every millisecond is gone from
 * under `grep`; the looks of `posix/tree/look.ts` overtake it.
 *
 * Run by the guard's shell, when its own rounds do not settle, as
 * `deno run --allow-ffi guard_sweep.ts MARK ROOT TREE INNER_OWNER`. The module that
 * starts the guard imports this one too, so that it is in Deno's cache wherever the
 * library came from, and needs no network.
 *
 * @module
 */

import { bindErrno } from "../system/libc.ts";
import type { Belongs, Members } from "../tree/membership.ts";
import { decodeTag, isGuarded, limitOf, type OwnerNumbers } from "./owner.ts";
import { Outsiders } from "./census.ts";
import { sliceOf } from "./slice.ts";
import { type MarkedTree, Untagged } from "./untagged.ts";
import { lastPid, numbersFresh, readStat } from "../system/proc_files.ts";
import { processTable } from "../system/process_table.ts";
import { SIGKILL, signalProcess, SIGSTOP } from "../signal/signal_process.ts";
import { ProcessTree } from "../tree/tree.ts";

const MAX_MS = 10_000;
// Tells this program from one that the module was bundled into.
const MARK = "@killable/process sweep";

/**
 * The arguments that make Deno run this program.
 *
 * @param owner The owner's numbers.
 * @returns Arguments, without Deno itself.
 */
export function sweepArguments(owner: OwnerNumbers): string[] {
  // deno-fmt-ignore
  return [
    "run", "--quiet", "--no-prompt", "--no-lock", "--no-config", "--cached-only",
    "--allow-ffi", import.meta.url, MARK,
    String(owner.root), String(owner.tree), String(owner.innerOwner),
  ];
}

/** All trees of the owner that end with it, as one. */
const TREES: MarkedTree = { bornTicks: 0, leadsGroup: () => false };

/**
 * Ends everything that carries the tag of an owner that is gone, or one of its marks,
 * or descends from such a process.
 *
 * @param owner The owner's numbers.
 * @param ranges The slices that mark its trees, as `LOW:HIGH`.
 * @returns Whether nothing is left, which is proved.
 */
function sweep(owner: OwnerNumbers, ranges: readonly string[]): boolean {
  bindErrno();
  const outsiders = new Outsiders(lastPid, numbersFresh);
  const untagged = new Untagged<MarkedTree>({
    markOf: (pid) => isInRange(sliceOf(pid), ranges) ? 1 : 0,
    groupOf: () => -1,
    sessionOf: () => -1,
    isDetected: () => false,
    stat: readStat,
    isOthers(pid) {
      const limit = tagged(pid);
      return limit === null ? null : !isGuarded(limit, owner);
    },
  });
  if (ranges.length > 0) untagged.begin(TREES, 0, 1);
  const members: Members = {
    beginLook: () => outsiders.begin(),
    isOutsider: (pid) => outsiders.has(pid),
    endLook: () => outsiders.end(),
    adopt(pid, parent) {
      outsiders.remove(pid);
      return untagged.adopt(pid, parent, TREES);
    },
    belongs(pid: number): Belongs {
      const limit = limitOf(pid);
      if (limit === "gone") return "gone";
      if (limit !== null && isGuarded(limit, owner)) return "yes";
      const foreign = limit !== null && decodeTag(limit) !== null;
      if (untagged.treeOf(pid, foreign) !== null) return "yes";
      outsiders.add(pid);
      return "no";
    },
  };
  const tree = new ProcessTree(members, processTable(), signalProcess);
  const deadline = performance.now() + MAX_MS;
  while (performance.now() < deadline) {
    tree.kill(SIGSTOP, SIGKILL);
    if (tree.isEmpty()) return true;
  }
  return false;
}

function tagged(pid: number): bigint | null {
  const limit = limitOf(pid);
  if (typeof limit !== "bigint") return null;
  return decodeTag(limit) === null ? null : limit;
}

function isInRange(
  slice: number | "gone",
  ranges: readonly string[],
): boolean {
  if (slice === "gone") return false;
  return ranges.some((range) => {
    const ends = range.split(":").map(Number);
    return slice >= (ends[0] as number) && slice <= (ends[1] as number);
  });
}

if (import.meta.main && Deno.args[0] === MARK) {
  const numbers = Deno.args.slice(1, 4).map(Number);
  const owner = {
    root: numbers[0] ?? 0,
    tree: numbers[1] ?? 0,
    innerOwner: numbers[2] ?? 0,
  };
  // The shell goes on when this has not come to an end. In a bundle, the program
  // would come next.
  Deno.exit(sweep(owner, Deno.args.slice(4)) ? 0 : 1);
}
