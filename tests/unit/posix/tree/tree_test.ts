import { assert, assertEquals, assertThrows } from "@std/assert";
import { FEW_COMMANDS } from "../../../../backend/native.ts";
import { Ancestry, findRoot } from "../../../../posix/foreign_tree.ts";
import {
  type Belongs,
  JointMembership,
  type LeaderGroup,
} from "../../../../posix/tree/membership.ts";
import type {
  ProcessTable,
  ProcStat,
} from "../../../../posix/system/proc_files.ts";
import { sendSoftly } from "../../../../posix/tree/signal_delivery.ts";
import { ProcessTree } from "../../../../posix/tree/tree.ts";

const STOP = 19;
const KILL = 9;
const ESRCH = 3;
const EPERM = 1;

interface Entry {
  name?: string;
  forked?: boolean;
  ppid?: number;
  state?: string;
  start?: number;
  pgrp?: number;
  session?: number;
  mine?: boolean;
}

/** A made-up machine: processes by number, a log of signals, hooks on what happens. */
class Machine implements ProcessTable {
  readonly entries = new Map<number, Entry>();
  readonly signals: [number, number][] = [];
  readonly refused = new Set<number>();
  looks = 0;
  /** Called at the beginning of each look at all processes. */
  onLook: (look: number) => void = () => {};
  /** Called before a process is asked for. */
  onAsk: (pid: number) => void = () => {};

  constructor(entries: Record<number, Entry>) {
    for (const [pid, entry] of Object.entries(entries)) {
      this.entries.set(Number(pid), entry);
    }
  }

  pids(): number[] | null {
    this.onLook(++this.looks);
    return [...this.entries.keys()].sort((a, b) => b - a);
  }

  stat(pid: number): ProcStat | null {
    const entry = this.entries.get(pid);
    if (entry === undefined) return null;
    return {
      pid,
      name: entry.name ?? `p${pid}`,
      state: entry.state ?? "S",
      ppid: entry.ppid ?? 1,
      pgrp: entry.pgrp ?? 0,
      session: entry.session ?? 0,
      startTicks: entry.start ?? pid,
      forked: entry.forked ?? false,
    };
  }

  commandLine = (_pid: number): string | null => null;

  startTime({ startTicks }: ProcStat): number {
    return startTicks;
  }

  readonly belongs = (pid: number): Belongs => {
    this.onAsk(pid);
    const entry = this.entries.get(pid);
    if (entry === undefined) return "gone";
    return entry.mine === false ? "no" : "yes";
  };

  readonly send = (
    pid: number,
    signal: number,
    isOurs: (pid: number) => boolean,
  ): number => {
    if (!isOurs(pid)) return ESRCH;
    this.signals.push([pid, signal]);
    if (this.refused.has(pid)) return EPERM;
    const entry = this.entries.get(pid)!;
    if (signal === STOP) entry.state = "T";
    if (signal === KILL) this.entries.delete(pid);
    return 0;
  };

  /** What killpg(2) does; `leader` is the number of the group. */
  group(leader: number): LeaderGroup {
    const signal = (signal: number): number => {
      this.signals.push([-leader, signal]);
      for (const [pid, entry] of this.entries) {
        if (entry.pgrp !== leader || this.refused.has(pid)) continue;
        if (signal === STOP) entry.state = "T";
        else this.entries.delete(pid);
      }
      return 0;
    };
    return { pgid: leader, signal };
  }

  tree(): ProcessTree {
    return new ProcessTree(this, this, this.send);
  }
}

// Four of a group, and two that have left it.
const GROUP = {
  10: { pgrp: 10 },
  11: { pgrp: 10 },
  12: { pgrp: 10 },
  13: { pgrp: 10 },
  14: { pgrp: 14 },
  15: { pgrp: 14, state: "T" },
};

Deno.test("members are found newest first; strangers, zombies and ourselves are none", () => {
  const machine = new Machine({
    10: {},
    30: {},
    20: {},
    40: { mine: false },
    50: { state: "Z" },
    60: { state: "X" },
    1: {},
    [Deno.pid]: {},
  });
  assertEquals(machine.tree().members().map((one) => one.pid), [30, 20, 10]);
});

Deno.test("a tree of zombies is empty", () => {
  const machine = new Machine({ 10: { state: "Z" }, 20: { state: "Z" } });
  const tree = machine.tree();
  assertEquals(tree.isEmpty(), true);
  assertEquals(machine.looks, 2);
  // Known zombies leave nothing behind.
  assertEquals(tree.isEmpty(), true);
  assertEquals(machine.looks, 3);
});

