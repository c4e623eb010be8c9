// deno-lint-ignore-file no-console -- its parent reads what it prints
/**
 * A process that starts a tree and ends, in one of the ways in which a process
 * can. `parent.ts SEED INDEX PROGRAM`.
 *
 * @module
 */

import { Command, Job } from "../../../mod.ts";
import { scenario } from "./scenario.ts";

const [seed, index, program] = Deno.args as [string, string, string];
const one = scenario(Number(seed), Number(index));

function end(): void {
  switch (one.parentEnding) {
    case "exit":
      Deno.exit(3);
      /* falls through */
    case "throw":
      throw new Error("as intended");
    case "reject":
      Promise.reject(new Error("as intended"));
      return;
    case "return":
      child.unref();
      return;
    case "SIGKILL":
      Deno.kill(Deno.pid, "SIGKILL");
      return;
    default:
      // From outside, at any moment since "go".
      return;
  }
}

console.log("go");
const command = new Command(program, {
  args: [one.table, "0"],
  stdin: "null",
  stdout: one.stdout,
  stderr: "null",
  detached: one.detached,
});
// In a job nothing outlives its parent on purpose.
const inJob = one.inJob && !one.detached;
const child = inJob ? new Job().spawn(command) : command.spawn();
console.log("spawned");
if (one.delay === null) end();
else setTimeout(end, one.delay);
