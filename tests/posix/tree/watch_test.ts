/** Waiting for the members of a tree: by which means, and that the event loop goes on meanwhile. */

import { assertEquals, assertGreater } from "@std/assert";
import { Command } from "../../../mod.ts";
import { MemberWatch, waitForMembers } from "../../../posix/tree/watch.ts";
import { procIsUsable } from "../../../posix/system/proc_files.ts";
import type { TreeOperations } from "../../../posix/tree/membership.ts";
import { within } from "../../fixtures/deadline.ts";
import { statOf } from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os !== "linux" || !procIsUsable();
const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

Deno.test.beforeAll(warmUp);

/** A tree that shows nothing; counts how often it is asked to. */
function nobody(): { tree: TreeOperations; asked: () => number } {
  let asked = 0;
  const tree = {
    someMembers() {
      asked++;
      return [];
    },
  } as unknown as TreeOperations;
  return { tree, asked: () => asked };
}

Deno.test("while the leader lives, it is waited for without a look", {
  ignore,
}, async () => {
  const child = new Command("sleep", { args: ["1000"], ...QUIET }).spawn();
  const { tree, asked } = nobody();
  const gone = () => "ZX".includes(statOf(child.pid)?.state ?? "X");
  const leader = () => child.pid;
  assertEquals(waitForMembers(tree, () => false, 20, leader), false);
  assertEquals(asked(), 0);
  const watch = new MemberWatch(tree, gone, leader);
  const waited = watch.wait(60_000);
  child.kill("SIGKILL");
  assertEquals(await within(waited, "the end of the leader"), true);
  await child.stop();
});

Deno.test(
  "a leader that has ended for its tracer alone does not stop the event loop",
  {
    ignore,
  },
  async () => {
    // As one that is traced: its pidfd says that it has ended, and waitid does not.
    const held = new Command("sh", {
      args: ["-c", "sleep 1000 & exit 0"],
      containment: "process-group",
      grace: 0,
      ...QUIET,
    }).spawn();
    await held.status;
    assertEquals(statOf(held.pid)?.state, "Z");
    const { tree } = nobody();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const watch = new MemberWatch(tree, () => turns > 5, () => held.pid);
    assertEquals(await watch.wait(60_000), true);
    clearInterval(timer);
    assertGreater(turns, 5);
    await held.stop();
  },
);
