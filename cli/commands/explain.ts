/**
 * `explain`: says why a process still lives.
 *
 * @module
 */

import type { Explanation } from "../../backend/containment.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { UsageError } from "../arguments/operands.ts";
import { explain } from "../library.ts";
import { pidsOf } from "../processes/listeners.ts";
import { print, say } from "../terminal/say.ts";

type Option = "json";

/** What it accepts. */
export const SPEC: CommandSpec<Option> = {
  name: "explain",
  program: "killable explain",
  summary: "say why a process does not end",
  usage: "[OPTION]... PID|:PORT",
  description: [
    "Tells whether the process ignores, blocks or handles the signals that end programs, is stopped, traced, frozen or in an uninterruptible wait, belongs to another user, or has ended without being reaped, and by which parent. Changes nothing.",
  ],
  options: [{ name: "json", short: "j", help: "all facts as JSON" }],
  operand: "pid",
  stopsAtOperand: false,
  examples: [
    ["killable explain 4711", "why SIGTERM does not end it"],
    ["killable explain :8080", "the process that listens on a port"],
    ["killable explain --json 4711 | jq .ignored", "for a script"],
  ],
  exitStatus: [
    ["0", "explained"],
    ["1", "there is no such process, or it may not be looked at"],
    ["2", "a mistake in the command line"],
  ],
  permissions: "--allow-ffi and --allow-run; not on Windows",
  usageStatus: 2,
};

/** Runs it. */
export async function run(given: GivenOptions<Option>): Promise<number> {
  const [operand, ...more] = given.operands;
  if (operand === undefined) throw new UsageError("missing operand");
  if (more.length > 0) throw new UsageError(`extra operand '${more[0]}'`);
  const pids = await pidsOf(operand);
  try {
    const found = pids.map((pid) => explain(pid));
    if (given.has("json")) print(JSON.stringify(found[0], null, 2));
    else found.forEach((one) => print(worded(one)));
    return 0;
  } catch (error) {
    say(`killable explain: ${(error as Error).message}`);
    return 1;
  }
}

function worded({ pid, name, state, reasons }: Explanation): string {
  const head = `${name} (${pid}), ${state}`;
  if (reasons.length === 0) {
    return `${head}: no reason is known why a signal should not end it`;
  }
  return [`${head}:`, ...reasons.map((one) => `  ${one}`)].join("\n");
}
