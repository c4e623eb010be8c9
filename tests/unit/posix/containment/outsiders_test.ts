import { assert, assertEquals } from "@std/assert";
import {
  type Belongs,
  JointMembership,
  type Members,
} from "../../../../posix/tree/membership.ts";
import { Outsiders } from "../../../../posix/containment/census.ts";
import type {
  ProcessTable,
  ProcStat,
} from "../../../../posix/system/proc_files.ts";
import { ProcessTree } from "../../../../posix/tree/tree.ts";

const STOP = 19;
const KILL = 9;

Deno.test("an outsider is known as one at the next look", () => {
  const outsiders = new Outsiders(() => 100, () => true);
  outsiders.begin();
  assertEquals(outsiders.has(7), false);
  outsiders.add(7);
  assertEquals(outsiders.end(), true);
  outsiders.begin();
  assertEquals([outsiders.has(7), outsiders.has(8)], [true, false]);
});

Deno.test("when numbers have wrapped, nobody is known", () => {
  let last = 100;
  const outsiders = new Outsiders(() => last, () => true);
  outsiders.begin();
  outsiders.add(7);
  last = 99;
  outsiders.begin();
  assertEquals([outsiders.has(7), outsiders.end()], [false, true]);
});

Deno.test("when numbers may have come round unseen, nobody is known", () => {
  let fresh = true;
  const outsiders = new Outsiders(() => 100, () => fresh);
  outsiders.begin();
  outsiders.add(7);
  fresh = false;
  outsiders.begin();
  assertEquals(outsiders.has(7), false);
});

Deno.test("a look during which numbers wrapped says so", () => {
  let last = 100;
  const outsiders = new Outsiders(() => last, () => true);
  outsiders.begin();
  outsiders.add(7);
  last = 50;
  assertEquals([outsiders.end(), outsiders.has(7)], [false, false]);
});

Deno.test("a number higher than the last is given again before numbers wrap", () => {
  let last = 100;
  const outsiders = new Outsiders(() => last, () => true);
  outsiders.begin();
  for (const pid of [7, 200, 300]) outsiders.add(pid);
  assertEquals(outsiders.end(), true);
  last = 199;
  outsiders.begin();
  assertEquals([7, 200, 300].map((pid) => outsiders.has(pid)), [
    true,
    true,
    true,
  ]);
  last = 200;
  // Whatever process has it, the look has passed over it.
  assertEquals(outsiders.end(), false);
  outsiders.begin();
  assertEquals([7, 200, 300].map((pid) => outsiders.has(pid)), [
    true,
    false,
    true,
  ]);
  last = 299;
  assertEquals(outsiders.end(), true);
  // Nothing relied on it.
  outsiders.begin();
  last = 300;
  assertEquals(outsiders.end(), true);
  // From now on it has its turn behind it.
  outsiders.add(300);
  last = 400;
  outsiders.begin();
  assertEquals([outsiders.has(300), outsiders.end()], [true, true]);
});

Deno.test("in a long look the last number is read now and then", () => {
  let reads = 0;
  const outsiders = new Outsiders(() => ++reads, () => true);
  outsiders.begin();
  for (let pid = 1; pid <= 1000; pid++) outsiders.has(pid);
  assertEquals(outsiders.end(), true);
  assertEquals(reads, 5);
});

Deno.test("where the system does not tell the last number, nobody is known", () => {
  const outsiders = new Outsiders(() => -1, () => true);
  outsiders.begin();
  outsiders.add(7);
  outsiders.begin();
  assertEquals(outsiders.has(7), false);
});

/** A machine where strangers come and go all the time. */
class BusyHost implements ProcessTable, Members {
  readonly members = new Map<number, string>();
  readonly outsiders: Outsiders;
  strangers: number[] = [];
  last = 1000;
  looks = 0;
  asked = 0;
  /** What happens before each question. */
  onAsk: (pid: number) => void = () => {};

  constructor() {
    this.outsiders = new Outsiders(() => this.last, () => true);
  }
  pids(): number[] {
    this.looks++;
    return this.strangers.concat(...this.members.keys()).sort((a, b) => b - a);
  }
  newest(): number {
    return this.last;
  }
  numbersHold(): boolean {
    return true;
  }
  stat(pid: number): ProcStat | null {
    const state = this.members.get(pid);
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
    this.asked++;
    this.onAsk(pid);
    if (this.members.has(pid)) return "yes";
    if (!this.strangers.includes(pid)) return "gone";
    this.outsiders.add(pid);
    return "no";
  }
  beginLook(): void {
    this.outsiders.begin();
  }
  isOutsider(pid: number): boolean {
    return this.outsiders.has(pid);
  }
  endLook(): boolean {
    return this.outsiders.end();
  }
  end(pid: number): void {
    this.members.delete(pid);
    this.strangers = this.strangers.filter((one) => one !== pid);
  }
  tree(): ProcessTree {
    return new ProcessTree(this, this, (pid, signal, isOurs) => {
      if (!isOurs(pid)) return 3;
      if (signal === KILL) this.members.delete(pid);
      return 0;
    });
  }
}

