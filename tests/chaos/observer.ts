/**
 * Looks for processes of a tree, knowing nothing of the library: by the file
 * they run. Every tree runs a file of its own, a hard link, which nothing can
 * change that they do: no new session, no empty environment, no new title.
 *
 * Trees of shells are found by their working directory instead.
 *
 * @module
 */

import { allPids, statOf } from "../real/observer.ts";
import { link, pidsNewestFirst } from "./proc.ts";

/** A process that is not over. */
export interface Alive {
  readonly pid: number;
  readonly state: string;
  readonly file: string;
}

// Threads of the kernel have no file either.
const kernel = new Set<number>();
for (const pid of pidsNewestFirst()) {
  if (pid === 2 || statOf(pid)?.ppid === 2) kernel.add(pid);
}

/** Every process alive whose file or working directory is this, or below it. */
export function alive(prefix: string): Alive[] {
  let dead = new Set<number>();
  for (let look = 0;; look++) {
    const { found, vanished, zombies } = once(prefix, dead);
    // What died or went while we looked may have left a successor that was not
    // yet there when the list was made. Whose it was that went cannot be told:
    // other trees' count, too, so this has a limit.
    const settled = !vanished && zombies.isSubsetOf(dead);
    if (found.length > 0 || settled || look === 20) return found;
    dead = zombies;
  }
}

interface Look {
  readonly found: Alive[];
  readonly vanished: boolean;
  readonly zombies: Set<number>;
}

function once(prefix: string, dead: ReadonlySet<number>): Look {
  const found: Alive[] = [];
  const zombies = new Set<number>();
  let vanished = false;
  // Against the direction in which a chain of forks runs.
  for (const pid of pidsNewestFirst()) {
    if (kernel.has(pid) || isBuried(pid)) continue;
    if (dead.has(pid)) {
      zombies.add(pid);
      continue;
    }
    const file = fileOf(pid);
    const ours = file === prefix || file.startsWith(`${prefix}/`);
    if (file !== "" && !ours) continue;
    const stat = statOf(pid);
    if (stat === null) vanished = true;
    else if (ours) found.push({ pid, state: stat.state, file });
    else if (mayBe(stat.name, prefix)) zombies.add(pid);
    else buried.set(pid, performance.now());
  }
  return { found, vanished, zombies };
}

// Zombies of other trees, and when they were seen. There may be thousands, and
// no number is given again so soon.
const buried = new Map<number, number>();
const BURIED_MS = 2000;

function isBuried(pid: number): boolean {
  const seen = buried.get(pid);
  if (seen === undefined) return false;
  if (performance.now() - seen < BURIED_MS) return true;
  buried.delete(pid);
  return false;
}

// A zombie is still called after its file, unless it called itself otherwise.
function mayBe(name: string, prefix: string): boolean {
  const [called] = /^t\d+$/.exec(name) ?? [];
  return called === undefined || prefix.endsWith(`/${called}`);
}

// A zombie has no file. A process whose main thread has ended looks like one,
// but its other threads have.
function fileOf(pid: number): string {
  const file = link(`/proc/${pid}/exe`) || fileOfThreads(pid);
  return /\/(da|ba)?sh$|\/sleep$/.test(file) ? link(`/proc/${pid}/cwd`) : file;
}

function fileOfThreads(pid: number): string {
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      if (name === String(pid)) continue;
      const file = link(`/proc/${pid}/task/${name}/exe`);
      if (file !== "") return file;
    }
  } catch {
    // It has just gone.
  }
  return "";
}

/** What may explain why a process is still there. */
export function tell({ pid, state, file }: Alive): string {
  const stat = statOf(pid);
  let tag = "";
  try {
    const limits = Deno.readTextFileSync(`/proc/${pid}/limits`);
    tag = /^Max file locks +(\S+)/m.exec(limits)?.[1] ?? "";
  } catch {
    // It has just ended.
  }
  return `${pid} was ${state}, is ${stat?.state}, name '${stat?.name}', ${file}, parent ${stat?.ppid}, tag ${tag}, ${
    ageOf(pid)
  } s old`;
}

// proc_pid_stat(5): the 22nd field, in ticks of 10 ms since boot.
function ageOf(pid: number): string {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return (Deno.osUptime() - Number(start) / 100).toFixed(0);
  } catch {
    return "?";
  }
}

/** Children of a process that have ended and were not reaped. */
export function zombiesOf(parent: number): number[] {
  return allPids().filter((pid) => {
    const stat = statOf(pid);
    return stat !== null && stat.ppid === parent && stat.state === "Z" &&
      fileOfThreads(pid) === "";
  });
}

/** Ends what a failed test left. Never anything else: the file says whose it is. */
export function clean(prefix: string): void {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const left = alive(prefix);
    if (left.length === 0 || performance.now() > deadline) return;
    for (const { pid } of left) signal(pid, "SIGSTOP");
    for (const { pid } of left) signal(pid, "SIGKILL");
  }
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch {
    // It has just ended.
  }
}
