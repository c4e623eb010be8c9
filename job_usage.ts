/**
 * What a whole job has used: the sums over the trees of its children.
 *
 * @module
 */

import {
  type ResourceUsage,
  unknownUsage,
  type UsageLook,
} from "./backend/usage.ts";

/** What is summed: a child's tree. */
export interface UsedTree {
  /** See {@linkcode NativeProcess.usage}. */
  usage(look: UsageLook): { readonly tree: ResourceUsage };
}

const SUMMED = [
  "userTime",
  "systemTime",
  "memory",
  "readBytes",
  "writeBytes",
  "minorFaults",
  "majorFaults",
  "voluntarySwitches",
  "involuntarySwitches",
  "processes",
  "totalProcesses",
] as const;

/** The sums of one job. */
export class JobUsage {
  readonly #trees: () => readonly UsedTree[];
  #peak = 0;

  /** @param trees The trees of all children, also of those that have ended. */
  constructor(trees: () => readonly UsedTree[]) {
    this.#trees = trees;
  }

  /**
   * Looks at every tree.
   *
   * @param look How closely.
   * @returns The sums. What some of the trees cannot tell is missing in them; what
   * none can is `null`.
   */
  look(look: UsageLook): ResourceUsage {
    const trees = this.#trees();
    const sums: Record<string, number | null> = {};
    let source: ResourceUsage["source"] = "sampled";
    for (let i = 0; i < trees.length; i++) {
      const { tree } = (trees[i] as UsedTree).usage(look);
      if (i === 0) source = tree.source;
      // Of different kinds: what can be said of the weakest.
      else if (source !== tree.source) source = "sampled";
      for (let n = 0; n < SUMMED.length; n++) {
        const name = SUMMED[n] as typeof SUMMED[number];
        const value = tree[name];
        if (value !== null) sums[name] = (sums[name] ?? 0) + value;
      }
    }
    // That of the children are of different moments: it is kept here.
    this.#peak = Math.max(this.#peak, sums.memory ?? 0);
    return {
      ...unknownUsage(source),
      ...sums,
      peakMemory: this.#peak > 0 ? this.#peak : null,
    };
  }
}
