// deno-lint-ignore-file no-console -- its parent reads what it prints
/**
 * Starts one program, with this library or with `Deno.Command`, and ends it when
 * it is told to. Looks with the independent observer the moment the call has
 * returned. `launcher.ts PLAN`, a {@linkcode LauncherPlan} as JSON.
 *
 * @module
 */

import { Command } from "../../mod.ts";
import { type Member, observe, type ObserverPlan } from "./observer.ts";

/** What to start and how. */
export interface LauncherPlan {
  readonly observer: ObserverPlan;
  readonly api: "ours" | "deno";
  readonly command: string;
  readonly args: string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
}

/** What the launcher is told: to end it softly, or with `grace: 0`. */
export type Ending = "stop" | "kill";

/** Printed when the program is started: what was there before it. */
export interface Started {
  readonly before: number[];
  readonly pid: number;
  readonly containment: string;
}

/** Printed when the program is ended. */
export interface Ended {
  /** What was left at the moment the call returned. */
  readonly left: Member[];
  /** What was left a second later, if anything was. */
  readonly later: Member[];
  readonly ms: number;
  readonly report: string;
}

const plan: LauncherPlan = JSON.parse(Deno.args[0]!);
const options = {
  args: plan.args,
  cwd: plan.cwd,
  env: plan.env,
  stdin: "null",
  stdout: "null",
  stderr: "null",
} as const;

// The guard is there before the first look: it is none of the program's.
if (plan.api === "ours") await new Command("true").output();
const before = observe(plan.observer).map(({ pid }) => pid);

function others(): Member[] {
  return observe(plan.observer).filter(({ pid }) => !before.includes(pid));
}

function say(value: Started | Ended): void {
  console.log(JSON.stringify(value));
}

async function untilTold(): Promise<string> {
  const line = new Uint8Array(16);
  const n = await Deno.stdin.read(line);
  if (n === null) Deno.exit(0);
  return new TextDecoder().decode(line.subarray(0, n)).trim();
}

async function withLibrary(): Promise<void> {
  const child = new Command(plan.command, options).spawn();
  say({ before, pid: child.pid, containment: child.containment.mechanism });
  const how = await untilTold();
  const began = performance.now();
  const stopped = child.stop(how === "kill" ? { grace: 0 } : {});
  const { signalled, escalated } = await stopped;
  const ms = performance.now() - began;
  const left = others();
  say({
    left,
    later: left,
    ms,
    report: `${signalled} asked, ${escalated} killed`,
  });
}

async function withDeno(): Promise<void> {
  const child = new Deno.Command(plan.command, options).spawn();
  say({ before, pid: child.pid, containment: "none" });
  await untilTold();
  const began = performance.now();
  try {
    child.kill("SIGKILL");
  } catch {
    // The leader of a daemon has exited long ago.
  }
  await child.status;
  const ms = performance.now() - began;
  const left = others();
  // What would end by itself, as it misses its leader, gets a second for it.
  const deadline = performance.now() + 1000;
  while (others().length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  say({ left, later: others(), ms, report: "" });
}

if (plan.api === "ours") await withLibrary();
else await withDeno();
// The parent decides when this ends.
await untilTold();