Deno.test("strangers that end during every look do not keep a tree from being proved empty", () => {
  const host = new BusyHost();
  host.strangers = Array.from({ length: 300 }, (_, i) => 100 + i);
  // During each look thirty come and thirty end, the one that is asked for first.
  host.onAsk = (pid) => {
    if (host.asked % 10 !== 0) return;
    host.end(pid);
    host.strangers.push(++host.last);
  };
  assertEquals(host.tree().isEmpty(), true);
  // Of 300, then of the 30 that came meanwhile; of these 30 again, by number, and
  // of the 3 and the 3 that came during that; of these fewer when a slow look reads
  // the last number meanwhile. Never of the 300 again.
  assertEquals(host.looks, 2);
  const least = 300 + 30 + 30;
  assert(host.asked >= least && host.asked <= least + 3 + 3, `${host.asked}`);
});

Deno.test("a stranger that was never looked at and is gone forces another look", () => {
  const host = new BusyHost();
  host.strangers = [10, 20];
  host.onAsk = (pid) => host.end(pid);
  assertEquals([host.tree().isEmpty(), host.looks, host.asked], [true, 2, 2]);
});

Deno.test("after a look that showed nobody, it forces a look at who came since", () => {
  const host = new BusyHost();
  host.strangers = [10, 20];
  const tree = host.tree();
  assertEquals([tree.isEmpty(), host.looks, host.asked], [true, 1, 2]);
  host.strangers.push(++host.last);
  host.onAsk = (pid) => host.end(pid);
  assertEquals([tree.isEmpty(), host.looks, host.asked], [true, 2, 4]);
});

Deno.test("a member that is gone has left a successor, whose number is found", () => {
  const host = new BusyHost();
  host.strangers = [10];
  const tree = host.tree();
  assertEquals(tree.isEmpty(), true);
  host.members.set(++host.last, "S");
  host.onAsk = (pid) => {
    if (pid !== 1001 || !host.members.has(pid)) return;
    host.end(pid);
    host.members.set(++host.last, "S");
  };
  assertEquals(tree.isEmpty(), false);
  assertEquals(host.looks, 2);
});

Deno.test("so is one that had its number before the look and could be seen only after it", () => {
  const host = new BusyHost();
  host.strangers = [10];
  const tree = host.tree();
  assertEquals(tree.isEmpty(), true);
  // It is in the middle of a fork: the number of its child is given.
  host.members.set(1001, "S");
  host.last = 1002;
  host.onAsk = (pid) => {
    if (pid !== 1001 || !host.members.has(pid)) return;
    host.end(pid);
    host.members.set(1002, "S");
  };
  assertEquals(tree.isEmpty(), false);
});

Deno.test("a first look at which somebody went proves nothing, whoever came since", () => {
  const host = new BusyHost();
  // As before, but the number was given before there was any look.
  host.members.set(999, "S");
  host.onAsk = (pid) => {
    if (pid !== 999 || !host.members.has(pid)) return;
    host.end(pid);
    host.members.set(1000, "S");
  };
  assertEquals([host.tree().isEmpty(), host.looks], [false, 2]);
});

Deno.test("a chain of forks among known strangers is found all the same", () => {
  const host = new BusyHost();
  host.strangers = [10, 20, 30];
  const tree = host.tree();
  assertEquals(tree.isEmpty(), true);
  // The link that is listed has gone when it is asked for, and left a successor.
  host.members.set(++host.last, "S");
  let links = 5;
  host.onAsk = (pid) => {
    if (!host.members.has(pid) || links-- <= 0) return;
    host.end(pid);
    host.members.set(++host.last, "S");
  };
  assertEquals(tree.isEmpty(), false);
  assertEquals(tree.kill(STOP, KILL).count, 1);
  assertEquals([tree.isEmpty(), host.members.size], [true, 0]);
});

Deno.test("a look during which numbers wrapped proves nothing with known strangers", () => {
  const host = new BusyHost();
  host.strangers = [10, 20];
  const tree = host.tree();
  tree.isEmpty();
  const looks = host.looks;
  // A new process has the number of a stranger that has ended.
  host.strangers.push(30);
  host.onAsk = (pid) => {
    if (pid !== 30 || host.members.size > 0) return;
    host.end(10);
    host.members.set(10, "S");
    host.last = 10;
  };
  assertEquals(tree.isEmpty(), false);
  assertEquals(host.looks, looks + 2);
});

Deno.test("a member with the number of a stranger from before numbers wrapped is found", () => {
  const host = new BusyHost();
  host.strangers = [10, 2000];
  const tree = host.tree();
  assertEquals(tree.isEmpty(), true);
  host.end(2000);
  host.last = 2000;
  host.members.set(2000, "S");
  assertEquals(tree.isEmpty(), false);
  assertEquals(tree.kill(STOP, KILL).count, 1);
});

Deno.test("someMembers() ends with the last that is wanted, and is no proof", () => {
  const host = new BusyHost();
  for (const pid of [10, 20, 30, 40]) host.members.set(pid, "S");
  const tree = host.tree();
  assertEquals(tree.someMembers(2).map(({ pid }) => pid), [40, 30]);
  assertEquals([host.looks, host.asked], [1, 2]);
  assertEquals(tree.look({ enough: 2 }).settled, false);
  assertEquals(tree.someMembers(9).length, 4);
});

Deno.test("of several trees, an outsider is one only if none of them knows better", () => {
  const host = new BusyHost();
  host.strangers = [10];
  const joint = new JointMembership();
  joint.beginLook(1000);
  assertEquals(joint.isOutsider(10), false);
  joint.parts = [host, host];
  joint.beginLook(1000);
  joint.belongs(10);
  assertEquals([joint.isOutsider(10), joint.endLook(1000)], [true, true]);
  // One that holds members which no tag tells of.
  joint.parts = [host, { belongs: () => "yes" }];
  assertEquals(joint.isOutsider(10), false);
});
