/** Many children at a time: which of them has exited is seen without a descriptor for each. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { type ChildProcess, Command } from "../../../mod.ts";
import { Census } from "../../../posix/containment/census.ts";
import { Children } from "../../../posix/wait/reactor.ts";
import { lastPid, procIsUsable } from "../../../posix/system/proc_files.ts";
import { waitpid } from "../../../posix/mod.ts";
import { within } from "../../fixtures/deadline.ts";
import { openDescriptors, statOf } from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os !== "linux" || !procIsUsable();
// More than are asked one by one.
const MANY = 60;

Deno.test.beforeAll(warmUp);

function start(count: number): ChildProcess[] {
  return Array.from({ length: count }, () =>
    new Command("sleep", {
      args: ["1000"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      grace: 0,
    }).spawn());
}

/** Kills some, and does not turn the event loop: nothing reaps them meanwhile. */
function makeZombies(...children: ChildProcess[]): void {
  const began = performance.now();
  for (const { pid } of children) {
    Deno.kill(pid, "SIGKILL");
    while (statOf(pid)?.state !== "Z") {
      assertLess(performance.now() - began, 10_000, "no zombie within 10 s");
    }
  }
}

async function end(children: readonly ChildProcess[]): Promise<void> {
  await within(
    Promise.all(children.map((child) => child.stop())),
    "the end of all",
    20_000,
  );
}

/** Watches some of them besides; returns those that it has asked. */
function watched(children: readonly ChildProcess[]): [Children, number[]] {
  const set = new Children();
  const asked: number[] = [];
  for (const { pid } of children) {
    set.add(pid, () => {
      asked.push(pid);
      if (statOf(pid)?.state === "Z") set.remove(pid);
    }, true);
  }
  return [set, asked];
}

Deno.test("many children cost no descriptors, and each exit is seen", {
  ignore,
}, async () => {
  const before = openDescriptors();
  const children = start(MANY);
  assertEquals(openDescriptors(), before);
  for (const child of children.toReversed()) {
    child.kill("SIGKILL");
    assertEquals((await child.status).signal, "SIGKILL");
  }
});

Deno.test("of many children only the one that has exited is asked", {
  ignore,
}, async () => {
  const children = start(3);
  const [set, asked] = watched(children);
  const newest = children[2]!.pid;
  set.look();
  assertEquals(asked, [newest]);
  makeZombies(children[1]!);
  set.look();
  assertEquals(asked, [newest, newest, children[1]!.pid]);
  assertEquals(set.count, 2);
  await end(children);
});

Deno.test("a zombie that is not one of them hides nobody", {
  ignore,
}, async () => {
  const children = start(4);
  const [set, asked] = watched(children.slice(1));
  makeZombies(children[0]!, children[2]!);
  set.look();
  const [, second, third, newest] = children.map(({ pid }) => pid);
  assertEquals(asked, [newest, second, third, newest]);
  assertEquals(set.count, 2);
  await end(children);
});

Deno.test("the newest is asked first, the others after whoever waits for it", {
  ignore,
}, async () => {
  const children = start(3);
  const [set, asked] = watched(children);
  // The library looks once after a start by itself, and would reap them.
  await null;
  makeZombies(children[0]!, children[2]!);
  set.look();
  const [oldest, , newest] = children.map(({ pid }) => pid);
  assertEquals(asked, [newest]);
  for (let hop = 0; hop < 10; hop++) await null;
  assertEquals(asked, [newest]);
  for (let hop = 0; hop < 100; hop++) await null;
  assertEquals(asked, [newest, oldest]);
  await end(children);
});

Deno.test("who cannot be asked is not asked for ever", { ignore }, async () => {
  const [child] = start(1) as [ChildProcess];
  const set = new Children();
  let asked = 0;
  // Stays in it, as one of which waitid says nothing.
  set.add(child.pid, () => asked++, true);
  makeZombies(child);
  set.look();
  assertEquals(asked, 2);
  await end([child]);
});

Deno.test("all are asked one by one, some at each turn of the backstop", () => {
  const set = new Children();
  const asked = new Map<number, number>();
  const count = 1300;
  for (let pid = 1; pid <= count; pid++) {
    set.add(pid, () => asked.set(pid, (asked.get(pid) ?? 0) + 1), pid % 2 > 0);
  }
  assertEquals(set.refs, count / 2);
  let turns = 0;
  for (; asked.size < count; turns++) set.askSome();
  assertEquals(turns, Math.ceil(count / 32));
  assert([...asked.values()].every((times) => times === 1));
  for (let pid = 1; pid <= count; pid++) set.remove(pid);
  assertEquals([set.count, set.refs], [0, 0]);
  set.askSome();
});

Deno.test(
  "of many children, too, the one that somebody else reaps is not missed",
  {
    ignore,
  },
  async () => {
    const children = start(MANY);
    const stolen = children.at(-1) as ChildProcess;
    makeZombies(stolen);
    assertEquals(waitpid(stolen.pid)?.pid, stolen.pid);
    const status = await within(stolen.status, "the status", 20_000);
    assertEquals(status.lost, true);
    await end(children);
  },
);

Deno.test("a zombie that is held until its group is empty hides none of many", {
  ignore,
}, async () => {
  // The leader is gone, and its number is kept for the group's sake.
  const held = new Command("sh", {
    args: ["-c", "sleep 1000 & exit 0"],
    containment: "process-group",
    stdin: "null",
    stdout: "null",
    stderr: "null",
    grace: 0,
  }).spawn();
  await held.status;
  assertEquals(statOf(held.pid)?.state, "Z");
  // The backstop would come to each of them in the end.
  const { askSome } = Children.prototype;
  Children.prototype.askSome = () => {};
  try {
    for (const child of start(MANY).toReversed()) {
      child.kill("SIGKILL");
      const status = await within(child.status, "the status", 20_000);
      assertEquals(status.signal, "SIGKILL");
    }
  } finally {
    Children.prototype.askSome = askSome;
  }
  await held.stop();
});

Deno.test("many that are stopped at once need few looks at all processes", {
  ignore,
}, async () => {
  const begin = Census.prototype.begin;
  let looks = 0;
  Census.prototype.begin = function (newest: number): void {
    looks++;
    begin.call(this, newest);
  };
  try {
    // On a host where something forks in between, it is tried again.
    for (let tries = 0;; tries++) {
      const children = start(MANY);
      const newest = lastPid();
      looks = 0;
      const reports = await within(
        Promise.all(children.map((child) => child.stop({ grace: 10_000 }))),
        "the end of all",
        20_000,
      );
      assertEquals(
        reports.map(({ escalated }) => escalated),
        Array(MANY).fill(0),
      );
      if (lastPid() === newest) assertLess(looks, MANY);
      if (lastPid() === newest || tries === 100) return;
    }
  } finally {
    Census.prototype.begin = begin;
  }
});
