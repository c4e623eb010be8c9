import { assertEquals, assertThrows } from "@std/assert";
import { Ancestry, findRoot } from "../../../posix/foreign_tree.ts";
import type {
  ProcessTable,
  ProcStat,
} from "../../../posix/system/proc_files.ts";

function process(
  pid: number,
  ppid: number,
  more: Partial<ProcStat> = {},
): ProcStat {
  return {
    pid,
    ppid,
    name: `p${pid}`,
    state: "S",
    pgrp: pid,
    session: 1,
    startTicks: pid,
    ...more,
  };
}

function tableOf(processes: Map<number, ProcStat>): ProcessTable {
  return {
    pids: () => [...processes.keys()].sort((a, b) => b - a),
    stat: (pid) => processes.get(pid) ?? null,
    commandLine: () => null,
    startTime: ({ startTicks }) => startTicks,
  };
}

function table(...list: ProcStat[]): Map<number, ProcStat> {
  return new Map(list.map((one) => [one.pid, one]));
}

Deno.test("Ancestry holds children and grandchildren, and no stranger", () => {
  const processes = table(
    process(100, 50),
    process(101, 100),
    process(102, 101),
    process(200, 50),
  );
  const tree = new Ancestry(process(100, 50), tableOf(processes));
  const answers = [100, 101, 102, 200, 999].map((pid) => tree.belongs(pid));
  assertEquals(answers, ["yes", "yes", "yes", "no", "gone"]);
});

Deno.test("Ancestry keeps an orphan that it has seen, and its children", () => {
  const processes = table(
    process(100, 50),
    process(101, 100),
    process(102, 101),
  );
  const tree = new Ancestry(process(100, 50), tableOf(processes));
  assertEquals(tree.belongs(102), "yes");
  processes.delete(101);
  processes.set(102, process(102, 1));
  processes.set(103, process(103, 102));
  assertEquals([tree.belongs(102), tree.belongs(103)], ["yes", "yes"]);
});

Deno.test("Ancestry takes no child that is older than its parent", () => {
  // 101 was recycled: 150 was there before it.
  const processes = table(
    process(100, 50),
    process(101, 100, { startTicks: 900 }),
    process(150, 101),
  );
  const tree = new Ancestry(process(100, 50), tableOf(processes));
  assertEquals(tree.belongs(150), "no");
});

Deno.test("Ancestry takes a recycled number for a stranger", () => {
  const processes = table(process(100, 50), process(101, 100));
  const tree = new Ancestry(process(100, 50), tableOf(processes));
  assertEquals(tree.belongs(101), "yes");
  processes.set(101, process(101, 50, { startTicks: 900 }));
  assertEquals(tree.belongs(101), "no");
});

Deno.test("Ancestry holds the session that its root leads", () => {
  const processes = table(
    process(100, 50, { session: 100 }),
    process(300, 1, { session: 100 }),
    process(301, 1, { session: 7 }),
  );
  const root = processes.get(100) as ProcStat;
  const tree = new Ancestry(root, tableOf(processes));
  assertEquals([tree.belongs(300), tree.belongs(301)], ["yes", "no"]);
});

Deno.test("Ancestry finds an orphan by its parent's unique id, where there are such", () => {
  const processes = table(
    process(100, 50, { uniqueId: 1000n, parentUniqueId: 1n }),
    process(101, 100, { uniqueId: 1001n, parentUniqueId: 1000n }),
  );
  const root = processes.get(100) as ProcStat;
  const tree = new Ancestry(root, tableOf(processes));
  assertEquals(tree.belongs(101), "yes");
  processes.clear();
  // Forked by 101 before that was gone; never seen with its parent alive.
  processes.set(
    102,
    process(102, 1, { uniqueId: 1002n, parentUniqueId: 1001n }),
  );
  assertEquals(tree.belongs(102), "yes");
  // The same without unique ids escapes: that is what they are for.
  processes.set(103, process(103, 1));
  assertEquals(tree.belongs(103), "no");
});

Deno.test("findRoot() refuses init, this process, its ancestors, and what is not there", () => {
  const self = Deno.pid;
  const processes = table(
    process(self, 4_000_001),
    process(4_000_001, 4_000_002),
    process(4_000_002, 1),
    process(4_000_003, 1, { state: "Z" }),
    process(4_000_004, 1),
  );
  const known = tableOf(processes);
  for (const pid of [-1, 0, 1, 1.5, NaN, self, 4_000_001, 4_000_002]) {
    assertThrows(
      () => findRoot(pid, known),
      RangeError,
      "Cannot open the tree",
    );
  }
  for (const pid of [4_000_003, 4_000_009]) {
    assertThrows(() => findRoot(pid, known), Deno.errors.NotFound);
  }
  assertThrows(() => findRoot("12" as never, known), TypeError, "got a string");
  assertEquals(findRoot(4_000_004, known).pid, 4_000_004);
});
