/**
 * The guard's second stage: a program of its own, for what is faster than a
 * shell. A chain that forks a successor and exits every millisecond is gone from
 * under `grep`; the looks of `tree.ts` overtake it.
 *
 * Run by the guard's shell, when its own rounds do not settle, as
 * `deno run --allow-ffi guard_sweep.ts MARK ROOT TREE INNER_OWNER`. What starts the
 * guard imports this module too, so that it is in Deno's cache wherever the
 * library came from, and needs no network.
 *
 * @module
 */

import { bindErrno } from "../system/libc.ts";
import type { Belongs, Members } from "../tree/membership.ts";
import { limitOf } from "./owner.ts";
import { Outsiders } from "./census.ts";
import { lastPid, numbersFresh } from "../system/proc_files.ts";
import { processTable } from "../system/process_table.ts";
import { signalProcess } from "../signal/signal_process.ts";
import { isGuarded, type OwnerNumbers } from "./tag.ts";
import { ProcessTree } from "../tree/tree.ts";

const SIGKILL = 9;
const SIGSTOP = 19;
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

/**
 * Ends everything that carries the tag of an owner that is gone.
 *
 * @param owner The owner's numbers.
 * @returns Whether nothing is left, which is proved.
 */
function sweep(owner: OwnerNumbers): boolean {
  bindErrno();
  const outsiders = new Outsiders(lastPid, numbersFresh);
  const members: Members = {
    beginLook: () => outsiders.begin(),
    isOutsider: (pid) => outsiders.has(pid),
    endLook: () => outsiders.end(),
    belongs(pid: number): Belongs {
      const limit = limitOf(pid);
      if (limit === "gone") return "gone";
      if (limit !== null && isGuarded(limit, owner)) return "yes";
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

if (import.meta.main && Deno.args[0] === MARK) {
  const numbers = Deno.args.slice(1).map(Number);
  const owner = {
    root: numbers[0] ?? 0,
    tree: numbers[1] ?? 0,
    innerOwner: numbers[2] ?? 0,
  };
  // The shell goes on when this has not come to an end. In a bundle, the program
  // would come next.
  Deno.exit(sweep(owner) ? 0 : 1);
}
