/**
 * One number of a seed: a tree, how it is ended, and when.
 *
 * @module
 */

import { drawTree, type Tree } from "./grammar.ts";
import { Random } from "./random.ts";

/** Ways in which a living parent ends a tree. */
export const ENDINGS = [
  "kill",
  "stop",
  "timeout",
  "wait",
  "abort",
  "abortOutput",
  "dispose",
  "output",
  "outputSync",
  "twoStops",
  "stopAndKill",
] as const;

/** Ways in which the parent itself ends. */
export const PARENT_ENDINGS = [
  "exit",
  "throw",
  "reject",
  "return",
  "SIGTERM",
  "SIGINT",
  "SIGKILL",
  "SIGKILL from outside",
] as const;

export type Ending = typeof ENDINGS[number];
export type ParentEnding = typeof PARENT_ENDINGS[number];

/** What does not depend on the seed. */
export interface Surroundings {
  /** No compiler: trees of shells. */
  readonly shell: boolean;
  readonly root: boolean;
  /** Whether cgroups can be made here. */
  readonly cgroup: boolean;
}

/** One tree and its end. */
export interface Scenario extends Tree {
  readonly index: number;
  readonly ending: Ending | null;
  readonly parentEnding: ParentEnding | null;
  /** Milliseconds between spawn and end; `null`: the very next statement. */
  readonly delay: number | null;
  readonly grace: number;
  readonly stdout: "piped" | "null";
  readonly containment: "auto" | "cgroup";
  /** Started stopped, and ended without ever having run. */
  readonly suspended: boolean;
  /** Stopped by `suspend()` before the end. */
  readonly suspend: boolean;
  /** Outlives its parent on purpose. */
  readonly detached: boolean;
  /** A child of somebody else that is started at the same moment. */
  readonly stranger: "none" | "deno" | "node";
}

/** What number `index` of a seed is. */
export function scenario(
  seed: number,
  index: number,
  surroundings: Surroundings,
): Scenario {
  const random = new Random(seed, index);
  const ofParent = random.chance(0.28);
  const ending = ofParent ? null : random.pick(ENDINGS);
  // output() without a timeout waits for the leader.
  const tree = drawTree(random, ending === "output" ? "L" : "", surroundings);
  const cgroup = random.chance(0.1) && surroundings.cgroup;
  const canSuspend = ending !== null &&
    /stop|kill|dispose|twoStops/i.test(ending);
  return {
    ...tree,
    index,
    ending,
    parentEnding: ofParent ? random.pick(PARENT_ENDINGS) : null,
    delay: moment(random),
    grace: random.pick([0, 0, 10, 50, 150]),
    stdout: random.chance(0.5) ? "piped" : "null",
    containment: cgroup ? "cgroup" : "auto",
    suspended: random.chance(0.05) && canSuspend,
    suspend: random.chance(0.08) && canSuspend,
    detached: random.chance(0.1) && ofParent,
    stranger: random.pick(["none", "deno", "node"]),
  };
}

// At once, while it is being built, and when it stands.
function moment(random: Random): number | null {
  if (random.chance(0.25)) return null;
  return random.chance(0.5) ? random.next() * 5 : random.next() * 80;
}

/** In one line, for a reader. */
export function describe(one: Scenario): string {
  const how = one.ending ?? `the parent ends: ${one.parentEnding}`;
  const when = one.delay === null
    ? "at once"
    : `after ${one.delay.toFixed(1)} ms`;
  const flags = ["suspended", "suspend", "detached"].filter((name) =>
    one[name as "suspended"]
  );
  return `${how} ${when}, grace ${one.grace}, ${one.containment}, ` +
    `stdout ${one.stdout}, ${flags.join(" ")} tree ${one.table}`;
}
