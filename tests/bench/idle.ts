/**
 * How often contenders wake up while all they do is wait: context switches of
 * all threads of all their processes, from `/proc`. They are looked at from
 * outside, so that looking wakes nothing, and all at the same time.
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
    const woken = since(before.get(label)!, after.get(label)!);
    figures[label] = [woken / seconds];
    await runner.run("idleEnd", 1);
  }
  return { figures, notes: {} };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Context switches so far, by thread. */
type Switches = ReadonlyMap<string, number>;

// A thread that has ended meanwhile takes its count with it.
function since(before: Switches, after: Switches): number {
  let sum = 0;
  for (const [thread, count] of after) sum += count - (before.get(thread) ?? 0);
  return sum;
}

function switchesOf(
  runners: ReadonlyMap<string, Runner>,
): ReadonlyMap<string, Switches> {
  const children = Map.groupBy(allPids(), (pid) => statOf(pid)?.ppid ?? 0);
  const found = new Map<string, Switches>();
  for (const [label, { pid }] of runners) {
    const threads = new Map<string, number>();
    const add = (one: number): void => {
      addThreads(one, threads);
      children.get(one)?.forEach(add);
    };
    add(pid!);
    found.set(label, threads);
  }
  return found;
}

function addThreads(pid: number, threads: Map<string, number>): void {
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    const status = Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`);
    let sum = 0;
    for (const [, count] of status.matchAll(/ctxt_switches:\s*(\d+)/g)) {
      sum += Number(count);
    }
    threads.set(name, sum);
  }
}
