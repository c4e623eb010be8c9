/**
 * A soft stop reaches what is forked after the signal was sent: none of these
 * programs ignores it, so none has to be killed.
 */

import { assertEquals } from "@std/assert";
import { Command, Job } from "../../../mod.ts";
import { settle, warmUp } from "../../fixtures/warm_up.ts";

// On SIGTERM it starts one more process, and waits for that before it ends.
const FORKS_LATE = [
  "-c",
  "trap 'sleep 60 & wait; exit 0' TERM; echo ready; while :; do sleep 0.01; done",
];
// In no time limit of these tests.
const GRACE = 60_000;

Deno.test.beforeAll(async () => {
  await warmUp();
  await settle();
});

const start = () =>
  new Command("sh", { args: FORKS_LATE, stdin: "null", stdout: "piped" });

Deno.test("stop() reaches a process that was forked by the signal's handler", async () => {
  const child = start().spawn();
  await child.ready({ line: /ready/ });
  const report = await child.stop({ grace: GRACE });
  assertEquals([report.escalated, report.survivors], [0, 0]);
});

Deno.test("a job's stop() reaches it, too", async () => {
  await using job = new Job();
  const child = job.spawn(start());
  await child.ready({ line: /ready/ });
  const report = await job.stop({ grace: GRACE });
  assertEquals([report.escalated, report.survivors], [0, 0]);
});

Deno.test("a time limit's signal reaches it, blocking or not", async () => {
  const command = (stdout: "null" | "piped") =>
    new Command("sh", {
      args: FORKS_LATE,
      stdin: "null",
      stdout,
      stderr: "null",
      timeout: 300,
      grace: GRACE,
    });
  const run = await command("piped").output();
  assertEquals([run.timedOut, run.code], [true, 0]);
  const blocking = command("piped").outputSync();
  assertEquals([blocking.timedOut, blocking.code], [true, 0]);
});
