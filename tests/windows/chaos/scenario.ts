/**
 * One number of a seed: a tree, how it is ended, and when.
 *
 * @module
 */

import type { Tree } from "../../chaos/grammar.ts";
import { Random } from "../../chaos/random.ts";
import { ENDINGS, JOB_ENDINGS, type Scenario } from "../../chaos/scenario.ts";
import { drawTree } from "./grammar.ts";

/** Ways in which a parent ends here; SIGKILL is TerminateProcess. */
const PARENT_ENDINGS = [
  "exit",
  "throw",
  "reject",
  "return",
  "SIGKILL",
  "SIGKILL from outside",
] as const;

/** What number `index` of a seed is. */
export function scenario(seed: number, index: number): Scenario {
  const random = new Random(seed, index);
  const ofParent = random.chance(0.2);
  const ending = ofParent ? null : random.pick(ENDINGS);
  // output() without a timeout waits for the leader.
  const tree = drawTree(random, ending === "output" ? "L" : "");
  const more: Tree[] = [];
  for (let i = ending === "job" ? 1 + random.below(2) : 0; i > 0; i--) {
    more.push(drawTree(random, random.chance(0.2) ? "L" : ""));
  }
  const detached = random.chance(0.1) && ofParent;
  const canSuspend = ending !== null && /stop|kill|dispose|job/i.test(ending);
  return {
    // What outlives its parent and may not be opened could not be ended.
    table: detached ? tree.table.replaceAll("x", "") : tree.table,
    processes: more.reduce((sum, one) => sum + one.processes, tree.processes),
    more: more.map(({ table }) => table),
    jobEnding: random.pick(JOB_ENDINGS),
    inJob: random.chance(0.3),
    index,
    ending,
    parentEnding: ofParent ? random.pick(PARENT_ENDINGS) : null,
    delay: moment(random),
    grace: random.pick([0, 0, 0, 20, 200]),
    stdout: random.chance(0.5) ? "piped" : "null",
    containment: "auto",
    suspended: random.chance(0.05) && canSuspend,
    suspend: random.chance(0.08) && canSuspend,
    detached,
    stranger: random.pick(["none", "deno"]),
  };
}

// At once, while it is being built, and when it stands. Starting a process takes
// 50 ms under Wine.
function moment(random: Random): number | null {
  if (random.chance(0.25)) return null;
  return random.next() * (random.chance(0.5) ? 60 : 800);
}
