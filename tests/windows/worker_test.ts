import { assert, assertEquals } from "@std/assert";
import {
  alive,
  fixture,
  ignore,
  openLibraries,
  spec,
  start,
  until,
} from "./support.ts";

Deno.test.beforeAll(openLibraries);

Deno.test({
  // The job's handle belongs to the process: nothing closes it with the worker.
  name:
    "a tree outlives the terminated worker that started it, not its process",
  ignore,
  async fn() {
    await using parent = start(
      spec(Deno.execPath(), fixture("terminates_worker"), {
        stdin: "piped",
        stdout: "piped",
        stderr: "inherit",
      }),
    );
    const pids = (await parent.line()).split(" ").map(Number);
    assertEquals(pids.length, 2);
    await parent.child.stdin!.write(new TextEncoder().encode("still?\n"));
    assertEquals(await parent.line(), "still?");
    for (const pid of pids) assert(alive(pid), `${pid} is gone`);
    parent.child.stdin!.close();
    assertEquals((await parent.exited).code, 0);
    await until("the tree is gone", () => !pids.some(alive), 5_000);
  },
});
