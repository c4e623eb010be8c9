/**
 * Snapshots of trees: complete or none, and killed without being stopped first.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { Command } from "../../../mod.ts";
import {
  type LeaderGroup,
  type Members,
  Snapshot,
} from "../../../posix/tree/membership.ts";
import { bindErrno, errno, libcWait } from "../../../posix/system/libc.ts";
import { Lineage } from "../../../posix/containment/lineage.ts";
import { lineageObstacle } from "../../../posix/containment/owner.ts";
import {
  listPids,
  type ProcessTable,
  readStat,
} from "../../../posix/system/proc_files.ts";
import { processTable } from "../../../posix/system/process_table.ts";
import {
  refusePidfds,
  signalProcess,
} from "../../../posix/signal/signal_process.ts";
import { ProcessTree } from "../../../posix/tree/tree.ts";
import { within } from "../../fixtures/deadline.ts";
import { openDescriptors } from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os !== "linux" || lineageObstacle() !== "";
const STOP = 19;
const KILL = 9;
const NOTHING = 0;

Deno.test.beforeAll(async () => {
  await warmUp();
  if (!ignore) bindErrno();
});

type Child = Deno.ChildProcess;

function sleeper(args = ["1000"], program = "sleep"): Child {
  return new Deno.Command(program, { args, stdout: "null" }).spawn();
}

async function end(...children: Child[]): Promise<void> {
  for (const child of children) {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended, as most are meant to.
    }
    await child.status;
  }
}

/** A tree of exactly these, whatever they inherited. */
function exactly(...children: Child[]): Members {
  const pids = children.map(({ pid }) => pid).sort((a, b) => a - b);
  return {
    numbers: () => pids,
    belongs: (pid) =>
      !pids.includes(pid) ? "no" : readStat(pid) === null ? "gone" : "yes",
  };
}

/** The real table on a machine where nothing else forks. */
const quiet: ProcessTable = { ...processTable(), newest: () => 1_000_000 };

/** The group of a leader, and what it was sent. */
function groupOf(pgid: number): LeaderGroup & { readonly sent: number[] } {
  const sent: number[] = [];
  const signal = (signal: number): number => {
    sent.push(signal);
    return libcWait().killpg(pgid, signal) === 0 ? 0 : errno();
  };
  return { pgid, signal, sent };
}

