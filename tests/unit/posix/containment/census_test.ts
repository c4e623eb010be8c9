import { assertEquals } from "@std/assert";
import { Census } from "../../../../posix/containment/census.ts";
import type {
  Belongs,
  Members,
  Use,
} from "../../../../posix/tree/membership.ts";
import type {
  ProcessTable,
  ProcStat,
} from "../../../../posix/system/proc_files.ts";
import { ProcessTree } from "../../../../posix/tree/tree.ts";
import { until } from "../../../fixtures/deadline.ts";

const STOP = 19;
const KILL = 9;
const EPERM = 1;

function counted(): Census {
  const census = new Census(() => true);
  census.begin(100);
  for (const pid of [7, 9, 8, 9]) census.note(1, pid);
  census.note(2, 50);
  census.end(100);
  return census;
}

Deno.test("a census lists the members of each tree, newest first", () => {
  const census = counted();
  assertEquals(census.list(1, 100, "to kill"), [9, 8, 7]);
  assertEquals(census.list(2, 100, "to freeze"), [50]);
  assertEquals(census.list(3, 100, "as proof"), []);
});

Deno.test("a census holds until a process is created", () => {
  assertEquals(counted().list(1, 101, "to kill"), null);
});

Deno.test("a census is too old when numbers may have come round", () => {
  let fresh = true;
  const census = new Census(() => fresh);
  census.begin(100);
  census.end(100);
  assertEquals(census.list(1, 100, "as proof"), []);
  fresh = false;
  assertEquals(census.list(1, 100, "to kill"), null);
});

Deno.test("a census during which a process was created is none", () => {
  const census = new Census(() => true);
  census.begin(100);
  census.note(1, 7);
  census.end(101);
  assertEquals(census.list(1, 101, "to kill"), null);
  // Where the system does not tell the last number, 0 stands for it.
  census.begin(0);
  census.end(0);
});

Deno.test("a census made before a kill says whom to kill, and proves nothing", () => {
  const census = counted();
  census.killing(100);
  assertEquals(census.list(1, 100, "to kill"), [9, 8, 7]);
  assertEquals(census.list(1, 100, "to freeze"), null);
  assertEquals(census.list(1, 100, "as proof"), null);
  census.begin(100);
  census.end(100);
  assertEquals(census.list(1, 100, "as proof"), []);
});

Deno.test("for a signal that no look follows, a census is soon too old", async () => {
  const census = counted();
  census.begin(100);
  census.note(1, 7);
  census.end(100);
  const began = performance.now();
  const list = census.list(1, 100, "to signal");
  if (performance.now() - began < 50) assertEquals(list, [7]);
  await until(() => census.list(1, 100, "to signal") === null, "its age");
  assertEquals(census.list(1, 100, "to freeze"), [7]);
});

Deno.test("a leader that was dead before the census is alone, however long ago it was killed", () => {
  let fresh = true;
  const census = new Census(() => fresh);
  const before = performance.now();
  census.begin(100);
  census.note(1, 7);
  census.note(2, 8);
  census.note(2, 9);
  census.end(100);
  const after = performance.now() + 1;
  // It may have been in the middle of a fork, and have exited since.
  assertEquals(census.isAlone(1, 7, 100), null);
  assertEquals(census.isAlone(1, 7, 100, after), null);
  assertEquals(census.isAlone(1, 7, 100, before - 1), true);
  // Another process is in the tree, or has come since, or may have.
  assertEquals(census.isAlone(2, 8, 100, before - 1), null);
  assertEquals(census.isAlone(1, 8, 100, before - 1), null);
  assertEquals(census.isAlone(1, 7, 101, before - 1), null);
  fresh = false;
  assertEquals(census.isAlone(1, 7, 100, before - 1), null);
});

Deno.test("a census proves nothing of who was not killed before it", () => {
  // It may have been in the middle of a fork, and have exited since.
  const census = counted();
  assertEquals(census.list(2, 100, "as proof"), null);
  census.killing(100);
  census.killed(50);
  census.begin(100);
  census.note(2, 50);
  census.note(2, 51);
  census.end(100);
  assertEquals(census.list(2, 100, "as proof"), null);
  census.begin(100);
  census.note(2, 50);
  census.end(100);
  assertEquals(census.list(2, 100, "as proof"), [50]);
});

Deno.test("a census during which somebody ended proves nothing, unless we killed them", () => {
  const census = new Census(() => true);
  census.begin(100);
  census.gone(8);
  census.end(100);
  assertEquals(census.list(1, 100, "to kill"), []);
  assertEquals(census.list(1, 100, "as proof"), null);
  census.killed(8);
  census.begin(100);
  census.gone(8);
  census.end(100);
  assertEquals(census.list(1, 100, "as proof"), []);
});

Deno.test("who was killed so long ago that numbers may have come round is forgotten", () => {
  let fresh = true;
  const census = new Census(() => fresh);
  census.killed(7);
  fresh = false;
  census.begin(100);
  fresh = true;
  census.note(1, 7);
  census.end(100);
  assertEquals(census.list(1, 100, "as proof"), null);
});

/** A machine with one tree and a census; created processes raise the last number. */
class Machine implements ProcessTable, Members {
  readonly entries: Map<number, string>;
  readonly signals: [number, number][] = [];
  readonly census = new Census(() => true);
  readonly refused = new Set<number>();
  last = 100;
  looks = 0;
  onSignal: (pid: number, signal: number) => void = () => {};

