/**
 * A time limit that passes while this process does not look: it was stopped, or
 * busy. What has ended by then is not late.
 */

import { assertEquals } from "@std/assert";
import { Command, type CommandOptions, Job } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const LIMIT = 300;

/** Lets the event loop turn, so that what watches the child is in place. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Does not let the event loop turn until the file says that the child has ended, and the limit is over. */
function beBusyUntil(path: string): void {
  const began = performance.now();
  for (;;) {
    try {
      Deno.statSync(path);
      break;
    } catch {
      // Not yet.
    }
  }
  // The file is written right before the exit.
  const written = performance.now();
  while (performance.now() - Math.max(written, began + LIMIT) < 200);
}

/** Runs something with a file that its child writes before it exits. */
async function withFile(
  run: (path: string, command: Command) => Promise<void>,
  options: CommandOptions = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/over`;
  try {
    const code = `Deno.writeTextFileSync(${JSON.stringify(path)}, "")`;
    const command = new Command(denoPath(), {
      args: evalArgs(code),
      stdin: "null",
      stdout: "null",
      ...options,
    });
    await run(path, command);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a child that has ended before its limit was looked at has not timed out", async () => {
  await withFile(async (path, command) => {
    const child = command.spawn();
    await turn();
    beBusyUntil(path);
    const { timedOut, code } = await child.status;
    assertEquals([timedOut, code], [false, 0]);
  }, { timeout: LIMIT });
});

Deno.test("a job whose children have ended before its limit was looked at has not timed out", async () => {
  await withFile(async (path, command) => {
    await using job = new Job({ timeout: LIMIT });
    const child = job.spawn(command);
    await turn();
    beBusyUntil(path);
    assertEquals((await child.status).code, 0);
    assertEquals((await job.exited).timedOut, false);
  });
});

Deno.test("a child that lives when its limit is looked at has timed out", async () => {
  const child = new Command(denoPath(), {
    args: evalArgs("setInterval(() => {}, 1000)"),
    stdin: "null",
    stdout: "null",
    timeout: LIMIT,
    grace: 0,
  }).spawn();
  await turn();
  const began = performance.now();
  while (performance.now() - began < 2 * LIMIT);
  assertEquals((await child.status).timedOut, true);
});
