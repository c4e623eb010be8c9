import { assert, assertEquals } from "@std/assert";
import {
  PROCESS_QUERY_INFORMATION,
  SYNCHRONIZE,
} from "../../../windows/system/win32.ts";
import type { Handle } from "../../../windows/system/handle.ts";
import { openProcess } from "../../../windows/system/process_table.ts";
import { Unborn } from "../../../windows/tree/job_tree.ts";
import {
  fixture,
  ignore,
  openLibraries,
  spec,
  start,
  until,
} from "../support.ts";

Deno.test.beforeAll(openLibraries);

// Wine alone leaves such processes behind, once in hundreds of trees. One that has
// ended looks the same, when it is asked for without its program.
Deno.test({
  name: "a process without thread, program and maker is one that is never born",
  ignore,
  async fn() {
    await using tree = start(
      spec(Deno.execPath(), fixture("tree", "1", "detached"), {
        stdout: "piped",
      }),
    );
    const [leader, below] = (await tree.line()).split(" ").map(Number);
    const rights = PROCESS_QUERY_INFORMATION | SYNCHRONIZE;
    using ours = openProcess(leader as number, rights) as Handle;
    using orphan = openProcess(below as number, rights) as Handle;
    const unborn = new Unborn();
    const looks = (): boolean[] => [
      unborn.has(leader as number, ours, ""),
      unborn.has(below as number, orphan, ""),
    ];
    assertEquals(looks(), [false, false]);
    tree.child.killTree();
    assert(await tree.child.watchTree().wait(5_000));
    await tree.exited;
    // Its thread may be on its way.
    assertEquals(looks(), [false, false]);
    await until("nobody waits for it any more", () => looks()[1] === true);
    // We are the leader's maker, and live.
    assertEquals(looks(), [false, true]);
    assert(!unborn.has(below as number, orphan, "program.exe"));
    assert(!unborn.has(below as number, orphan, ""));
  },
});
