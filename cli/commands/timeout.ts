/**
 * `timeout`: GNU timeout's command line, with the whole tree as the unit.
 *
 * @module
 */

import { endLike } from "../run/end_like.ts";
import { parseGnuDuration, UsageError } from "../arguments/operands.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { STALLED_MS } from "../terminal/output.ts";
import { print } from "../terminal/say.ts";
import { handOnOpenFiles, ownTerminal } from "../run/inherited.ts";
import { parseSignalNumber, SIGNALS } from "../arguments/signal_operand.ts";
import { FATAL_SIGNALS, SignalRelay } from "../run/signal_relay.ts";
import { spawnFailure, STATUS_OWN_FAILURE } from "../run/spawn_failure.ts";
import { type TimeoutRequest, TimeoutWatch } from "../run/timeout_watch.ts";
import { signalName } from "../../backend/signals.ts";

type Option =
  | "foreground"
  | "kill-after"
  | "preserve-status"
  | "signal"
  | "verbose"
  | "help"
  | "version";

/** Its operands and options. */
export const SPEC: CommandSpec<Option> = {
  name: "timeout",
  program: "timeout",
  summary: "start a command, and end it with its whole tree when time is up",
  usage: "[OPTION]... DURATION COMMAND [ARG]...",
  description: [
    "Takes the options of GNU timeout and ends with its exit statuses, so that it can stand in for it. The difference: the unit is COMMAND with everything it started. Processes that left the process group are ended as well, and so are those that COMMAND leaves behind when it exits; nothing stays when this program itself is killed. COMMAND starts with the default action of every signal, also of those that this program was started to ignore.",
    "DURATION is a floating point number with an optional suffix: 's' for seconds (the default), 'm' for minutes, 'h' for hours or 'd' for days. A duration of 0 disables the associated timeout.",
  ],
  options: [
    {
      name: "foreground",
      short: "f",
      help:
        "keep COMMAND in this process group, and send signals to it alone; processes that it leaves behind are ended when it exits",
    },
    {
      name: "kill-after",
      short: "k",
      value: "DURATION",
      help:
        "also send a KILL signal if COMMAND is still running this long after the initial signal was sent",
    },
    {
      name: "preserve-status",
      short: "p",
      help:
        "exit with the same status as COMMAND, even when the command times out",
    },
    {
      name: "signal",
      short: "s",
      value: "SIGNAL",
      hint: "signal",
      help:
        "specify the signal to be sent on timeout: a name like 'HUP' or a number",
    },
    {
      name: "verbose",
      short: "v",
      help: "diagnose to standard error any signal sent upon timeout",
    },
    { name: "help", help: "display this help and exit" },
    { name: "version", help: "output version information and exit" },
  ],
  operand: "command",
  stopsAtOperand: true,
  examples: [
    [
      "timeout 10m make -j8",
      "ten minutes, then SIGTERM to make and all it runs",
    ],
    ["timeout -k 5 60 npm test", "SIGKILL five seconds later to the rest"],
    ["timeout -s INT 1h ./record", "ends a recorder the way Ctrl-C does"],
  ],
  exitStatus: [
    ["124", "COMMAND timed out, and --preserve-status is not given"],
    ["125", "timeout itself failed"],
    ["126", "COMMAND was found but cannot be invoked"],
    ["127", "COMMAND was not found"],
    ["137", "COMMAND was ended by SIGKILL (128+9)"],
    ["-", "otherwise the exit status of COMMAND"],
  ],
  permissions: "--allow-ffi --allow-run",
  usageStatus: STATUS_OWN_FAILURE,
};

const STATUS_TIMED_OUT = 124;

/** Runs it. */
export async function run(given: GivenOptions<Option>): Promise<number> {
  if (given.has("version")) {
    const { versionLine } = await import("../version.ts");
    print(await versionLine("timeout"));
    return 0;
  }
  const request = readRequest(given);
  await handOnOpenFiles();
  const terminal = await ownTerminal();
  const watch = new TimeoutWatch(request);
  using relay = new SignalRelay(
    heardSignals(request.signal),
    (signal) => watch.heard(signal),
  );
  try {
    watch.start();
  } catch (error) {
    const { message, status } = spawnFailure(request.command, error);
    await watch.output.finish([`timeout: ${message}`], STALLED_MS);
    return status;
  }
  const status = await watch.ended();
  // A program that was killed has not put the terminal back in order.
  if (watch.timedOut || status.signal !== null) terminal?.restoreModes();
  await watch.output.drained(STALLED_MS);
  if (!watch.timedOut) return endLike(status, relay);
  const killed = status.signal === "SIGKILL";
  return request.preserveStatus || killed ? status.code : STATUS_TIMED_OUT;
}

function readRequest(given: GivenOptions<Option>): TimeoutRequest {
  const killAfter = given.value("kill-after");
  const signal = given.value("signal");
  const read = {
    killAfter: killAfter === undefined ? 0 : parseGnuDuration(killAfter),
    signal: parseSignalNumber(signal ?? "TERM"),
    foreground: given.has("foreground"),
    preserveStatus: given.has("preserve-status"),
    verbose: given.has("verbose"),
  };
  const [duration, command, ...args] = given.operands;
  if (duration === undefined || command === undefined) {
    throw new UsageError("missing operand");
  }
  return { ...read, timeout: parseGnuDuration(duration), command, args };
}

// The signal of the timeout has its meaning also when another process sends it.
function heardSignals(signal: number): readonly Deno.Signal[] {
  const name = signalName(SIGNALS, signal);
  const unheard = ["SIGKILL", "SIGSTOP", "SIGILL", "SIGFPE", "SIGSEGV"];
  return name === null || unheard.includes(name) || Deno.build.os === "windows"
    ? FATAL_SIGNALS
    : [...FATAL_SIGNALS, name];
}
