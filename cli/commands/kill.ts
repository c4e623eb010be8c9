/**
 * `kill`: ends processes with everything they started.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { killTree, processTree } from "../library.ts";
import { DEFAULT_GRACE } from "../../process/run/stop.ts";
import { pidsOf } from "../processes/listeners.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { parseDuration, UsageError } from "../arguments/operands.ts";
import { stopLine } from "../run/run_report.ts";
import { print, say } from "../terminal/say.ts";
import { parseSignal } from "../arguments/signal_operand.ts";
import { StopProgress } from "../run/stop_progress.ts";

type Option = "signal" | "kill-after" | "main-first" | "quiet" | "json";

/** Its operands and options. */
export const SPEC: CommandSpec<Option> = {
  name: "kill",
  program: "killable kill",
  summary: "end processes by number, each with everything it started",
  usage: "[OPTION]... PID|:PORT...",
  description: [
    "Sends the signal to every process of each tree, waits, and kills the rest; ends when all of them are gone. The trees are those of the process table, as 'killable tree PID' shows them. This process and those it descends from are refused.",
  ],
  options: [
    {
      name: "signal",
      short: "s",
      value: "SIGNAL",
      hint: "signal",
      help: "the signal to begin with (TERM)",
    },
    {
      name: "kill-after",
      short: "k",
      alias: "grace",
      value: "DURATION",
      help: "how long to wait before the kill (5s); 0 kills at once",
    },
    {
      name: "main-first",
      help:
        "signal the process of this number alone, and the rest of its tree when it has ended",
    },
    {
      name: "quiet",
      short: "q",
      help: "do not report the processes that were ended",
    },
    { name: "json", short: "j", help: "one line of JSON for each process" },
  ],
  operand: "pid",
  stopsAtOperand: false,
  examples: [
    ["killable kill 4711", "ask first, and kill after five seconds"],
    ["killable kill -k 0 4711 4712", "kill two trees at once"],
    ["killable kill :8080", "the process that listens on this port"],
    ["killable kill -s INT $(cat server.pid)", "begin as Ctrl-C does"],
  ],
  exitStatus: [
    ["0", "all of it is gone"],
    ["1", "a process was not there, or something could not be ended"],
    ["2", "a mistake in the command line"],
  ],
  permissions: "--allow-ffi --allow-run",
  usageStatus: 2,
};

/** Runs it. */
export async function run(given: GivenOptions<Option>): Promise<number> {
  const signal = parseSignal(given.value("signal") ?? "TERM");
  const after = given.value("kill-after");
  const grace = after === undefined
    ? DEFAULT_GRACE
    : parseDuration(after, "--kill-after");
  const mainFirst = given.has("main-first");
  if (given.operands.length === 0) throw new UsageError("missing PID");
  const pids = (await Promise.all(given.operands.map(pidsOf))).flat();
  using _progress = new StopProgress(() => membersOf(pids), grace);
  const ended = await Promise.all(pids.map(async (pid) => {
    try {
      const report = await killTree(pid, { signal, grace, mainFirst });
      if (given.has("json")) print(JSON.stringify({ pid, ...report }));
      else if (!given.has("quiet")) print(`${pid}: ${stopLine(report)}`);
      return true;
    } catch (error) {
      say(`killable kill: ${pid}: ${(error as Error).message}`);
      return false;
    }
  }));
  return ended.every((one) => one) ? 0 : 1;
}

function membersOf(pids: readonly number[]): ProcessInfo[] {
  return pids.flatMap((pid) => {
    try {
      return processTree(pid);
    } catch {
      return []; // It has ended.
    }
  });
}
