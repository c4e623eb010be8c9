/** A look made for a tree that is no more, and what the other trees make of it. */

import { assertEquals } from "@std/assert";
import { Command } from "../../../mod.ts";
import { Lineage } from "../../../posix/containment/lineage.ts";
import { lineageObstacle } from "../../../posix/containment/owner.ts";
import { lastPid } from "../../../posix/system/proc_files.ts";
import { processTable } from "../../../posix/system/process_table.ts";
import { signalProcess } from "../../../posix/signal/signal_process.ts";
import { ProcessTree } from "../../../posix/tree/tree.ts";
import { within } from "../../fixtures/deadline.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

Deno.test({
  name: "a look of a tree that is no more does not hide the members of another",
  ignore: Deno.build.os !== "linux" || lineageObstacle() !== "",
  async fn() {
    const gone = Lineage.create({ signal: "SIGTERM", grace: 0 }, []) as Lineage;
    const tree = new ProcessTree(gone, processTable(), signalProcess);
    gone.retire();
    // On a host where something forks in between, it is tried again.
    for (let tries = 0;; tries++) {
      const child = new Command("sleep", { args: ["100"], stdin: "null" })
        .spawn();
      const newest = lastPid();
      tree.kill(19, 9);
      const nobodyForked = lastPid() === newest;
      child.kill("SIGKILL");
      assertEquals(
        (await within(child.status, "the end of the child", 10_000)).signal,
        "SIGKILL",
      );
      if (nobodyForked || tries === 100) return;
    }
  },
});