Deno.test("a zombie that was none at the look before forces another look", () => {
  const machine = new Machine({ 10: {} });
  // A chain that nothing reaps: the one that is listed is dead when it is asked for.
  let next = 10;
  machine.onAsk = (pid) => {
    if (machine.looks < 4 && pid === next) {
      machine.entries.set(next, { state: "Z" });
      machine.entries.set(++next, {});
    }
  };
  assertEquals(machine.tree().isEmpty(), false);
  assertEquals(machine.looks, 4);
});

Deno.test("a look during which numbers wrapped forces another look", () => {
  const machine = new Machine({});
  const newest = [32767, 301, 301, 301];
  const table = Object.assign(machine, { newest: () => newest.shift() ?? 301 });
  assertEquals(table.tree().isEmpty(), true);
  assertEquals(machine.looks, 2);
});

Deno.test("members are frozen at sight, before the look is over", () => {
  const machine = new Machine({ 10: {}, 20: {} });
  const states: unknown[] = [];
  machine.onAsk = (pid) => {
    if (pid === 10) states.push(machine.entries.get(20)?.state);
  };
  machine.tree().kill(STOP, KILL);
  assertEquals(states[0], "T");
});

Deno.test("a pid that vanished between the list and the look forces another look", () => {
  const machine = new Machine({ 10: {} });
  // A chain: the one that is listed dies before it is asked for, and has left a successor.
  let next = 10;
  machine.onAsk = (pid) => {
    if (machine.looks < 4 && pid === next) {
      machine.entries.delete(next);
      machine.entries.set(++next, {});
    }
  };
  assertEquals(machine.tree().isEmpty(), false);
  assertEquals(machine.looks, 4);
});

Deno.test("a chain that is never seen is not taken for emptiness", () => {
  const machine = new Machine({ 10: {} });
  let next = 10;
  machine.onAsk = (pid) => {
    if (pid !== next) return;
    machine.entries.delete(next);
    machine.entries.set(++next, {});
  };
  assertEquals(machine.tree().isEmpty(), false);
});

Deno.test("a stranger that vanishes costs a look, not the answer", () => {
  const machine = new Machine({ 10: { mine: false }, 20: { mine: false } });
  machine.onAsk = (pid) => {
    if (pid === 20) machine.entries.delete(20);
  };
  assertEquals(machine.tree().isEmpty(), true);
  assertEquals(machine.looks, 2);
});

Deno.test("a process table that cannot be read proves nothing", () => {
  const machine = new Machine({ 10: {} });
  machine.pids = () => null;
  assertEquals(machine.tree().isEmpty(), false);
});

Deno.test("kill() freezes everybody before it kills anybody", () => {
  const machine = new Machine({ 10: {}, 20: {}, 30: {} });
  const result = machine.tree().kill(STOP, KILL);
  assertEquals(machine.signals, [
    [30, STOP],
    [20, STOP],
    [10, STOP],
    [10, KILL],
    [20, KILL],
    [30, KILL],
  ]);
  assertEquals(result, {
    count: 3,
    refused: [],
    unsettled: false,
  });
});

Deno.test("kill() looks again until nobody new appears", () => {
  const machine = new Machine({ 10: {} });
  // Forked before its parent was frozen, seen at the second and third look only.
  machine.onLook = (look) => {
    if (look === 2) machine.entries.set(11, {});
    if (look === 3) machine.entries.set(12, {});
  };
  assertEquals(machine.tree().kill(STOP, KILL).count, 3);
  assertEquals(machine.entries.size, 0);
  // The fourth shows nothing new; the fifth is the one after the kill.
  assertEquals(machine.looks, 5);
});

Deno.test("kill() ends what a fork under way brought out after the last look", () => {
  const machine = new Machine({ 10: {} });
  // SIGSTOP came in the middle of a fork, which ends when the look is over.
  machine.onAsk = (pid) => {
    const killing = machine.looks === 2 && machine.signals.length === 1;
    if (pid === 10 && killing) machine.entries.set(11, {});
  };
  assertEquals(machine.tree().kill(STOP, KILL).count, 2);
  assertEquals(machine.entries.size, 0);
});

Deno.test("kill() says when a tree ran away faster than it could look", () => {
  const machine = new Machine({ 10: {} });
  // Each look finds one that was not there before.
  machine.onLook = (look) => machine.entries.set(10 + look, {});
  const { count, unsettled } = machine.tree().kill(STOP, KILL);
  assertEquals(unsettled, true);
  assert(count > 100, `${count}`);
});

