/**
 * The tree under a process that this library did not start, on Windows.
 *
 * Windows keeps the id of the process that started a process, although that may have
 * ended and its id may be in use again. A child older than its parent is therefore
 * not its child. Every member found is held open, which keeps its id from being used
 * again: the children of a dead member are still found by it.
 *
 * @module
 */

import { Timer } from "../backend/timer.ts";
import type { ProcessInfo, TreeMechanism } from "../backend/containment.ts";
import { WINDOWS_SIGNALS } from "../backend/signals.ts";
import type {
  HardKill,
  NativeTree,
  SoftSignal,
  Survivor,
  TreeWatch,
} from "../backend/native.ts";
import { closeWindows } from "./tree/signal_delivery.ts";
import {
  PROCESS_QUERY_INFORMATION,
  PROCESS_TERMINATE,
  SYNCHRONIZE,
} from "./system/win32.ts";
import {
  type Handle,
  terminateProcess,
  waitForSingleObject,
} from "./system/handle.ts";
import {
  commandLineOf,
  imagePath,
  openProcess,
  type ProcessEntry,
  processSnapshot,
  startTime,
} from "./system/process_table.ts";

const RIGHTS = PROCESS_QUERY_INFORMATION | PROCESS_TERMINATE | SYNCHRONIZE;
const SIGKILL = WINDOWS_SIGNALS["SIGKILL"] as number;
const CLOCKS_DIFFER_MS = 1000;

// A tree that starts processes faster than this many looks is reported.
const MAX_ROUNDS = 100;

interface Known {
  readonly pid: number;
  readonly ppid: number;
  readonly handle: Handle;
  readonly start: number;
}

/**
 * The living children of this process, whatever has started them.
 *
 * @returns The children, in no order.
 */
export function ownChildren(): ProcessInfo[] {
  const entries = processSnapshot();
  const children: ProcessInfo[] = [];
  for (let i = 0; i < entries.length; i++) {
    const { pid, ppid, name, threads } = entries[i] as ProcessEntry;
    if (ppid !== Deno.pid || threads === 0) continue;
    const handle = openProcess(pid, PROCESS_QUERY_INFORMATION);
    if (handle === null) continue;
    const start = startTime(handle);
    // The number of a parent that is gone may be ours now.
    if (start < performance.timeOrigin - CLOCKS_DIFFER_MS) {
      handle.close();
      continue;
    }
    children[children.length] = {
      pid,
      ppid,
      name,
      command: commandLineOf(handle) || name,
      state: "running",
      startTime: start,
    };
    handle.close();
  }
  return children;
}

/** A process and its descendants. */
export class ForeignTree implements NativeTree {
  readonly mechanism: TreeMechanism = "ancestry";
  readonly #known = new Map<number, Known>();
  // Members that may not be opened, by id.
  readonly #refused = new Map<number, Survivor>();

  /**
   * @param pid The root.
   * @param child Whether it is a child that is held open: it is then not looked for,
   * and may have ended.
   * @throws {RangeError} for this process, its ancestors, and pids of 0 or less.
   * @throws {Deno.errors.NotFound} when there is no such process.
   * @throws {Deno.errors.PermissionDenied} when it may not be opened.
   */
  constructor(pid: number, child = false) {
    if (child && this.#open({ pid, ppid: Deno.pid })) return;
    const entries = processSnapshot();
    refuseOurselves(pid, entries);
    const entry = entries.find((one) => one.pid === pid);
    if (entry === undefined) {
      throw new Deno.errors.NotFound(
        `Cannot open the tree of process ${pid}: there is no such process`,
      );
    }
    if (!this.#open(entry)) {
      throw new Deno.errors.PermissionDenied(
        `Cannot open the tree of process ${pid}: this process may not open it`,
      );
    }
  }

  // Holds a process open. The snapshot may be old: the process opened must be as old
  // as its parent at most, checked by the caller.
  #open(entry: Pick<ProcessEntry, "pid" | "ppid">): boolean {
    const handle = openProcess(entry.pid, RIGHTS);
    if (handle === null) return false;
    const { pid, ppid } = entry;
    this.#known.set(pid, { pid, ppid, handle, start: startTime(handle) });
    return true;
  }

