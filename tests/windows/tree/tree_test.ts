import { assert, assertEquals } from "@std/assert";
import {
  alive,
  fixture,
  ignore,
  openLibraries,
  spec,
  start,
  until,
} from "../support.ts";

Deno.test.beforeAll(openLibraries);

const DENO = Deno.execPath();

function pidsOf(line: string): number[] {
  return line.split(" ").map(Number);
}

Deno.test({
  name: "killTree() ends every generation, and the status says SIGKILL",
  ignore,
  async fn() {
    await using tree = start(
      spec(DENO, fixture("tree", "2", "detached"), { stdout: "piped" }),
    );
    const pids = pidsOf(await tree.line());
    assertEquals(pids.length, 3);
    assertEquals(pids[0], tree.child.pid);
    for (const pid of pids) assert(alive(pid));
    const listed = tree.child.members().map(({ pid }) => pid).sort();
    assertEquals(listed, pids.toSorted());
    assertEquals(tree.child.descendants().length, 2);

    assertEquals(tree.child.killTree(), { count: 3, refused: [] });
    assert(await tree.child.watchTree().wait(5_000));
    for (const pid of pids) assert(!alive(pid), `${pid} survived`);
    const status = { code: 137, signal: "SIGKILL", lost: false } as const;
    assertEquals(await tree.exited, status);
    assertEquals(tree.child.killTree(), { count: 0, refused: [] });
  },
});

Deno.test({
  name:
    "signalLeader() ends the leader alone: without a tree kill, the rest survives",
  ignore,
  async fn() {
    await using tree = start(
      spec(DENO, fixture("tree", "1", "detached"), { stdout: "piped" }),
    );
    const [leader, below] = pidsOf(await tree.line()) as [number, number];
    assert(tree.child.signalLeader("SIGTERM"));
    assertEquals(await tree.exited, {
      code: 143,
      signal: "SIGTERM",
      lost: false,
    });
    await until("the leader is gone", () => !alive(leader));
    assert(alive(below));
    assert(!tree.child.treeIsEmpty());
    assert(!tree.child.signalLeader("SIGTERM"));
  },
});

Deno.test({
  name: "a tree that was released with members keeps them until it is killed",
  ignore,
  async fn() {
    await using tree = start(
      spec(DENO, fixture("tree", "1", "detached"), { stdout: "piped" }),
    );
    const [, below] = pidsOf(await tree.line()) as [number, number];
    tree.child.signalLeader("SIGKILL");
    await tree.exited;
    tree.child.release();
    assert(alive(below));
    assertEquals(tree.child.killTree().count, 1);
    assert(tree.child.waitTreeEmptySync(5_000));
    assert(!alive(below));
  },
});

Deno.test({
  name: "exit codes keep their 32 bits, and 259 is not taken for running",
  ignore,
  async fn() {
    for (const code of [0, 1, 255, 256, 259, 300, -1]) {
      await using child = start(spec("cmd", ["/c", "exit", String(code)]));
      assertEquals(await child.exited, { code, signal: null, lost: false });
    }
  },
});

Deno.test({
  name: "waitTreeEmptySync() gives up in time, and succeeds after a kill",
  ignore,
  async fn() {
    await using tree = start(
      spec(DENO, fixture("tree", "0"), { stdout: "piped" }),
    );
    await tree.line();
    assert(!tree.child.waitTreeEmptySync(50));
    tree.child.killTree();
    assert(tree.child.waitTreeEmptySync(5_000));
    assert(tree.child.treeIsEmpty());
  },
});

Deno.test({
  name: "watchTree() can be cancelled, and times out",
  ignore,
  async fn() {
    await using tree = start(spec(DENO, fixture("tree", "0")));
    assertEquals(await tree.child.watchTree().wait(20), false);
    const watch = tree.child.watchTree();
    const waited = watch.wait(Infinity);
    watch.cancel();
    assertEquals(await waited, false);
  },
});
