import { assert, assertEquals } from "@std/assert";
import {
  CREATE_NO_WINDOW,
  JOB_OBJECT_LIMIT_BREAKAWAY_OK,
  PROCESS_QUERY_INFORMATION,
} from "../../../windows/system/win32.ts";
import { JobObject } from "../../../windows/system/job_object.ts";
import { startInJob } from "../../../windows/containment/choose.ts";
import { openProcess } from "../../../windows/system/process_table.ts";
import { StdioEnds } from "../../../windows/stdio/stdio.ts";
import { PipeReader } from "../../../windows/stdio/pipe.ts";
import { quoteArgument } from "../../../windows/system/command_line.ts";
import { waitForSingleObject } from "../../../windows/system/handle.ts";
import { alive, fixture, ignore, openLibraries, until } from "../support.ts";

Deno.test.beforeAll(openLibraries);

/** Has a program that runs in `job` start a detached tree; gives the tree's ids. */
async function detachedFrom(
  job: JobObject,
  leaves: boolean,
): Promise<number[]> {
  const ends = new StdioEnds(["null", "piped", "null"], "deno");
  const words = [Deno.execPath()].concat(fixture("parent", "detached"));
  const { process, thread } = startInJob({
    application: null,
    commandLine: words.map(quoteArgument).join(" "),
    flags: CREATE_NO_WINDOW,
    stdio: ends.theirs,
  }, job);
  const stdout = new PipeReader(ends.take(1)!);
  ends[Symbol.dispose]();
  thread.close();
  const view = new Uint8Array(1_000);
  let line = "";
  while (!line.includes("\n")) {
    const count = await stdout.read(view, false);
    assert(count > 0, `the program ended: ${line}`);
    line += new TextDecoder().decode(view.subarray(0, count));
  }
  const [, ...tree] = line.trim().split(" ").map(Number);
  assertEquals(tree.length, 2);
  for (const pid of tree) {
    const member = openProcess(pid, PROCESS_QUERY_INFORMATION)!;
    const inside = job.contains(member);
    member.close();
    assertEquals(inside, !leaves, `${pid} in the outer job`);
  }
  job.terminate(137);
  assert(waitForSingleObject(process, 10_000));
  process.close();
  stdout.close();
  await stdout.settled();
  return tree;
}

Deno.test({
  name: "a detached tree leaves a job that lets its members go",
  ignore,
  async fn() {
    using job = new JobObject({ limitFlags: JOB_OBJECT_LIMIT_BREAKAWAY_OK });
    const tree = await detachedFrom(job, true);
    try {
      for (const pid of tree) assert(alive(pid), `${pid} is gone`);
    } finally {
      for (const pid of tree) if (alive(pid)) Deno.kill(pid, "SIGKILL");
    }
    await until("cleared up", () => !tree.some(alive));
  },
});

Deno.test({
  name: "a detached tree stays in a job that does not, and ends with it",
  ignore,
  async fn() {
    using job = new JobObject();
    const tree = await detachedFrom(job, false);
    await until("the tree is gone", () => !tree.some(alive));
  },
});
