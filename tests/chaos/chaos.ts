/**
 * A chaos run: shares the trees of a seed out to hosts and to parents that end,
 * and adds up.
 *
 * @module
 */

import { lines } from "../real/lines.ts";
import type { Losing } from "./grammar.ts";
import type { HostPlan, HostReport, Place, TreeReport } from "./host.ts";
import { alive, clean } from "./observer.ts";
import { runParent } from "./parent_run.ts";
import { openWorkshop, type Workshop } from "./program.ts";
import { describe, scenario, type Surroundings } from "./scenario.ts";
import { Tally } from "./tally.ts";

/** What to run. */
export interface ChaosOptions {
  readonly seed: number;
  readonly trees: number;
  /** Start nothing when this many milliseconds are over. */
  readonly budget: number;
  /** Trees at the same time in the host. */
  readonly parallel: number;
  /** These trees alone, instead of the first `trees`. */
  readonly only: readonly number[] | null;
  /** How often. */
  readonly repeat: number;
  /**
   * One tree at a time, and nothing else that forks: what the library does only on
   * a machine where nothing happens meanwhile is done then.
   */
  readonly alone: boolean;
  /** Which marks processes of the trees lose. */
  readonly losing: Losing;
  /** What the host is. */
  readonly place: Place;
}

/** The defaults. */
export const DEFAULTS: Omit<ChaosOptions, "seed"> = {
  trees: 200,
  budget: Infinity,
  parallel: 3,
  only: null,
  repeat: 1,
  alone: false,
  losing: "none",
  place: "plain",
};

const TREES_PER_PARENT = 2;
const HOST = import.meta.resolve("./host.ts");

/** Runs it; `progress` is told of every failure at once. */
export async function runChaos(
  options: ChaosOptions,
  progress: (line: string) => void,
): Promise<Tally> {
  const workshop = await openWorkshop();
  const root = Deno.uid() === 0;
  const surroundings: Surroundings = {
    shell: workshop.shell,
    root,
    cgroup: root && canMakeCgroups(),
    losing: options.losing,
  };
  const tally = new Tally(options.seed, surroundings, progress);
  try {
    await Deno.link(`${workshop.dir}/tree`, `${workshop.dir}/stranger`);
    for (let i = 0; i < options.repeat; i++) {
      await oneRound(options, workshop, surroundings, tally);
    }
    // What was overlooked, or came back.
    const late = alive(workshop.dir);
    if (late.length > 0) tally.late(late);
  } finally {
    clean(workshop.dir);
    await Deno.remove(workshop.dir, { recursive: true });
    tally.end();
  }
  return tally;
}

async function oneRound(
  options: ChaosOptions,
  workshop: Workshop,
  surroundings: Surroundings,
  tally: Tally,
): Promise<void> {
  const { seed, trees, only, alone, place } = options;
  const parallel = alone ? 1 : options.parallel;
  const all = only ?? [...Array(trees).keys()];
  const ofParents: number[] = [];
  const ofHost: number[] = [];
  for (const index of all) {
    const one = scenario(seed, index, surroundings);
    (one.parentEnding === null ? ofHost : ofParents).push(index);
  }
  const budget = options.budget - tally.elapsed();
  const deadline = performance.now() + budget;
  const parents = async (): Promise<void> => {
    for (let at = 0; at < ofParents.length; at += TREES_PER_PARENT) {
      if (performance.now() > deadline) return;
      const indices = ofParents.slice(at, at + TREES_PER_PARENT);
      const { parentEnding } = scenario(seed, indices[0]!, surroundings);
      // Deno itself ends its direct children when it fails, and when it returns.
      const stranger = /SIG|exit/.test(parentEnding!);
      tally.parent(
        await runParent({ seed, indices, workshop, surroundings, stranger }),
      );
    }
  };
  const indices = ofHost;
  const host = {
    seed,
    indices,
    workshop,
    surroundings,
    parallel,
    alone,
    place,
  };
  const hosts = async (): Promise<void> => {
    if (ofHost.length > 0) {
      await runHost({ ...host, budget: Math.min(budget, 2 ** 31) }, tally);
    }
  };
  if (alone) await hosts();
  await Promise.all([alone ? null : hosts(), parents()]);
}

async function runHost(plan: HostPlan, tally: Tally): Promise<void> {
  // deno-fmt-ignore
  const program = [Deno.execPath(), "run", "--quiet", "--no-config", "--no-lock", "-A", HOST, JSON.stringify(plan)];
  if (plan.place === "process1") {
    program.unshift(
      "unshare",
      "--pid",
      "--fork",
      "--mount-proc",
      "--kill-child",
    );
  }
  const host = new Deno.Command(program[0]!, {
    args: program.slice(1),
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let whole = false;
  for await (const line of lines(host.stdout)) {
    const report: TreeReport | HostReport = JSON.parse(line);
    if ("index" in report) tally.tree(report);
    else {
      tally.host(report);
      whole = true;
    }
  }
  const { code, signal } = await host.status;
  if (!whole) tally.brokenHost(`the host ended early: ${signal ?? code}`);
}

function canMakeCgroups(): boolean {
  for (const place of ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]) {
    try {
      Deno.statSync(`${place}/cgroup.procs`);
      return true;
    } catch {
      // Not mounted there.
    }
  }
  return false;
}

/** Trees in words: what `--only` shows. */
export function explain({ seed, only, losing }: ChaosOptions): string {
  const surroundings = {
    shell: false,
    root: Deno.uid() === 0,
    cgroup: Deno.uid() === 0 && canMakeCgroups(),
    losing,
  };
  return (only ?? []).map((index) =>
    `tree ${index}: ${describe(scenario(seed, index, surroundings))}`
  ).join("\n");
}