Deno.test("kill() of a number that was given to somebody else in between signals nobody", () => {
  const machine = new Machine({ 10: {}, 20: {} });
  machine.onLook = (look) => {
    // 20 dies and its number becomes a stranger's.
    if (look === 2) machine.entries.set(20, { mine: false, start: 999 });
  };
  assertEquals(machine.tree().kill(STOP, KILL).count, 1);
  assertEquals(machine.signals.filter(([pid]) => pid === 20), [[20, STOP]]);
  assert(machine.entries.has(20));
});

Deno.test("kill() freezes a successor that got the number of a dead member", () => {
  const machine = new Machine({ 10: { start: 1 } });
  machine.onLook = (look) => {
    if (look === 2) machine.entries.set(10, { start: 2 });
  };
  assertEquals(machine.tree().kill(STOP, KILL).count, 1);
  assertEquals(machine.signals, [[10, STOP], [10, STOP], [10, KILL]]);
});

Deno.test("kill() names who may not be signalled, and ends the others", () => {
  const machine = new Machine({ 10: {}, 20: {} });
  machine.refused.add(20);
  const { count, refused } = machine.tree().kill(STOP, KILL);
  assertEquals(count, 1);
  assertEquals(refused, [{
    pid: 20,
    name: "p20",
    reason: "it runs as another user, and this process may not signal it",
  }]);
  assertEquals(machine.entries.has(10), false);
});

Deno.test("kill() spares a call for each member of the leader's group", () => {
  const machine = new Machine(structuredClone(GROUP));
  const { count, refused, unsettled } = machine.tree().kill(
    STOP,
    KILL,
    machine.group(10),
  );
  assertEquals(machine.entries.size, 0);
  assertEquals([count, refused, unsettled], [6, [], false]);
  // What stands still is not stopped; what has left the group is killed by itself.
  assertEquals(machine.signals, [
    [-10, STOP],
    [14, STOP],
    [-10, KILL],
    [14, KILL],
    [15, KILL],
  ]);
});

Deno.test("who was not reached by the kill of the group is killed by itself the second time", () => {
  const machine = new Machine(structuredClone(GROUP));
  const tree = machine.tree();
  const group = machine.group(10);
  // It stood still before, so that only the kill shows that it may not be signalled.
  machine.refused.add(11);
  machine.entries.get(11)!.state = "T";
  // Continued by another process, 12 leaves the group between the look and the kill.
  const left = {
    pgid: 10,
    signal(signal: number): number {
      if (signal === KILL) machine.entries.set(12, { pgrp: 12 });
      return group.signal(signal);
    },
  };
  assertEquals(tree.kill(STOP, KILL, left).refused, []);
  assertEquals([...machine.entries.keys()], [11, 12]);
  assert(!tree.isEmpty());
  const { count, refused } = tree.kill(STOP, KILL, left);
  assertEquals([count, refused.map(({ pid }) => pid)], [1, [11]]);
  assertEquals([...machine.entries.keys()], [11]);
});

Deno.test("a stopped thread that was found by its number is no member", () => {
  const machine = new Machine({ 10: { state: "T" } });
  // The number of a thread of it: not in the list, and no pidfd can be had of it.
  const thread = {
    pid: 12,
    name: "t",
    state: "T",
    ppid: 1,
    pgrp: 0,
    session: 0,
  };
  const tree = new ProcessTree(
    { belongs: (pid) => pid === 10 || pid === 12 ? "yes" : "no" },
    {
      pids: () => machine.pids(),
      stat: (pid) =>
        pid === 12 ? { ...thread, startTicks: 12 } : machine.stat(pid),
      newest: () => 12,
      numbersHold: () => true,
      commandLine: () => null,
      startTime: ({ startTicks }) => startTicks,
    },
    (pid, signal, isOurs) =>
      pid === 12 ? ESRCH : machine.send(pid, signal, isOurs),
  );
  assertEquals(tree.kill(STOP, KILL).count, 1);
});

Deno.test("kill() of nothing sends nothing", () => {
  const machine = new Machine({ 10: { mine: false }, 20: { state: "Z" } });
  assertEquals(machine.tree().kill(STOP, KILL), {
    count: 0,
    refused: [],
    unsettled: false,
  });
  assertEquals(machine.signals, []);
});

Deno.test("signalAll() sends every signal in order to every member, and counts members", () => {
  const machine = new Machine({ 10: {}, 20: {}, 30: { mine: false } });
  machine.refused.add(20);
  assertEquals(machine.tree().signalAll([15, 18]).count, 1);
  const sentTo = (pid: number) =>
    machine.signals.filter(([to]) => to === pid).map(([, signal]) => signal);
  assertEquals(
    [sentTo(10), sentTo(20), sentTo(30)],
    [[15, 18], [15, 18], []],
  );
});

