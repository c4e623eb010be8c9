import { assertEquals } from "@std/assert";
import { JointMembership } from "../../../../posix/tree/membership.ts";
import {
  Kinship,
  KinshipGroup,
} from "../../../../posix/containment/process_group.ts";
import type {
  ProcessTable,
  ProcStat,
} from "../../../../posix/system/proc_files.ts";

/** A made-up Mac: a unique id is ten times the number, unless said otherwise. */
class Mac implements ProcessTable {
  readonly processes = new Map<number, ProcStat>();
  asked = 0;

  add(pid: number, forker: number, more: Partial<ProcStat> = {}): this {
    this.processes.set(pid, {
      pid,
      ppid: forker,
      name: `p${pid}`,
      state: "R",
      pgrp: pid,
      session: 0,
      startTicks: pid,
      uniqueId: BigInt(pid) * 10n,
      parentUniqueId: BigInt(forker) * 10n,
      ...more,
    });
    return this;
  }

  pids(): number[] {
    return [...this.processes.keys()].sort((a, b) => b - a);
  }
  stat(pid: number): ProcStat | null {
    this.asked++;
    return this.processes.get(pid) ?? null;
  }
  commandLine(): null {
    return null;
  }
  startTime(): number {
    return NaN;
  }

  whose(kinship: Kinship<string>, pid: number): string | null {
    return kinship.treeOf(this.processes.get(pid)!);
  }
}

Deno.test("Kinship: each process is of one tree, or of none", () => {
  const mac = new Mac()
    .add(50, 1)
    .add(100, 50)
    .add(101, 100, { pgrp: 100 })
    .add(102, 101)
    .add(200, 50)
    .add(201, 200)
    .add(300, 50);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  kinship.begin("two", 200);
  const whose = [100, 101, 102, 200, 201, 300, 50].map((pid) =>
    mac.whose(kinship, pid)
  );
  assertEquals(whose, ["one", "one", "one", "two", "two", null, null]);
});

Deno.test("Kinship: a member stays one whatever becomes of its group and its parents", () => {
  const mac = new Mac().add(100, 50).add(101, 100, { pgrp: 100 });
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  assertEquals(mac.whose(kinship, 101), "one");
  mac.add(101, 100, { ppid: 1, pgrp: 101 });
  assertEquals(mac.whose(kinship, 101), "one");
  // Forked by it and orphaned since, both between two looks.
  mac.add(102, 101, { ppid: 1 });
  mac.processes.delete(101);
  assertEquals(mac.whose(kinship, 102), "one");
  // A process whose parent was never seen is lost: that is what the report says.
  mac.add(104, 103, { ppid: 1 });
  assertEquals(mac.whose(kinship, 104), null);
});

Deno.test("Kinship: a leader that has gone to another group is of its tree, and so are its children", () => {
  const mac = new Mac().add(50, 1).add(100, 50, { pgrp: 50 }).add(101, 100);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  assertEquals([101, 100, 50].map((pid) => mac.whose(kinship, pid)), [
    "one",
    "one",
    null,
  ]);
});

Deno.test("Kinship: who is a parent only by office is none", () => {
  const mac = new Mac()
    .add(100, 50)
    // A debugger in the tree, and what it traces: another program's child.
    .add(101, 100)
    .add(900, 899, { ppid: 101 })
    // A stranger with the number of a member that is gone.
    .add(102, 100)
    .add(103, 102);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  assertEquals(mac.whose(kinship, 900), null);
  mac.add(102, 50, { uniqueId: 77n });
  assertEquals(mac.whose(kinship, 102), null);
  // Its true parent was never looked at.
  assertEquals(mac.whose(kinship, 103), null);
});

Deno.test("Kinship: who has a parent that cannot be seen is nobody's for the time being", () => {
  // xnu shows a process that is ending neither as living nor as a zombie.
  const mac = new Mac().add(100, 50).add(102, 101);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  assertEquals(mac.whose(kinship, 102), null);
  mac.add(101, 100, { state: "Z" });
  assertEquals(mac.whose(kinship, 102), "one");
});