  constructor(...pids: number[]) {
    this.entries = new Map(pids.map((pid) => [pid, "S"]));
  }
  pids(): number[] {
    this.looks++;
    return [...this.entries.keys()].sort((a, b) => b - a);
  }
  newest(): number {
    return this.last;
  }
  numbersHold(): boolean {
    return true;
  }
  stat(pid: number): ProcStat | null {
    const state = this.entries.get(pid);
    // deno-fmt-ignore
    return state === undefined ? null : {
      pid, name: `p${pid}`, state, ppid: 1, pgrp: 0, session: 0, startTicks: pid,
    };
  }
  commandLine(): null {
    return null;
  }
  startTime({ startTicks }: ProcStat): number {
    return startTicks;
  }
  belongs(pid: number): Belongs {
    if (!this.entries.has(pid)) {
      this.census.gone(pid);
      return "gone";
    }
    this.census.note(1, pid);
    return "yes";
  }
  note(pid: number): void {
    this.census.note(1, pid);
  }
  beginLook(newest: number): void {
    this.census.begin(newest);
  }
  endLook(newest: number): boolean {
    this.census.end(newest);
    return true;
  }
  killing(newest: number): void {
    this.census.killing(newest);
  }
  killed(pid: number): void {
    this.census.killed(pid);
  }
  listed(newest: number, use: Use): number[] | null {
    return this.census.list(1, newest, use);
  }
  fork(pid: number): void {
    this.entries.set(pid, "S");
    this.last = Math.max(this.last, pid);
  }
  tree(): ProcessTree {
    return new ProcessTree(this, this, (pid, signal, isOurs) => {
      if (!isOurs(pid)) return 3;
      this.signals.push([pid, signal]);
      if (this.refused.has(pid)) return EPERM;
      if (signal === KILL) this.entries.delete(pid);
      this.onSignal(pid, signal);
      return 0;
    });
  }
}

function provesAfterKill(newestAtKill: number, newestAtLook: number): boolean {
  const census = new Census(() => true);
  census.begin(newestAtKill);
  census.killing(newestAtKill);
  census.killed(50);
  census.begin(newestAtLook);
  census.note(1, 50);
  census.end(newestAtLook);
  return census.list(1, newestAtLook, "as proof") !== null;
}

Deno.test("a number that was killed means nobody else before numbers wrap, unless it was higher than the last", () => {
  assertEquals(provesAfterKill(100, 200), true);
  assertEquals(provesAfterKill(100, 99), false);
  assertEquals(provesAfterKill(40, 60), false);
});

Deno.test("kill() after a look kills at once, without freezing and without another look", () => {
  const machine = new Machine(10, 20, 30);
  const tree = machine.tree();
  assertEquals(tree.isEmpty(), false);
  assertEquals(tree.kill(STOP, KILL), {
    count: 3,
    refused: [],
    unproved: true,
  });
  assertEquals(machine.signals, [[10, KILL], [20, KILL], [30, KILL]]);
  assertEquals(machine.looks, 1);
  // Only a new look proves that none is left.
  assertEquals([tree.isEmpty(), machine.looks], [true, 2]);
});

Deno.test("kill() looks again when somebody forked since the look", () => {
  const machine = new Machine(10);
  const tree = machine.tree();
  tree.isEmpty();
  machine.fork(101);
  assertEquals(tree.kill(STOP, KILL).count, 2);
  assertEquals(machine.entries.size, 0);
});

Deno.test("kill() looks again when somebody forks while it kills", () => {
  const machine = new Machine(10, 20);
  const tree = machine.tree();
  tree.isEmpty();
  // A supervisor that restarts what it sees die.
  machine.onSignal = (pid, signal) => {
    if (pid === 20 && signal === KILL) machine.fork(101);
  };
  tree.kill(STOP, KILL);
  assertEquals(machine.entries.size, 0);
});

Deno.test("a member that the look missed is ended by the next kill(), frozen first", () => {
  const machine = new Machine(10);
  const tree = machine.tree();
  tree.isEmpty();
  // It had its number before the look, and could be seen only after it.
  machine.entries.set(60, "S");
  assertEquals(tree.kill(STOP, KILL).count, 1);
  assertEquals(tree.isEmpty(), false);
  tree.kill(STOP, KILL);
  assertEquals(tree.isEmpty(), true);
  assertEquals(machine.signals.at(-1), [60, KILL]);
});

Deno.test("a member that forks while it is looked at and exits leaves nobody unseen", () => {
  const machine = new Machine(10);
  const tree = machine.tree();
  // 100, the number given last, is that of a process that cannot be seen yet.
  assertEquals(tree.members().map(({ pid }) => pid), [10]);
  machine.entries.set(100, "S");
  machine.entries.delete(10);
  assertEquals(tree.isEmpty(), false);
});

Deno.test("kill() after a look names who may not be signalled", () => {
  const machine = new Machine(10, 20);
  machine.refused.add(20);
  const tree = machine.tree();
  tree.isEmpty();
  const { refused } = tree.kill(STOP, KILL);
  assertEquals(refused.map(({ pid }) => pid), [20]);
  assertEquals([...machine.entries.keys()], [20]);
});
