/**
 * One number of a seed: a tree, how it is ended, and when.
 *
 * @module
 */

import { drawTree, type Losing, type Tree } from "./grammar.ts";
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
  "job",
] as const;

/** Ways in which a job of several trees is ended. */
export const JOB_ENDINGS = [
  "stop",
  "kill",
  "dispose",
  "timeout",
  "abort",
  "first exit",
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
export type JobEnding = typeof JOB_ENDINGS[number];
export type ParentEnding = typeof PARENT_ENDINGS[number];

/** What does not depend on the seed. */
export interface Surroundings {
  /** No compiler: trees of shells. */
  readonly shell: boolean;
  readonly root: boolean;
  /** Whether cgroups can be made here. */
  readonly cgroup: boolean;
  /** Which marks processes of the trees lose. */
  readonly losing: Losing;
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
  /** Further trees, all in one job with the first; else none. */
  readonly more: readonly string[];
  /** How that job is ended, or that of a parent that ends. */
  readonly jobEnding: JobEnding;
  /** Whether a parent that ends has its trees in a job. */
  readonly inJob: boolean;
  /** A child of another process that is started at the same moment. */
  readonly stranger: "none" | "deno" | "node";
}

/** What number `index` of a seed is. */
export function scenario(
  seed: number,
  index: number,
  surroundings: Surroundings,
): Scenario {
  const random = new Random(seed, index);
  const both = surroundings.losing === "both";
  const ofParent = random.chance(0.28) && !both;
  // Only a report can say that it is not proved.
  const ending = ofParent ? null : both ? "stop" : random.pick(ENDINGS);
  // output() without a timeout waits for the leader.
  const tree = drawTree(random, ending === "output" ? "L" : "", surroundings);
  const more: Tree[] = [];
  for (let i = ending === "job" ? 1 + random.below(3) : 0; i > 0; i--) {
    more.push(drawTree(random, random.chance(0.2) ? "L" : "", surroundings));
  }
  const cgroup = random.chance(0.1) && surroundings.cgroup &&
    surroundings.losing === "none";
  const canSuspend = ending !== null &&
    /stop|kill|dispose|job/i.test(ending);
  return {
    table: tree.table,
    processes: more.reduce((sum, one) => sum + one.processes, tree.processes),
    more: more.map(({ table }) => table),
    jobEnding: random.pick(JOB_ENDINGS),
    inJob: random.chance(0.3),
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
  const job = `${one.jobEnding} of a job`;
  const how = one.ending === "job"
    ? job
    : one.ending ?? `the parent ends: ${one.parentEnding}`;
  const when = one.delay === null
    ? "at once"
    : `after ${one.delay.toFixed(1)} ms`;
  const flags = ["suspended", "suspend", "detached", "inJob"].filter((name) =>
    one[name as "suspended"]
  );
  return `${how} ${when}, grace ${one.grace}, ${one.containment}, ` +
    `stdout ${one.stdout}, ${flags.join(" ")} tree ${
      [one.table, ...one.more].join(" and ")
    }`;
}