Deno.test("signalAll() leaves one out", () => {
  const machine = new Machine({ 10: {}, 20: {} });
  assertEquals(machine.tree().signalAll([18], 20).count, 1);
  assertEquals(machine.signals, [[10, 18]]);
});

Deno.test("a soft signal reaches what is forked while it is sent, each process once", () => {
  const machine = new Machine({ 10: {}, 20: { mine: false } });
  machine.onLook = (look) => {
    // Forked after the first look, the second, and then no more for a while.
    if (look === 2) machine.entries.set(11, {});
    if (look === 3) machine.entries.set(12, {});
  };
  const tree = machine.tree();
  const request = { signals: [15], method: "SIGTERM", lasting: true };
  const sent = sendSoftly(() => tree, request);
  assertEquals([sent.count, sent.method], [3, "SIGTERM"]);
  assertEquals(machine.signals, [[10, 15], [11, 15], [12, 15]]);
  assertEquals(sent.again?.().count, 0);
  machine.entries.set(13, {});
  // A number that was given again is another process.
  machine.entries.set(11, { start: 99 });
  assertEquals(sent.again?.().count, 2);
  assertEquals(machine.signals.slice(3), [[11, 15], [13, 15]]);
});

Deno.test("a soft signal names all that it has reached, and reads few command lines", () => {
  const machine = new Machine({});
  for (let pid = 10; pid < 30; pid++) machine.entries.set(pid, {});
  const read: number[] = [];
  machine.commandLine = (pid) => {
    assert(!machine.signals.some(([told]) => told === pid), "read too late");
    read.push(pid);
    return `/bin/p${pid} --now`;
  };
  const tree = machine.tree();
  const sent = sendSoftly(() => tree, {
    signals: [KILL],
    method: "SIGKILL",
    lasting: true,
  });
  machine.entries.set(40, {});
  sent.again?.();
  const reached = sent.reached?.() ?? [];
  assertEquals(reached.length, 21);
  assertEquals(read.length, FEW_COMMANDS);
  assertEquals(reached[0], {
    pid: 10,
    name: "p10",
    command: "/bin/p10 --now",
  });
  assertEquals(reached[20], { pid: 40, name: "p40", command: "p40" });
});

Deno.test("a process that had just been forked gets the signal again as its program", () => {
  const machine = new Machine({
    10: {},
    11: { start: Date.now(), forked: true },
  });
  const tree = machine.tree();
  const request = { signals: [15], method: "SIGTERM", lasting: true };
  const sent = sendSoftly(() => tree, request);
  for (const [pid, entry] of machine.entries) {
    machine.entries.set(pid, { ...entry, name: "program" });
  }
  // Counted once; one that was old enough had taken it for itself.
  assertEquals([sent.count, sent.again?.().count], [2, 0]);
  assertEquals(machine.signals, [[10, 15], [11, 15], [11, 15]]);
});

Deno.test("a signal that is not to last is sent after one look", () => {
  const machine = new Machine({ 10: {} });
  machine.onLook = (look) => {
    if (look === 2) machine.entries.set(11, {});
  };
  const tree = machine.tree();
  const request = { signals: [1], method: "SIGHUP", lasting: false };
  const sent = sendSoftly(() => tree, request);
  assertEquals([sent.count, sent.again], [1, undefined]);
  assertEquals(machine.looks, 1);
});

Deno.test("a soft signal to a tree that may not be signalled ends", () => {
  const machine = new Machine({ 10: {} });
  machine.refused.add(10);
  const tree = machine.tree();
  const request = { signals: [15], method: "SIGTERM", lasting: true };
  const { count, refused, again } = sendSoftly(() => tree, request);
  assertEquals([count, refused, again?.().refused], [0, 1, 0]);
  assertEquals(sendSoftly(() => null, request).count, 0);
});

Deno.test("stopAll() stops a chain of forks at sight", () => {
  const machine = new Machine({ 10: {} });
  let links = 0;
  machine.onAsk = (pid) => {
    if (machine.entries.get(pid)?.state === "T" || links === 3) return;
    machine.entries.delete(pid);
    machine.entries.set(11 + links++, {});
  };
  machine.tree().stopAll(STOP);
  assertEquals([...machine.entries], [[13, { state: "T" }]]);
});

Deno.test("stopAll() looks until all stand still, for who forks ends that first", () => {
  const machine = new Machine({ 10: {} });
  machine.onLook = (look) => {
    const forking = machine.entries.get(10)!;
    if (look > 1 && look < 4) forking.state = "D";
    if (look !== 4) return;
    forking.state = "T";
    machine.entries.set(11, {});
  };
  machine.tree().stopAll(STOP);
  assertEquals(machine.signals, [[10, STOP], [11, STOP]]);
});

