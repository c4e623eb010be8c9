/**
 * How often contenders wake up while all they do is wait: context switches of
 * all threads of all their processes, from `/proc`. They are looked at from
 * outside, so that looking wakes nobody, and all at the same time.
 *
 * @module
 */

import { allPids, statOf } from "../real/observer.ts";
import type { Runner } from "./runner.ts";
import type { Measured } from "./row.ts";

// What the spawns have set going comes to rest.
const SETTLE_MS = 2000;

/**
 * Measures.
 *
 * @param runners The contenders, by label; they have the cases idle and idleEnd.
 * @param children How many children each waits for.
 * @param ms For how long.
 */
export async function measureIdle(
  runners: ReadonlyMap<string, Runner>,
  children: number,
  ms: number,
): Promise<Measured> {
  for (const runner of runners.values()) await runner.run("idle", children);
  await pause(SETTLE_MS);
  const before = switchesOf(runners);
  const began = performance.now();
  await pause(ms);
  const after = switchesOf(runners);
  const seconds = (performance.now() - began) / 1000;
  const figures: Record<string, number[]> = {};
  for (const [label, runner] of runners) {
    figures[label] = [(after.get(label)! - before.get(label)!) / seconds];
    await runner.run("idleEnd", 1);
  }
  return { figures, notes: {} };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function switchesOf(
  runners: ReadonlyMap<string, Runner>,
): ReadonlyMap<string, number> {
  const children = Map.groupBy(allPids(), (pid) => statOf(pid)?.ppid ?? 0);
  const all = (pid: number): number =>
    (children.get(pid) ?? []).reduce(
      (sum, child) => sum + all(child),
      switches(pid),
    );
  const found = new Map<string, number>();
  for (const [label, { pid }] of runners) found.set(label, all(pid!));
  return found;
}

function switches(pid: number): number {
  let sum = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const status = Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`);
    for (const [, count] of status.matchAll(/ctxt_switches:\s*(\d+)/g)) {
      sum += Number(count);
    }
  }
  return sum;
}
