/**
 * Random trees, as the text that `tree.c` and `tree.sh` become.
 *
 * @module
 */

import type { Random } from "./random.ts";

/** What a process does, and how probable it is. */
const OPERATIONS: readonly (readonly [string, number])[] = [
  ["i", 0.2], // ignores every soft signal
  ["b", 0.05], // blocks every signal
  ["s", 0.12], // a session of its own
  ["g", 0.12], // a group of its own
  ["S", 0.04], // adopts orphans (subreaper)
  ["k", 0.04], // has its children reaped by the kernel
  ["e", 0.08], // exec with an empty environment
  ["x", 0.1], // one exec more
  ["n", 0.05], // renames itself and overwrites its arguments
  ["N", 0.03], // has the name of a zombie
  ["d", 0.04], // not dumpable: what is in /proc belongs to root
  ["z", 0.06], // leaves a zombie of its own
  ["w", 0.04], // writes 200 KB to the pipe, whether anybody reads or not
  ["p", 0.3], // holds the pipes of the leader
  ["T", 0.04], // a second thread
  ["m", 0.03], // its main thread ends, another lives on
  ["v", 0.03], // hangs in vfork
  ["t", 0.05], // stops itself
  ["r", 0.06], // restarts what dies
  ["l", 0.1], // exits at once when it has started its children
  ["L", 0.05], // exits a little later
  ["c", 0.015], // a chain that forks a successor every millisecond
];

/**
 * How a child is started: fork, fork and exec, daemon, double fork in the same
 * session, traced by its parent.
 */
const STARTS = "fffxxxdddDDa";

/** With CLONE_PARENT: a child of the parent. */
const BESIDE = "PP";

/** What the shell understands, where there is no compiler. */
const IN_SHELL = /[isgxpLlt]/;

/** Marks of the tree that its processes may take away from themselves. */
export type Losing = "none" | "one" | "both";

// As sudo and su do with the limits, and what sets its scheduling policy anew.
const LIMITS = "R";
const SLICE = "Q";

/** A tree. */
export interface Tree {
  /** The first argument of the program. */
  readonly table: string;
  /** Processes that it starts on purpose; those that chains and supervisors start come on top. */
  readonly processes: number;
}

interface Node {
  ops: string;
  children: string[];
}

/** Draws a tree. `leader`: what its first process does in any case. */
export function drawTree(
  random: Random,
  leader: string,
  options: { shell: boolean; root: boolean; losing: Losing },
): Tree {
  const limit = random.chance(0.1) ? 40 : random.chance(0.2) ? 3 : 14;
  const nodes: Node[] = [];
  const { losing } = options;
  const lost = losing === "one" ? random.pick([LIMITS, SLICE]) : LIMITS + SLICE;
  const starts = losing === "none" ? STARTS : STARTS + BESIDE;
  grow(0);
  const table = nodes.map(({ ops, children }) => `${ops}:${children}`)
    .join(";");
  return { table, processes: nodes.length };

  function grow(depth: number): number {
    const index = nodes.length;
    const node: Node = {
      ops: operations(random, options, nodes.length === 0 ? leader : ""),
      children: [],
    };
    if (losing !== "none" && random.chance(0.2)) node.ops += lost;
    nodes.push(node);
    const width = depth > 6 ? 0 : random.below(depth === 0 ? 6 : 4);
    for (let i = 0; i < width && nodes.length < limit; i++) {
      const start = options.shell
        ? random.pick([..."fd"])
        : random.pick([...starts]);
      node.children.push(start + grow(depth + 1));
    }
    return index;
  }
}

function operations(
  random: Random,
  { shell, root }: { shell: boolean; root: boolean },
  fixed: string,
): string {
  let ops = fixed;
  for (const [letter, probability] of OPERATIONS) {
    // A process in vfork does not come to its exit. One that is not dumpable can be
    // seen by root alone, so that the observer would miss it.
    const wanted = random.chance(probability) &&
      !(fixed && letter === "v") && !(letter === "d" && !root);
    if (wanted && !(shell && !IN_SHELL.test(letter))) ops += letter;
  }
  // Another user, as a server that drops its privileges.
  if (random.chance(0.05) && root && !shell) ops += "u";
  return ops;
}