Deno.test("Kinship: who is in the group of a member is one, though nobody knows who forked it", () => {
  const mac = new Mac()
    .add(100, 50)
    .add(101, 100)
    // An orphan since, that has called exec: it has the id of launchd.
    .add(102, 1, { pgrp: 101 })
    .add(300, 50)
    .add(301, 1, { pgrp: 300 });
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  // Before its leader was looked at, it belongs to no process.
  const look = (pid: number) => mac.whose(kinship, pid);
  assertEquals([102, 101, 102, 301].map(look), [null, "one", "one", null]);
  mac.add(101, 100, { state: "Z" });
  mac.add(103, 1, { pgrp: 101 });
  assertEquals(look(103), "one");
  // A stranger has got the number: then it is another group.
  mac.add(101, 50, { uniqueId: 5000n });
  mac.add(104, 1, { pgrp: 101 });
  assertEquals(look(104), null);
});

Deno.test("Kinship: the line of an orphan is found at the next look, when its parent is", () => {
  const mac = new Mac()
    .add(1, 0)
    .add(100, 50)
    .add(101, 100, { state: "Z" })
    .add(102, 101, { ppid: 1 })
    .add(103, 102);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  const look = () => [103, 102, 101, 100].map((pid) => mac.whose(kinship, pid));
  assertEquals(look(), [null, null, "one", "one"]);
  assertEquals(look(), ["one", "one", "one", "one"]);
});

Deno.test("Kinship: the end of a tree leaves who has moved to another in that", () => {
  const mac = new Mac().add(100, 50).add(101, 100).add(200, 50);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  kinship.begin("two", 200);
  assertEquals(mac.whose(kinship, 101), "one");
  mac.add(101, 100, { pgrp: 200 });
  assertEquals(mac.whose(kinship, 101), "two");
  kinship.end("one", 100);
  mac.add(101, 100, { ppid: 1 });
  assertEquals(mac.whose(kinship, 101), "two");
});

Deno.test("Kinship: a stranger that joins the group is a member, and so are its children", () => {
  const mac = new Mac().add(100, 50).add(300, 50).add(301, 300);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  assertEquals([300, 301].map((pid) => mac.whose(kinship, pid)), [null, null]);
  mac.add(300, 50, { pgrp: 100 });
  assertEquals([300, 301].map((pid) => mac.whose(kinship, pid)), [
    "one",
    "one",
  ]);
});

Deno.test("Kinship: a tree that has ended has no members, whoever has its numbers", () => {
  const mac = new Mac().add(100, 50).add(101, 100);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  assertEquals(mac.whose(kinship, 101), "one");
  kinship.end("one", 100);
  assertEquals([100, 101].map((pid) => mac.whose(kinship, pid)), [null, null]);
  kinship.begin("two", 100);
  assertEquals([100, 101].map((pid) => mac.whose(kinship, pid)), [
    "two",
    "two",
  ]);
  // The end of the first comes late.
  kinship.end("one", 100);
  assertEquals(mac.whose(kinship, 100), "two");
});

Deno.test("Kinship: a line of parents that goes round in a circle ends", () => {
  const mac = new Mac().add(7, 8).add(8, 7);
  const kinship = new Kinship<string>(mac);
  kinship.begin("one", 100);
  assertEquals(mac.whose(kinship, 7), null);
});

Deno.test("a job on macOS asks for each process once, not once for each tree", () => {
  const mac = new Mac().add(1, 0).add(50, 1);
  const joint = new JointMembership();
  const kinship = new Kinship<KinshipGroup>(mac);
  for (let pid = 1000; pid < 1100; pid++) {
    mac.add(pid, 50);
    const group = new KinshipGroup(null, [], mac, kinship as never);
    group.endSpawn(pid);
    joint.parts.push(group);
  }
  for (let pid = 2000; pid < 2300; pid++) mac.add(pid, 50);
  mac.asked = 0;
  const all = mac.pids().map((pid) => joint.belongs(pid));
  assertEquals(all.filter((belongs) => belongs === "yes").length, 100);
  // And once more for the parents of the strangers.
  assertEquals(mac.asked < 2 * all.length, true, `${mac.asked}`);
  assertEquals(joint.belongs(9999), "gone");
});
