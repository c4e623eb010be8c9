import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import type {
  HardKill,
  NativeTree,
  SoftSignal,
  Survivor,
  TreeWatch,
} from "../../../../backend/native.ts";
import type { ProcessInfo } from "../../../../backend/containment.ts";
import { SurvivorsError } from "../../../../backend/errors.ts";
import { runStop, type StopState } from "../../../../process/run/stop.ts";

/** A made-up tree: how many obey, how many hard kills it takes. */
class Tree implements NativeTree {
  readonly mechanism = "lineage";
  readonly log: string[] = [];
  obeys = false;
  killsNeeded = 1;
  refused: Survivor[] = [];
  size = 3;
  /** What comes after the signal, and how often it is looked for. */
  later: number[] = [];
  #watch: { resolve(empty: boolean): void } | null = null;

  signalTree(signal: Deno.Signal | number, wake: boolean): SoftSignal {
    this.log.push(`${signal}${wake ? "+wake" : ""}`);
    const count = this.size;
    if (this.obeys) this.size = 0;
    const method = String(signal);
    if (this.later.length === 0) return { count, method };
    return { count, method, again: () => this.#again(method) };
  }
  #again(method: string): SoftSignal {
    this.log.push("again");
    const count = this.later.shift() ?? 0;
    if (this.later.length === 0) this.size = 0;
    return { count, method };
  }
  killTree(): HardKill {
    this.log.push("kill");
    const count = this.size - this.refused.length;
    if (--this.killsNeeded <= 0) this.size = this.refused.length;
    return { count, refused: this.refused };
  }
  treeIsEmpty(): boolean {
    return this.size === 0;
  }
  members(): ProcessInfo[] {
    return Array.from({ length: this.size }, (_, i) => ({
      pid: 100 + i,
      ppid: 1,
      name: `p${i}`,
      command: `p${i}`,
      state: "uninterruptible",
      startTime: NaN,
    }));
  }
  watchTree(): TreeWatch {
    return {
      wait: (ms: number) =>
        new Promise<boolean>((resolve) => {
          this.log.push(`wait`);
          if (this.size === 0) return resolve(true);
          const timer = setTimeout(() => resolve(false), ms);
          this.#watch = {
            resolve(empty: boolean) {
              clearTimeout(timer);
              resolve(empty);
            },
          };
        }),
      cancel: () => this.#watch?.resolve(false),
    };
  }
  /** Every process ends by itself. */
  end(): void {
    this.size = 0;
    this.#watch?.resolve(true);
  }
}

function state(grace: number): StopState {
  return { deadline: performance.now() + grace, watch: null };
}

const request = (grace: number) =>
  ({ command: "x", signal: "SIGTERM", grace }) as const;

Deno.test("a stop of an empty tree does nothing", async () => {
  const tree = new Tree();
  tree.size = 0;
  const { elapsed, ...report } = await runStop(
    tree,
    request(5000),
    state(5000),
  );
  assertEquals(tree.log, []);
  assert(elapsed >= 0);
  assertEquals(report, {
    signal: null,
    signalled: 0,
    escalated: 0,
    processes: [],
    mechanism: "lineage",
    survivors: 0,
    unproven: null,
  });
});

Deno.test("who obeys the soft signal is not killed", async () => {
  const tree = new Tree();
  tree.obeys = true;
  const report = await runStop(tree, request(60_000), state(60_000));
  assertEquals(tree.log, ["SIGTERM+wake", "wait"]);
  assertEquals([report.signal, report.signalled, report.escalated], [
    "SIGTERM",
    3,
    0,
  ]);
});

Deno.test("a report names the processes, what each was sent, and what ended it", async () => {
  const tree = new Tree();
  tree.killsNeeded = 2;
  const report = await runStop(tree, request(20), state(20));
  const named = (pid: number) => ({
    pid,
    name: `p${pid - 100}`,
    command: `p${pid - 100}`,
    sent: ["SIGTERM", "SIGKILL"],
    ended: "hard" as const,
    state: "uninterruptible",
    reason: null,
  });
  assertEquals(report.processes, [named(100), named(101), named(102)]);

  const obedient = new Tree();
  obedient.obeys = true;
  const soft = await runStop(obedient, request(60_000), state(60_000));
  assertEquals(soft.processes.length, 3);
  for (const { sent, ended, state } of soft.processes) {
    assertEquals({ sent, ended, state }, {
      sent: ["SIGTERM"],
      ended: "soft",
      state: null,
    });
  }
});