  // One look; how many were new.
  #look(): number {
    const entries = processSnapshot();
    let found = 0;
    for (let grown = true; grown;) {
      grown = false;
      for (let i = 0; i < entries.length; i++) {
        const entry = entries[i] as ProcessEntry;
        if (this.#known.has(entry.pid) || entry.pid === Deno.pid) continue;
        const parent = this.#known.get(entry.ppid);
        if (parent === undefined || !this.#admit(entry, parent)) continue;
        found++;
        grown = true;
      }
    }
    return found;
  }

  #admit(entry: ProcessEntry, parent: Known): boolean {
    if (!this.#open(entry)) {
      // Gone already, or not ours to end.
      const name = entry.name;
      const reason = "this process may not open it";
      this.#refused.set(entry.pid, { pid: entry.pid, name, reason });
      return false;
    }
    this.#refused.delete(entry.pid);
    const child = this.#known.get(entry.pid) as Known;
    if (child.start >= parent.start) return true;
    this.#known.delete(entry.pid);
    child.handle.close();
    return false;
  }

  #living(): Known[] {
    this.#look();
    const living: Known[] = [];
    this.#known.forEach((one) => {
      if (!waitForSingleObject(one.handle, 0)) living.push(one);
    });
    return living;
  }

  /** There are no signals here: its windows are asked to close. */
  signalTree(signal: Deno.Signal | number): SoftSignal {
    if (signal === "SIGKILL" || signal === SIGKILL) {
      return { count: this.killTree().count, method: "TerminateProcess" };
    }
    const pids = this.#living().map((one) => one.pid);
    return { count: closeWindows(pids), method: "WM_CLOSE" };
  }

  /** @param exitCode The code that the members end with. */
  killTree(exitCode: number = 128 + SIGKILL): HardKill {
    let count = 0;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const living = this.#living();
      for (let i = 0; i < living.length; i++) {
        if (terminateProcess((living[i] as Known).handle, exitCode)) {
          count++;
        }
      }
      if (this.#look() === 0) break;
    }
    const refused: Survivor[] = [];
    const entries = this.#refused.size > 0 ? processSnapshot() : [];
    this.#refused.forEach((one) => {
      if (entries.some((entry) => entry.pid === one.pid)) refused.push(one);
    });
    return { count, refused };
  }

  treeIsEmpty(): boolean {
    return this.#living().length === 0;
  }

  members(): ProcessInfo[] {
    return this.#living().map(({ pid, ppid, handle, start }) => {
      const image = imagePath(handle);
      const name = image.slice(image.lastIndexOf("\\") + 1);
      const command = commandLineOf(handle) || name;
      return { pid, ppid, name, command, state: "running", startTime: start };
    });
  }

  watchTree(): TreeWatch {
    return new PollingWatch(() => this.treeIsEmpty());
  }

  close(): void {
    this.#known.forEach((one) => one.handle.close());
    this.#known.clear();
  }
}

function refuseOurselves(pid: number, entries: readonly ProcessEntry[]): void {
  if (typeof pid !== "number") {
    throw new TypeError(
      `Cannot open the tree of a process: expected a process id, got a ${typeof pid}`,
    );
  }
  if (!Number.isInteger(pid) || pid <= 1) {
    throw new RangeError(
      `Cannot open the tree of process ${pid}: expected a process id greater than 1`,
    );
  }
  const parents = new Map<number, number>();
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as ProcessEntry;
    parents.set(entry.pid, entry.ppid);
  }
  let ancestor: number | undefined = Deno.pid;
  // Ids may have been used again, so the chain may have no end.
  for (let depth = 0; ancestor !== undefined && depth < 64; depth++) {
    if (ancestor === pid) {
      throw new RangeError(
        `Cannot open the tree of process ${pid}: it is this process or an ancestor of it`,
      );
    }
    ancestor = parents.get(ancestor);
  }
}

// A wait for a tree that no job holds. Nothing announces its end, and a waiting call
// would take a thread of the pool: the tree is looked at again and again.

const FIRST_MS = 2;
const LONGEST_MS = 50;

/** Looks at once, then ever less often. */
export class PollingWatch implements TreeWatch {
  readonly #isEmpty: () => boolean;
  #cancelled = false;
  #wake: (() => void) | null = null;

  /** @param isEmpty Whether it is over. */
  constructor(isEmpty: () => boolean) {
    this.#isEmpty = isEmpty;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }

  async wait(ms: number): Promise<boolean> {
    const deadline = performance.now() + ms;
    this.#cancelled = false;
    for (let pause = FIRST_MS;; pause = Math.min(pause * 2, LONGEST_MS)) {
      if (this.#isEmpty()) return true;
      const left = deadline - performance.now();
      if (this.#cancelled || left <= 0) return false;
      await this.#sleep(Math.min(pause, left));
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = new Timer(ms, resolve);
      this.#wake = () => {
        timer.clear();
        resolve();
      };
    });
  }
}
