import { assertEquals, assertMatch } from "@std/assert";
import {
  hiddenDoubt,
  type Host,
  type MarkedTree,
  Untagged,
} from "../../../../posix/containment/untagged.ts";

interface Entry {
  ppid?: number;
  start?: number;
  state?: string;
  mark?: number;
  group?: number;
  session?: number;
  detected?: boolean;
  others?: boolean;
}

class Tree implements MarkedTree {
  bornTicks = 100;
  leads = true;
  leadsGroup(): boolean {
    return this.leads;
  }
}

function machine(entries: Record<number, Entry>): Host {
  return {
    markOf: (pid) => entries[pid]?.mark ?? 0,
    groupOf: (pid) => entries[pid]?.group ?? -1,
    sessionOf: (pid) => entries[pid]?.session ?? -1,
    isDetected: (pid) => entries[pid]?.detected ?? false,
    isOthers: (pid) => entries[pid]?.others ?? null,
    stat(pid) {
      const entry = entries[pid];
      if (entry === undefined) return null;
      const { ppid = 1, start = 200, state = "S" } = entry;
      return { ppid, startTicks: start, state, name: `p${pid}` };
    },
  };
}

function begun(
  entries: Record<number, Entry>,
): { tree: Tree; untagged: Untagged<Tree> } {
  const untagged = new Untagged<Tree>(machine(entries));
  const tree = new Tree();
  untagged.begin(tree, 10, 7);
  return { tree, untagged };
}

Deno.test("a mark, the leader's group and the leader's session tell the tree", () => {
  const { tree, untagged } = begun({
    11: { mark: 7 },
    12: { group: 10 },
    13: { session: 10 },
    14: { mark: 8, group: 14, session: 14 },
  });
  const trees = [11, 12, 13, 14, 15].map((pid) => untagged.treeOf(pid, false));
  assertEquals(trees, [tree, tree, tree, null, null]);
});

Deno.test("a process that is older than the tree is none of it, whatever it shows", () => {
  const { untagged } = begun({ 11: { mark: 7, start: 99 } });
  assertEquals(untagged.treeOf(11, false), null);
});

Deno.test("a mark below a parent with the tag of another owner is that owner's", () => {
  const { tree, untagged } = begun({
    11: { mark: 7, ppid: 12 },
    12: { ppid: 13 },
    13: { others: true },
    21: { mark: 7, ppid: 22 },
    22: { others: false },
  });
  assertEquals(untagged.treeOf(11, false), null);
  assertEquals(untagged.treeOf(21, false), tree);
});

Deno.test("the mark of a process with another owner's tag proves nothing", () => {
  const { untagged } = begun({ 11: { mark: 7 } });
  assertEquals(untagged.treeOf(11, true), null);
});

Deno.test("the group means nothing when the number is no longer the leader's", () => {
  const { tree, untagged } = begun({ 12: { group: 10 } });
  tree.leads = false;
  assertEquals(untagged.treeOf(12, false), null);
});

Deno.test("a member stays one when it loses what it was known by", () => {
  const entries: Record<number, Entry> = { 11: { mark: 7 } };
  const { tree, untagged } = begun(entries);
  untagged.treeOf(11, false);
  entries[11] = {};
  assertEquals(untagged.treeOf(11, false), tree);
  // Another process has its number.
  entries[11] = { start: 300 };
  assertEquals(untagged.treeOf(11, false), null);
});

Deno.test("the child of a member is taken in, and only while it is that", () => {
  const { tree, untagged } = begun({ 11: { ppid: 10 }, 12: { ppid: 1 } });
  assertEquals(untagged.adopt(11, 10, tree), true);
  assertEquals(untagged.adopt(12, 10, tree), false);
  assertEquals(untagged.treeOf(11, false), tree);
});

Deno.test("a tree that is over has no members", () => {
  const { tree, untagged } = begun({ 11: { ppid: 10 }, 12: { mark: 7 } });
  untagged.adopt(11, 10, tree);
  untagged.end(tree, 10, 7);
  assertEquals(untagged.treeOf(11, false), null);
  assertEquals(untagged.treeOf(12, false), null);
});

Deno.test("a process that has lost all its marks is a doubt as long as it lives", () => {
  const entries: Record<number, Entry> = { 11: { detected: true } };
  const { tree, untagged } = begun(entries);
  assertEquals([untagged.isLost(11), untagged.isLost(12)], [true, false]);
  assertMatch(untagged.doubt(tree) ?? "", /process 11 \(p11\)/);
  entries[11] = { detected: true, state: "Z" };
  assertEquals(untagged.doubt(tree), null);
});

Deno.test("it is none for a tree that is younger, nor when it is of another owner", () => {
  const entries: Record<number, Entry> = { 11: { detected: true } };
  const { tree, untagged } = begun(entries);
  untagged.isLost(11);
  tree.bornTicks = 201;
  assertEquals(untagged.doubt(tree), null);
  tree.bornTicks = 100;
  entries[11] = { detected: true, ppid: 12 };
  entries[12] = { others: true };
  assertEquals(untagged.doubt(tree), null);
});

Deno.test("when it is found to be a member after all, it is no doubt", () => {
  const { tree, untagged } = begun({ 11: { detected: true, ppid: 10 } });
  untagged.isLost(11);
  untagged.adopt(11, 10, tree);
  assertEquals(untagged.doubt(tree), null);
});

Deno.test("a hidden process is a doubt only where it can be a member", () => {
  // Sessions by number; this process is in session 50, the tree began with 101.
  const doubt = (sessions: Record<number, number>, shown: number[] = []) =>
    hiddenDoubt({
      first: 101,
      last: 110,
      max: 200,
      sessionOf: (pid) => pid === 0 ? 50 : sessions[pid] ?? -1,
      isHidden: (pid) => !shown.includes(pid),
    });
  assertEquals(doubt({}), null);
  // In our session, or in one that was begun since.
  assertMatch(doubt({ 105: 50 }) as string, /^process 105 is hidden/);
  assertMatch(doubt({ 106: 104 }) as string, /^process 106 is hidden/);
  // Of a service that was there before; and one that can be seen.
  assertEquals(doubt({ 105: 70 }), null);
  assertEquals(doubt({ 105: 50 }, [105]), null);
});

Deno.test("numbers that began anew are gone through from the first to the last", () => {
  const asked: number[] = [];
  const doubt = (sessions: Record<number, number>) =>
    hiddenDoubt({
      first: 198,
      last: 3,
      max: 200,
      sessionOf(pid) {
        if (pid === 0) return 50;
        asked.push(pid);
        return sessions[pid] ?? -1;
      },
      isHidden: () => true,
    });
  assertEquals(doubt({}), null);
  assertEquals(asked, [198, 199, 200, 1, 2, 3]);
  assertMatch(doubt({ 2: 199 }) as string, /^process 2 is hidden/);
  assertMatch(doubt({ 3: 2 }) as string, /^process 3 is hidden/);
  assertEquals(doubt({ 2: 70 }), null);
});

Deno.test("a tree whose numbers have come round is not proved empty", () => {
  const question = {
    sessionOf: () => -1,
    isHidden: () => true,
    max: 4_000_000,
  };
  for (const [first, last] of [[0, 100], [101, -1], [1, 100_000]] as const) {
    assertMatch(
      hiddenDoubt({ ...question, first, last }) as string,
      /hides processes of other users/,
    );
  }
});