Deno.test("who ends during the grace ends the stop", async () => {
  const tree = new Tree();
  const stopping = runStop(tree, request(60_000), state(60_000));
  tree.end();
  const report = await stopping;
  assertEquals(report.escalated, 0);
});

Deno.test("a grace of 0 kills at once, without a soft signal", async () => {
  const tree = new Tree();
  const report = await runStop(tree, request(0), state(0));
  assertEquals(tree.log, ["kill", "wait"]);
  assertEquals([report.signal, report.signalled, report.escalated], [
    null,
    0,
    3,
  ]);
});

Deno.test("who has been killed just now is waited for, and not killed again", async () => {
  const tree = new Tree();
  const stop = runStop(tree, { ...request(0), killed: true }, state(0));
  assertEquals(tree.log, ["wait"]);
  tree.end();
  assertEquals((await stop).escalated, 0);
  assertEquals(tree.log, ["wait"]);
});

Deno.test("when that kill was not enough, there is another", async () => {
  const tree = new Tree();
  const killed = { ...request(0), killed: true };
  assertEquals((await runStop(tree, killed, state(0))).escalated, 3);
  assertEquals(tree.log, ["wait", "kill", "wait"]);
});

Deno.test("after the grace the rest is killed", async () => {
  const tree = new Tree();
  const report = await runStop(tree, request(20), state(20));
  // A timer may be a little early: then it waits again.
  const acts = tree.log.filter((one) => one !== "wait");
  assertEquals(acts, ["SIGTERM+wake", "kill"]);
  assertEquals([report.signalled, report.escalated], [3, 3]);
  assert(report.elapsed >= 19);
});

Deno.test("a grace that is shortened meanwhile ends the wait", async () => {
  const tree = new Tree();
  const shared = state(3600_000);
  const stopping = runStop(tree, request(3600_000), shared);
  shared.deadline = performance.now();
  shared.watch!.cancel();
  assertEquals((await stopping).escalated, 3);
  assertEquals(shared.watch, null);
});

Deno.test("a kill that did not suffice is repeated", async () => {
  const tree = new Tree();
  tree.killsNeeded = 3;
  const report = await runStop(tree, request(0), state(0));
  assertEquals(tree.log.filter((one) => one === "kill").length, 3);
  assertEquals(report.escalated, 3);
});

Deno.test("who may not be killed is an error that names him, at once", async () => {
  const tree = new Tree();
  tree.size = 1;
  tree.refused = [{ pid: 100, name: "p0", reason: "another user's" }];
  const error = await assertRejects(
    () => runStop(tree, request(0), state(0)),
    SurvivorsError,
    "100 (p0): another user's",
  );
  assertInstanceOf(error, SurvivorsError);
  assertEquals(error.survivors, tree.refused);
  assertEquals(tree.log.filter((one) => one === "kill").length, 1);
});

Deno.test("what comes after the soft signal gets it, too, and is counted", async () => {
  const tree = new Tree();
  tree.later = [1, 0, 2];
  const state = { deadline: performance.now() + 60_000, watch: null };
  const request = { command: "x", signal: "SIGTERM", grace: 60_000 } as const;
  const report = await runStop(tree, request, state);
  assertEquals([report.signalled, report.escalated], [6, 0]);
  assertEquals(tree.log.filter((entry) => entry !== "wait"), [
    "SIGTERM+wake",
    "again",
    "again",
    "again",
  ]);
});

Deno.test("a grace is not waited for when nothing is left that may be signalled", async () => {
  const tree = new Tree();
  tree.size = 1;
  tree.refused = [{ pid: 100, name: "p0", reason: "another user's" }];
  tree.signalTree = () => ({ count: 0, refused: 1, method: "SIGTERM" });
  const unreachable = Object.assign(tree, { isUnreachable: () => true });
  const request = { command: "x", signal: "SIGTERM", grace: 600_000 } as const;
  const error = await assertRejects(
    () => runStop(unreachable, request, state(600_000)),
    SurvivorsError,
  );
  assertEquals(error.survivors.map((one) => one.pid), [100]);
  // No wait at all.
  assertEquals(tree.log, ["kill"]);
});

Deno.test("what is not proved is no 0", async () => {
  const tree = Object.assign(new Tree(), { doubt: () => "process 5" });
  tree.size = 0;
  const request = { command: "x", signal: "SIGTERM", grace: 0 } as const;
  const report = await runStop(tree, request, state(0));
  assertEquals([report.survivors, report.unproven], [null, "process 5"]);
});
