/** Process groups that are ended in one go, and what one look says about all. */

import { assert, assertEquals } from "@std/assert";
import { bindErrno, libcWait } from "../../../posix/system/libc.ts";
import {
  lastPid,
  listPids,
  type ProcessTable,
  procIsUsable,
} from "../../../posix/system/proc_files.ts";
import { ProcessGroup } from "../../../posix/containment/process_group.ts";
import { processTable } from "../../../posix/system/process_table.ts";
import { signalProcess } from "../../../posix/signal/signal_process.ts";
import { ProcessTree } from "../../../posix/tree/tree.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os !== "linux" || !procIsUsable();
const COUNT = 20;

Deno.test.beforeAll(async () => {
  await warmUp();
  if (!ignore) bindErrno();
});

let looks = 0;
const table: ProcessTable = {
  ...processTable(),
  pids() {
    looks++;
    return listPids();
  },
};

interface Led {
  readonly child: Deno.ChildProcess;
  readonly group: ProcessGroup;
  readonly tree: ProcessTree;
}

/** Leaders of groups, known to nothing but these memberships. */
async function lead(count: number): Promise<Led[]> {
  const led: Led[] = [];
  for (let i = 0; i < count; i++) {
    const child = new Deno.Command("setsid", { args: ["sleep", "1000"] })
      .spawn();
    const began = performance.now();
    while (libcWait().getpgid(child.pid) !== child.pid) {
      assert(performance.now() - began < 10_000, "no group within 10 s");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const group = new ProcessGroup(null, []);
    group.endSpawn(child.pid);
    // As of a tree that is older than numbers may be relied on.
    group.numbers = () => null;
    const tree = new ProcessTree(group, table, signalProcess);
    led.push({ child, group, tree });
  }
  return led;
}

Deno.test("groups that are ended in one go need one look, not one each", {
  ignore,
}, async () => {
  // On a host where something forks in between, it is tried again.
  for (let tries = 0;; tries++) {
    const all = await lead(COUNT);
    const newest = lastPid();
    looks = 0;
    let killed = 0;
    for (const { tree } of all) killed += tree.kill(19, 9).count;
    const nobodyForked = lastPid() === newest;
    for (const { child, group, tree } of all) {
      assertEquals((await child.status).signal, "SIGKILL");
      tree.close();
      group.retire();
    }
    assertEquals(killed, COUNT);
    if (nobodyForked) assertEquals(looks, 1);
    if (nobodyForked || tries === 100) return;
  }
});

Deno.test(
  "a look for a group that is no more does not hide the members of another",
  {
    ignore,
  },
  async () => {
    for (let tries = 0;; tries++) {
      const [gone, other] = await lead(2) as [Led, Led];
      gone.child.kill("SIGKILL");
      await gone.child.status;
      gone.group.retire();
      const newest = lastPid();
      assertEquals(gone.tree.kill(19, 9).count, 0);
      const nobodyForked = lastPid() === newest;
      assertEquals(other.tree.kill(19, 9).count, 1);
      assertEquals((await other.child.status).signal, "SIGKILL");
      other.tree.close();
      other.group.retire();
      gone.tree.close();
      if (nobodyForked || tries === 100) return;
    }
  },
);
