/**
 * Every way in which a living parent ends a tree. Each resolves when the library
 * says that nothing is left.
 *
 * @module
 */

import { type ChildProcess, Command, type CommandOptions } from "../../mod.ts";
import type { Ending, Scenario } from "./scenario.ts";

/** Starts the scenario's program, with further options. */
type Start = (options?: CommandOptions) => Command;

/** Starts a tree and ends it. */
export async function runAndEnd(
  one: Scenario,
  { file, cwd }: { file: string; cwd: string },
): Promise<void> {
  const command: Start = (options = {}) =>
    new Command(file, {
      args: [one.table, "0"],
      cwd,
      stdin: "null",
      stdout: one.stdout,
      stderr: "null",
      grace: one.grace,
      containment: one.containment,
      suspended: one.suspended,
      ...options,
    });
  await WAYS[one.ending as Ending](one, command);
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
  timeout: (one, command) => command({ timeout: one.delay ?? 0 }).output(),
  outputSync: (one, command) =>
    command({ timeout: one.delay ?? 0 }).outputSync(),
  output: (_one, command) => command({ timeout: 20_000 }).output(),
  async wait(one, command) {
    const child = command().spawn();
    await child.wait({ timeout: one.delay ?? 0 });
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
};

async function running(
  one: Scenario,
  command: Command,
  end: (child: ChildProcess) => Promise<unknown>,
): Promise<void> {
  const child = command.spawn();
  await atTheMoment(one, child);
  await end(child);
  await letGo(one, child);
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
