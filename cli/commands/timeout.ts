/**
 * `timeout`: GNU timeout's command line, with the whole tree as the unit.
 *
 * @module
 */

import type { ChildProcess } from "../../child_process.ts";
import { Command } from "../library.ts";
import { signalName, signalNumber } from "../../signals.ts";
import { Timer } from "../../timer.ts";
import type { CommandSpec } from "../command_spec.ts";
import { endLike } from "../end_like.ts";
import { parseGnuDuration } from "../gnu_duration.ts";
import type { GivenOptions } from "../read_options.ts";
import { print, say } from "../say.ts";
import {
  parseSignalNumber,
  shortSignalName,
  SIGNALS,
} from "../signal_operand.ts";
import { FATAL_SIGNALS, SignalRelay } from "../signal_relay.ts";
import { spawnFailure, STATUS_OWN_FAILURE } from "../spawn_failure.ts";
import { UsageError } from "../usage_error.ts";

type Option =
  | "foreground"
  | "kill-after"
  | "preserve-status"
  | "signal"
  | "verbose"
  | "help"
  | "version";

/** What it accepts. */
export const SPEC: CommandSpec<Option> = {
  name: "timeout",
  program: "timeout",
  summary: "start a command, and end it with its whole tree when time is up",
  usage: "[OPTION]... DURATION COMMAND [ARG]...",
  description: [
    "Takes the options of GNU timeout and ends with its exit statuses, so that it can stand in for it. What is different: COMMAND and everything it started is the unit. What left the process group is ended as well, what COMMAND leaves behind when it exits is ended, and nothing stays when this program itself is killed.",
    "DURATION is a floating point number with an optional suffix: 's' for seconds (the default), 'm' for minutes, 'h' for hours or 'd' for days. A duration of 0 disables the associated timeout.",
  ],
  options: [
    {
      name: "foreground",
      short: "f",
      help:
        "keep COMMAND in this process group, and send signals to it alone; what it leaves behind is ended when it exits",
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
    ["timeout -k 5 60 npm test", "SIGKILL five seconds later to what is left"],
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
const SIGKILL = 9;
// What COMMAND leaves behind gets this long after a soft signal. Before that,
// where COMMAND was signalled, it has a moment to end by the signal that it may
// have got as well: a second one would look like impatience.
const LEFTOVER_GRACE = 5000;
const LEFTOVER_PEACE = 1000;

/** What was asked for, read. */
interface Request {
  readonly command: string;
  readonly args: readonly string[];
  readonly timeout: number;
  readonly signal: number;
  readonly killAfter: number;
  readonly foreground: boolean;
  readonly preserveStatus: boolean;
  readonly verbose: boolean;
}

/** Runs it. */
export async function run(given: GivenOptions<Option>): Promise<number> {
  if (given.has("version")) {
    const { versionLine } = await import("../version.ts");
    print(await versionLine("timeout"));
    return 0;
  }
  const request = readRequest(given);
  const watch = new Watch(request);
  const relay = new SignalRelay(
    heardSignals(request.signal),
    (signal) => watch.heard(signal),
  );
  try {
    watch.start();
  } catch (error) {
    const { message, status } = spawnFailure(request.command, error);
    say(`timeout: ${message}`);
    return status;
  }
  const status = await watch.ended();
  relay[Symbol.dispose]();
  const killed = status.signal === "SIGKILL";
  if (!watch.timedOut) return endLike(status);
  return request.preserveStatus || killed ? status.code : STATUS_TIMED_OUT;
}

function readRequest(given: GivenOptions<Option>): Request {
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

// The signal of the timeout is handled, too, when somebody sends it to us.
function heardSignals(signal: number): readonly Deno.Signal[] {
  const name = signalName(SIGNALS, signal);
  const unheard = ["SIGKILL", "SIGSTOP", "SIGILL", "SIGFPE", "SIGSEGV"];
  return name === null || unheard.includes(name) || Deno.build.os === "windows"
    ? FATAL_SIGNALS
    : [...FATAL_SIGNALS, name];
}

/** One run: its clock, its signals, its end. */
class Watch {
  readonly #request: Request;
  #child: ChildProcess | null = null;
  #timer: Timer | null = null;
  #killTimer: Timer | null = null;
  #signalled = false;
  #exited = false;
  // The number of the child's process group, where it has one of its own.
  #group: number | null = null;
  #sharesTerminal = false;
  timedOut = false;

  constructor(request: Request) {
    this.#request = request;
  }

  start(): void {
    const { command, args, foreground, timeout } = this.#request;
    // A command that reads the terminal has to be in its foreground group: ours.
    const shared = foreground || Deno.stdin.isTerminal();
    this.#child = new Command(command, {
      args,
      processGroup: foreground ? "inherit" : shared ? "auto" : "own",
    }).spawn();
    this.#sharesTerminal = Deno.stdin.isTerminal() &&
      this.#child.containment.mechanism !== "process-group";
    if (!shared && Deno.build.os !== "windows") this.#group = this.#child.pid;
    const limit = timeout === 0 ? Infinity : timeout;
    this.#timer = new Timer(limit, () => this.#expire(this.#request.signal));
  }

  heard(signal: Deno.Signal): void {
    // The terminal has sent these to the command as well, if it shares it.
    const typed = signal === "SIGINT" || signal === "SIGQUIT";
    if (typed && this.#sharesTerminal) return;
    // SIGALRM is what GNU timeout is told by that time is up.
    if (signal === "SIGALRM") this.#expire(this.#request.signal);
    else this.#send(signalNumber(SIGNALS, signal));
  }

  /** Resolves when the command and what it left behind is gone. */
  async ended(): Promise<{ code: number; signal: Deno.Signal | null }> {
    const child = this.#child!;
    const status = await child.status;
    this.#exited = true;
    this.#timer?.clear();
    this.#killTimer?.clear();
    if (this.#signalled) await within(child.treeExited, LEFTOVER_PEACE);
    try {
      await child.stop({ grace: LEFTOVER_GRACE });
    } catch (error) {
      say(`timeout: warning: ${(error as Error).message}`);
    }
    return status;
  }

  #expire(signal: number): void {
    this.timedOut = true;
    this.#send(signal);
  }

  #send(signal: number): void {
    const { killAfter, verbose, command } = this.#request;
    if (killAfter > 0) {
      this.#killTimer ??= new Timer(killAfter, () => this.#expire(SIGKILL));
    }
    if (verbose) {
      const name = shortSignalName(signal);
      say(`timeout: sending signal ${name} to command '${command}'`);
    }
    this.#signalled = true;
    this.#deliver(signal);
    const wakes = signal !== SIGKILL && signal !== SIGNALS.SIGCONT;
    if (wakes && SIGNALS.SIGCONT !== undefined) this.#deliver(SIGNALS.SIGCONT);
  }

  // SIGKILL goes to the whole tree. Another signal goes to the process group, as
  // GNU timeout sends it: what has a group of its own, a shell's job or another
  // timeout, has somebody who is told, and is ended with what is left.
  #deliver(signal: number): void {
    const child = this.#child;
    if (child === null || this.#exited) return;
    const name = signalName(SIGNALS, signal) ?? signal;
    try {
      if (this.#request.foreground) child.kill(name, { tree: false });
      else if (signal === SIGKILL) child.kill(name);
      else if (!this.#killGroup(name)) child.kill(name);
    } catch (error) {
      // One that may not be signalled: the others were.
      say(`timeout: warning: ${(error as Error).message}`);
    }
  }

  // The number is the leader's, which has not been waited for as long as its
  // status is not known: it cannot be somebody else's.
  #killGroup(signal: Deno.Signal | number): boolean {
    if (this.#group === null || typeof signal === "number") return false;
    try {
      Deno.kill(-this.#group, signal);
      return true;
    } catch (error) {
      // Only --allow-run for everything allows it; ESRCH: it has just ended.
      return !(error instanceof Deno.errors.NotCapable);
    }
  }
}

/** Resolves when a promise has, or a time is over. */
async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: Timer | null = null;
  const over = new Promise<void>((resolve) => timer = new Timer(ms, resolve));
  await Promise.race([promise, over]);
  (timer as Timer | null)?.clear();
}