/** Called until it holds; the operating system decides when. */
async function eventually(holds: () => boolean): Promise<void> {
  const began = performance.now();
  while (!holds()) {
    assert(performance.now() - began < 10_000, "not within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test(
  "there is no snapshot of a machine on which somebody is created meanwhile",
  {
    ignore,
  },
  async () => {
    const child = sleeper();
    const before = openDescriptors();
    let newest = 1000;
    const busy: ProcessTable = { ...processTable(), newest: () => newest++ };
    assertEquals(Snapshot.take(exactly(child), busy), null);
    assertEquals(openDescriptors(), before);
    const snapshot = Snapshot.take(exactly(child), quiet);
    assert(snapshot !== null);
    assertEquals(openDescriptors(), before + 1);
    snapshot.close();
    assertEquals(openDescriptors(), before);
    await end(child);
  },
);

Deno.test("nor without pidfds, nor where the system does not tell numbers", {
  ignore,
}, async () => {
  const child = sleeper();
  refusePidfds(true);
  try {
    assertEquals(Snapshot.take(exactly(child), quiet), null);
  } finally {
    refusePidfds(false);
  }
  const silent: ProcessTable = { ...processTable() };
  delete silent.newest;
  assertEquals(Snapshot.take(exactly(child), silent), null);
  assertEquals(Snapshot.take({ belongs: () => "yes" }, quiet), null);
  await end(child);
});

Deno.test(
  "a snapshot ends the group in one call, and who has left it by itself",
  {
    ignore,
  },
  async () => {
    // In our group, as Deno.Command starts them; sessions of their own.
    const children = [0, 1, 2].map(() => sleeper(["sleep", "1000"], "setsid"));
    const [leader, member, apart] = children as [Child, Child, Child];
    const led = (one: Child) => libcWait().getpgid(one.pid) === one.pid;
    await eventually(() => children.every(led));
    const snapshot = Snapshot.take(exactly(...children), quiet)!;
    const group = groupOf(leader.pid);
    const hard = snapshot.kill(KILL, group);
    assertEquals(hard, { count: 3, refused: [], unproved: true });
    assertEquals(group.sent, [KILL]);
    for (const one of [leader, member, apart]) {
      const { signal } = await within(one.status, "the end of one", 10_000);
      assertEquals(signal, "SIGKILL");
    }
    await eventually(() => snapshot.living() === null);
    assert(snapshot.has(apart.pid) && !snapshot.has(apart.pid + 100_000));
    snapshot.close();
  },
);

Deno.test("who has ended is neither counted nor waited for", {
  ignore,
}, async () => {
  const [lives, zombie] = [sleeper(), sleeper(["0"])];
  // Not reaped before Deno is given a turn.
  while (readStat(zombie.pid)?.state !== "Z");
  const snapshot = Snapshot.take(exactly(lives, zombie), quiet)!;
  assertEquals(snapshot.kill(KILL, undefined)?.count, 1);
  while (snapshot.living() !== null);
  snapshot.close();
  await end(lives, zombie);
});

Deno.test("the number of a thread is no member", { ignore }, async () => {
  const child = sleeper();
  const threads: number[] = [];
  for await (const { name } of Deno.readDir("/proc/self/task")) {
    if (Number(name) !== Deno.pid) threads.push(Number(name));
  }
  const members = exactly(child);
  const snapshot = Snapshot.take({
    numbers: () => [...threads, child.pid],
    belongs: (pid) => threads.includes(pid) ? "yes" : members.belongs(pid),
  }, quiet)!;
  assertGreater(threads.length, 0);
  assertEquals(snapshot.kill(KILL, undefined)?.count, 1);
  snapshot.close();
  await end(child);
});

Deno.test("where numbers are too many, all processes are looked at", {
  ignore,
}, async () => {
  const child = sleeper();
  const looks: string[] = [];
  const snapshot = Snapshot.take({
    ...exactly(child),
    numbers: () => null,
    beginLook: () => looks.push("begin"),
    isOutsider: (pid) => pid !== child.pid,
    endLook: (newest) => looks.push(`end ${newest}`) > 0,
  }, quiet)!;
  assertEquals(looks, ["begin", "end 1000000"]);
  assertEquals(snapshot.kill(KILL, undefined)?.count, 1);
  snapshot.close();
  await end(child);
});

/** What a kill of a tree of two sends to its group, on such a machine. */
async function sentTo(table: ProcessTable): Promise<number[]> {
  const leader = sleeper(["sleep", "1000"], "setsid");
  await eventually(() => libcWait().getpgid(leader.pid) === leader.pid);
  const other = sleeper();
  const tree = new ProcessTree(exactly(leader, other), table, signalProcess);
  const group = groupOf(leader.pid);
  assertEquals(tree.kill(STOP, KILL, group).count, 2);
  await end(leader, other);
  await eventually(tree.isEmpty.bind(tree));
  tree.close();
  return group.sent;
}

Deno.test("a tree that cannot have grown is not stopped first; another is", {
  ignore,
}, async () => {
  assertEquals(await sentTo(quiet), [KILL]);
  let newest = 1000;
  const busy = { ...processTable(), newest: () => newest++ };
  assertEquals(await sentTo(busy), [STOP]);
});

Deno.test("a tree is not killed by a snapshot twice", { ignore }, async () => {
  const leader = sleeper(["sleep", "1000"], "setsid");
  await eventually(() => libcWait().getpgid(leader.pid) === leader.pid);
  const tree = new ProcessTree(exactly(leader), quiet, signalProcess);
  // As in an uninterruptible wait: the call succeeds, and it lives on.
  assertEquals(tree.kill(STOP, NOTHING).count, 1);
  assert(!tree.isEmpty());
  assert(tree.livingKilled() !== null);
  assertEquals(tree.kill(STOP, KILL).count, 1);
  await within(leader.status, "the end of the leader", 10_000);
  await eventually(tree.isEmpty.bind(tree));
  tree.close();
});

Deno.test("that a snapshot has ended does not hide who was not in it", {
  ignore,
}, async () => {
  const [leader, unseen] = [sleeper(), sleeper()];
  const both = exactly(leader, unseen);
  // As a fork under way: it has its number, and cannot be seen yet.
  const members = { ...both, numbers: () => [leader.pid] };
  const tree = new ProcessTree(members, quiet, signalProcess);
  assertEquals(tree.kill(STOP, KILL).count, 1);
  while (tree.livingKilled() !== null);
  assert(!tree.isEmpty());
  await end(leader, unseen);
  await eventually(tree.isEmpty.bind(tree));
  tree.close();
});

/** Whether a kill of what a leader has left behind ends also what it does not see. */
async function endsTheUnseen(how: "running" | "finished"): Promise<void> {
  const numbers = Lineage.prototype.numbers;
  const child = new Command("sh", {
    args: [
      "-c",
      `setsid sleep 1000 & setsid sleep 1000 & echo $!; ${
        how === "running" ? "wait" : ""
      }`,
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const text = new TextDecoder().decode((await reader.read()).value);
  const unseen = Number(text);
  if (how === "finished") await child.status;
  // As of a fork under way: it has its number, and cannot be seen yet.
  Lineage.prototype.numbers = function (newest: number): number[] {
    const all = numbers.call(this, newest) ?? listPids()!.reverse();
    return all.filter((pid) => pid !== unseen);
  };
  try {
    child.kill("SIGKILL");
  } finally {
    Lineage.prototype.numbers = numbers;
  }
  await within(child.treeExited, "the end of the tree", 10_000);
  assert("ZX".includes(readStat(unseen)?.state ?? "X"));
  while (!(await reader.read()).done);
}

Deno.test("kill() ends also whom its snapshot did not show", {
  ignore,
}, () => endsTheUnseen("running"));

Deno.test("kill() does so when the leader is long gone", {
  ignore,
}, () => endsTheUnseen("finished"));

Deno.test(
  "what comes between the list of those to be killed and the kill is killed as well",
  {
    ignore,
  },
  async () => {
    const first = sleeper();
    const second = sleeper();
    let newest = 1_000_000;
    const members: Child[] = [first];
    const membership: Members = {
      numbers: () => members.map(({ pid }) => pid),
      belongs: (pid) => members.some((one) => one.pid === pid) ? "yes" : "no",
    };
    const table = { ...quiet, newest: () => newest };
    const tree = new ProcessTree(membership, table, signalProcess);
    try {
      assertEquals(tree.membersToKill().map(({ pid }) => pid), [first.pid]);
      members.push(second);
      newest++;
      assertEquals(tree.kill(STOP, KILL).count, 2);
      assertEquals((await first.status).signal, "SIGKILL");
      assertEquals((await second.status).signal, "SIGKILL");
    } finally {
      tree.close();
      await end(first, second);
    }
  },
);

Deno.test("a list of those to be killed spares the kill a look", {
  ignore,
}, async () => {
  const child = sleeper();
  let looks = 0;
  const membership: Members = {
    ...exactly(child),
    numbers() {
      looks++;
      return [child.pid];
    },
  };
  const tree = new ProcessTree(membership, quiet, signalProcess);
  try {
    assertEquals(tree.membersToKill().map(({ name }) => name), ["sleep"]);
    assertEquals([tree.kill(STOP, KILL).count, looks], [1, 1]);
    assertEquals((await child.status).signal, "SIGKILL");
  } finally {
    tree.close();
    await end(child);
  }
});

Deno.test(
  "kill() counts what it has killed also when a process was created meanwhile",
  {
    ignore,
  },
  async () => {
    const child = sleeper();
    let newest = 1_000_000;
    const membership: Members = {
      ...exactly(child),
      killed(pid) {
        // Nothing reaps it in this turn of the event loop.
        while (readStat(pid)?.state !== "Z") libcWait().poll(null, 0n, 1);
        newest++;
      },
    };
    const table = { ...quiet, newest: () => newest };
    const tree = new ProcessTree(membership, table, signalProcess);
    try {
      assertEquals(tree.kill(STOP, KILL).count, 1);
      assertEquals((await child.status).signal, "SIGKILL");
    } finally {
      tree.close();
      await end(child);
    }
  },
);

Deno.test("a tree that is ended leaves no descriptor open", {
  ignore,
}, async () => {
  const script = "sleep 100 & setsid sleep 100 & sleep 100 & echo; wait";
  const run = async (how: "stop" | "kill"): Promise<void> => {
    const child = new Command("sh", {
      args: ["-c", script],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    if (how === "stop") {
      assertGreater((await child.stop({ grace: 0 })).escalated, 1);
    } else {
      child.kill("SIGKILL");
      await child.status;
    }
    while (!(await reader.read()).done);
    await child.treeExited;
  };
  await run("stop");
  const before = openDescriptors();
  for (let i = 0; i < 5; i++) {
    await run("stop");
    await run("kill");
  }
  assertEquals(openDescriptors(), before);
});
