/**
 * Random trees, as the text that `tree.c` becomes.
 *
 * @module
 */

import type { Tree } from "../../chaos/grammar.ts";
import type { Random } from "../../chaos/random.ts";

/** What a process does, and how probable it is. */
const OPERATIONS: readonly (readonly [string, number])[] = [
  ["i", 0.2], // ignores CTRL_C and CTRL_BREAK
  ["p", 0.3], // holds the pipes of the leader, and passes them on
  ["w", 0.05], // writes 200 KB to the pipe, whether anybody reads or not
  ["e", 0.08], // starts its children with an empty environment
  ["x", 0.06], // may be opened by nobody
  ["T", 0.05], // a second thread
  ["m", 0.04], // its main thread ends, another lives on
  ["t", 0.05], // suspends its own thread
  ["r", 0.06], // restarts what dies
  ["l", 0.1], // exits at once when it has started its children
  ["L", 0.06], // exits a little later
  ["c", 0.02], // a chain in which each starts a successor and exits
];

/**
 * How a child is started: plainly, with a console of its own, with a hidden one,
 * detached from any, in a console group, suspended for ever, debugged by its
 * parent, asking to break away, in a nested job, in one that lets its members go
 * and ends with its parent.
 */
const STARTS = "pppppnhddggsabbjjk";

interface Node {
  ops: string;
  children: string[];
}

/** Draws a tree. `leader`: what its first process does in any case. */
export function drawTree(random: Random, leader: string): Tree {
  const limit = random.chance(0.08) ? 24 : random.chance(0.25) ? 3 : 9;
  const nodes: Node[] = [];
  grow(0);
  const table = nodes.map(({ ops, children }) => `${ops}:${children}`)
    .join(";");
  return { table, processes: nodes.length };

  function grow(depth: number): number {
    const index = nodes.length;
    const node: Node = { ops: index === 0 ? leader : "", children: [] };
    for (const [letter, probability] of OPERATIONS) {
      if (random.chance(probability)) node.ops += letter;
    }
    nodes.push(node);
    const width = depth > 6 ? 0 : random.below(depth === 0 ? 5 : 4);
    for (let i = 0; i < width && nodes.length < limit; i++) {
      node.children.push(random.pick([...STARTS]) + grow(depth + 1));
    }
    return index;
  }
}