Deno.test("stopAll() does not wait for ever for one that does not stop", () => {
  const machine = new Machine({ 10: {} });
  machine.onLook = () => machine.entries.get(10)!.state = "D";
  machine.tree().stopAll(STOP);
  assertEquals(machine.signals, [[10, STOP]]);
  assert(machine.looks < 30);
});

function ancestry(machine: Machine, root: number): number[] {
  const members = new Ancestry(machine.stat(root)!, machine);
  return new ProcessTree(members, machine, machine.send).members()
    .map((one) => one.pid).sort((a, b) => a - b);
}

Deno.test("a foreign tree is the root and who descends from it", () => {
  const machine = new Machine({
    100: {},
    110: { ppid: 100 },
    120: { ppid: 110 },
    130: { ppid: 1 },
    140: { ppid: 99 },
  });
  assertEquals(ancestry(machine, 100), [100, 110, 120]);
});

Deno.test("a child older than its parent is not its child", () => {
  const machine = new Machine({
    100: { start: 50 },
    110: { ppid: 100, start: 40 },
    120: { ppid: 110, start: 60 },
  });
  assertEquals(ancestry(machine, 100), [100]);
});

Deno.test("parents that go round in a circle end the search", () => {
  const machine = new Machine({
    100: {},
    110: { ppid: 120, start: 5 },
    120: { ppid: 110, start: 5 },
  });
  assertEquals(ancestry(machine, 100), [100]);
});

Deno.test("a member stays one when its parent has died", () => {
  const machine = new Machine({
    100: {},
    110: { ppid: 100 },
    120: { ppid: 110 },
  });
  const members = new Ancestry(machine.stat(100)!, machine);
  const tree = new ProcessTree(members, machine, machine.send);
  assertEquals(tree.members().length, 3);
  machine.entries.delete(110);
  machine.entries.set(120, { ppid: 1 });
  assertEquals(tree.members().map((one) => one.pid), [120, 100]);
  // Its number, given to another process.
  machine.entries.set(120, { ppid: 1, start: 999 });
  assertEquals(tree.members().map((one) => one.pid), [100]);
});

Deno.test("of a root that leads a session, the whole session is the tree", () => {
  const machine = new Machine({
    100: { session: 100 },
    110: { ppid: 1, session: 100 },
    120: { ppid: 1, session: 7 },
    // Older than the leader: the number was another session's.
    90: { ppid: 1, session: 100, start: 3 },
  });
  assertEquals(ancestry(machine, 100), [100, 110]);
});

Deno.test("the root of a foreign tree is refused when it is init, ourselves, an ancestor, or nobody", () => {
  const machine = new Machine({
    [Deno.pid]: { ppid: 77 },
    77: { ppid: 66 },
    66: { ppid: 1 },
    1: { ppid: 0 },
    5: { state: "Z" },
    9: { ppid: Deno.pid },
  });
  for (const pid of [0, 1, -1, 1.5, NaN, Deno.pid, 77, 66]) {
    assertThrows(() => findRoot(pid, machine), RangeError, `process ${pid}`);
  }
  for (const pid of [5, 12345]) {
    assertThrows(
      () => findRoot(pid, machine),
      Deno.errors.NotFound,
      `process ${pid}`,
    );
  }
  assertEquals(findRoot(9, machine).pid, 9);
});

Deno.test("a joint tree has the members of all its parts, and no others", () => {
  const machine = new Machine({ 10: {}, 11: {}, 20: {}, 30: {} });
  const part = (pids: readonly number[]) => ({
    belongs: (pid: number): Belongs =>
      machine.entries.has(pid) ? pids.includes(pid) ? "yes" : "no" : "gone",
  });
  const joint = new JointMembership();
  const tree = new ProcessTree(joint, machine, machine.send);
  assert(tree.isEmpty());
  joint.parts = [part([10, 11]), part([20])];
  assertEquals(tree.members().map(({ pid }) => pid), [20, 11, 10]);
  tree.kill(STOP, KILL);
  const stops = machine.signals.filter(([, signal]) => signal === STOP);
  const kills = machine.signals.filter(([, signal]) => signal === KILL);
  assertEquals([stops.length, kills.length], [3, 3]);
  // All parts stand still before anything is killed.
  assertEquals(machine.signals.slice(0, 3), stops);
  assert(machine.signals.every(([pid]) => pid !== 30));
});
