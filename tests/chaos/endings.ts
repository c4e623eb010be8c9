/**
 * Every way in which a living parent ends a tree. Each resolves when the library
 * says that nothing is left.
 *
 * @module
 */

import {
  type ChildProcess,
  Command,
  type CommandOptions,
  Job,
  type JobOptions,
} from "../../mod.ts";
import type { Ending, JobEnding, Scenario } from "./scenario.ts";

/** Makes the scenario's command, with further options; of another tree than its first. */
type Start = (options?: CommandOptions, table?: string) => Command;

/** Starts a tree and ends it; resolves with the report, where there is one. */
export async function runAndEnd(
  one: Scenario,
  { file, cwd }: { file: string; cwd: string },
): Promise<unknown> {
  const command: Start = (options = {}, table = one.table) =>
    new Command(file, {
      args: [table, "0"],
      cwd,
      stdin: "null",
      stdout: one.stdout,
      stderr: "null",
      grace: one.grace,
      containment: one.containment,
      suspended: one.suspended,
      ...options,
    });
  return await WAYS[one.ending as Ending](one, command);
}

const WAYS: Record<
  Ending,
  (one: Scenario, command: Start) => Promise<unknown> | unknown
> = {
  kill: (one, command) =>
    running(one, command(), async (child) => {
      child.kill("SIGKILL");
      await child.treeExited;
    }),
  stop: (one, command) => running(one, command(), (child) => child.stop()),
  twoStops: (one, command) =>
    running(one, command(), async (child) => {
      const first = child.stop({ grace: 150 });
      await Promise.all([first, child.stop({ grace: one.grace })]);
    }),
  stopAndKill: (one, command) =>
    running(one, command(), async (child) => {
      const stop = child.stop({ grace: 150 });
      await elapsed(one.grace);
      child.kill("SIGKILL");
      await stop;
    }),
  async dispose(one, command) {
    await using child = command().spawn();
    await atTheMoment(one, child);
  },
  timeout: (one, command) => command({ timeout: one.delay ?? 1 }).output(),
  outputSync: (one, command) =>
    command({ timeout: one.delay ?? 1 }).outputSync(),
  output: (_one, command) => command({ timeout: 20_000 }).output(),
  async wait(one, command) {
    const child = command().spawn();
    await child.wait({ timeout: one.delay ?? 1 });
    await letGo(one, child);
  },
  async abort(one, command) {
    const controller = new AbortController();
    const child = command({ signal: controller.signal }).spawn();
    const ended = child.wait();
    await elapsed(one.delay);
    controller.abort();
    await ended;
    await letGo(one, child);
  },
  async abortOutput(one, command) {
    const controller = new AbortController();
    const output = command({ signal: controller.signal }).output();
    await elapsed(one.delay);
    controller.abort();
    await output;
  },
  job: (one, command) => JOBS[one.jobEnding](one, command),
};

const JOBS: Record<
  JobEnding,
  (one: Scenario, command: Start) => Promise<unknown>
> = {
  stop: (one, command) => runningJob(one, command, {}, (job) => job.stop()),
  kill: (one, command) =>
    runningJob(one, command, {}, async (job) => {
      job.kill("SIGKILL");
      await Promise.all(job.children.map(({ treeExited }) => treeExited));
    }),
  dispose: (one, command) =>
    runningJob(one, command, {}, (job) => job[Symbol.asyncDispose]()),
  timeout: (one, command) =>
    runningJob(one, command, { timeout: one.delay ?? 1 }, (job) => job.exited),
  async abort(one, command) {
    const controller = new AbortController();
    const { signal } = controller;
    await runningJob(one, command, { signal }, async (job) => {
      controller.abort();
      await job.exited;
    });
  },
  "first exit": (one, command) =>
    runningJob(one, command, { policy: "first-exit" }, async (job) => {
      // Which of them exits by itself may have done so already.
      job.children[0]?.kill("SIGKILL", { tree: false });
      await job.exited;
    }),
};

async function runningJob(
  one: Scenario,
  command: Start,
  options: JobOptions,
  end: (job: Job) => Promise<unknown>,
): Promise<void> {
  const { grace, containment } = one;
  const job = new Job({ policy: "all", grace, containment, ...options });
  job.spawn(command({ containment: "auto" }));
  one.more.forEach((table) =>
    job.spawn(command({ containment: "auto", suspended: false }, table))
  );
  if (options.timeout === undefined) await elapsed(one.delay);
  if (one.suspend) job.suspend();
  await end(job);
  for (const child of job.children) await letGo(one, child);
}

async function running(
  one: Scenario,
  command: Command,
  end: (child: ChildProcess) => Promise<unknown>,
): Promise<unknown> {
  const child = command.spawn();
  await atTheMoment(one, child);
  const report = await end(child);
  await letGo(one, child);
  return report;
}

async function atTheMoment(one: Scenario, child: ChildProcess): Promise<void> {
  await elapsed(one.delay);
  if (one.suspend) child.suspend();
}

// The moment is what is being tried here; nothing is waited for.
async function elapsed(ms: number | null): Promise<void> {
  if (ms !== null) await new Promise((resolve) => setTimeout(resolve, ms));
}

async function letGo(one: Scenario, child: ChildProcess): Promise<void> {
  if (one.stdout === "piped") await child.stdout.cancel();
}
