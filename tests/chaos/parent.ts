// deno-lint-ignore-file no-console -- its parent reads what it prints
/**
 * A process that starts some trees and ends, in one of the ways in which a
 * process can. `parent.ts PLAN`, a {@linkcode ParentPlan} as JSON.
 *
 * @module
 */

import { type ChildProcess, Command, Job } from "../../mod.ts";
import { programOf, type Workshop } from "./program.ts";
import { type Scenario, scenario, type Surroundings } from "./scenario.ts";

/** What to start, and how to end. */
export interface ParentPlan {
  readonly seed: number;
  readonly indices: readonly number[];
  readonly workshop: Workshop;
  readonly surroundings: Surroundings;
  /** Whether a child of `Deno.Command` is left behind, which must not be touched. */
  readonly stranger: boolean;
}

const plan: ParentPlan = JSON.parse(Deno.args[0]!);
const scenarios = plan.indices.map((index) =>
  scenario(plan.seed, index, plan.surroundings)
);

// In a job nothing outlives its parent on purpose.
const together = scenarios[0]!.inJob &&
  !scenarios.some(({ detached }) => detached);
const job = new Job({
  containment: scenarios[0]!.containment,
  grace: scenarios[0]!.grace,
});

function start(one: Scenario): ChildProcess {
  const { file, cwd } = programOf(plan.workshop, `t${one.index}`);
  const command = new Command(file, {
    args: [one.table, "0"],
    cwd,
    stdin: "null",
    stdout: one.stdout,
    stderr: "null",
    containment: together ? "auto" : one.containment,
    detached: one.detached,
    // What the guard gives it; the default is longer than a round of chaos.
    grace: one.grace,
  });
  return together ? job.spawn(command) : command.spawn();
}

function startStranger(): void {
  const { file, cwd } = programOf(plan.workshop, `s${plan.indices[0]}`);
  new Deno.Command(file, {
    args: ["stranger", "0", "3500000"],
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn().unref();
}

function end(how: Scenario["parentEnding"], children: ChildProcess[]): void {
  switch (how) {
    case "exit":
      Deno.exit(3);
      /* falls through */
    case "throw":
      throw new Error("as intended");
    case "reject":
      Promise.reject(new Error("as intended"));
      return;
    case "return":
      for (const child of children) child.unref();
      return;
    case "SIGTERM":
    case "SIGINT":
    case "SIGKILL":
      Deno.kill(Deno.pid, how);
      return;
    default:
      // From outside, at any moment since "go".
      return;
  }
}

console.log("go");
if (plan.stranger) startStranger();
const children = scenarios.map(start);
console.log("spawned");
const { parentEnding, delay } = scenarios[0]!;
if (delay === null) end(parentEnding, children);
else setTimeout(() => end(parentEnding, children), delay);
