import { assert, assertEquals } from "@std/assert";
import {
  alive,
  fixture,
  ignore,
  isWine,
  openLibraries,
  spec,
  start,
  until,
} from "./support.ts";

Deno.test.beforeAll(openLibraries);

/** A program that uses workers; its input ends it. */
function program(name: string, ...args: string[]) {
  return start(
    spec(Deno.execPath(), fixture(name, ...args), {
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }),
  );
}

Deno.test({
  name: "a tree ends with the terminated worker that started it",
  ignore,
  async fn() {
    await using parent = program("terminates_worker");
    const pids = (await parent.line()).split(" ").map(Number);
    assertEquals(pids.length, 2);
    await until("the tree is gone", () => !pids.some(alive));
    await parent.child.stdin!.write(new TextEncoder().encode("still?\n"));
    assertEquals(await parent.line(), "still?", "the program itself runs on");
    parent.child.stdin!.close();
    assertEquals((await parent.exited).code, 0);
  },
});

Deno.test({
  // Without killOnParentExit closing the job's handle ends nothing.
  name: "a tree that may outlive its parent outlives the terminated worker",
  ignore,
  async fn() {
    await using parent = program("terminates_worker", "survives");
    const pids = (await parent.line()).split(" ").map(Number);
    await parent.child.stdin!.write(new TextEncoder().encode("still?\n"));
    assertEquals(await parent.line(), "still?");
    for (const pid of pids) assert(alive(pid), `${pid} is gone`);
    for (const pid of pids) Deno.kill(pid, "SIGKILL");
    parent.child.stdin!.close();
    assertEquals((await parent.exited).code, 0);
    await until("cleared up", () => !pids.some(alive));
  },
});

Deno.test({
  name: "what a child writes after worker.terminate() reaches nobody's memory",
  ignore,
  async fn() {
    await using parent = program("overwritten_memory");
    assertEquals(await parent.text(), "0 of 3 rounds\n");
    assertEquals((await parent.exited).code, 0);
  },
});

Deno.test({
  name: "terminated workers leave no handles behind",
  ignore,
  async fn() {
    await using parent = program("workers_handles", isWine() ? "20" : "50");
    const counts = (await parent.text()).trim();
    const [early, late] = counts.split(" ").map(Number);
    assert(late! - early! <= 10, `handles at first and at last: ${counts}`);
  },
});
