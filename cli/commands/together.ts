/**
 * `together`: several commands as one job.
 *
 * @module
 */

import type { ChildProcess } from "../../process/child_process.ts";
import { Job, type JobResult } from "../../process/job.ts";
import type { JobStatus } from "../../process/job/job_run.ts";
import type { JobPolicy } from "../../process/job/options.ts";
import { DEFAULT_GRACE } from "../../process/run/ending.ts";
import { paletteFor } from "../terminal/colour.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { parseDuration, UsageError } from "../arguments/operands.ts";
import { Command } from "../library.ts";
import { namesOf, prefixes } from "../run/line_prefix.ts";
import { print, say } from "../terminal/say.ts";
import { parseSignal } from "../arguments/signal_operand.ts";
import { SignalRelay, STOP_SIGNALS } from "../run/signal_relay.ts";
import { STATUS_OWN_FAILURE } from "../run/spawn_failure.ts";
import { StopProgress } from "../run/stop_progress.ts";

type Option =
  | "policy"
  | "timeout"
  | "kill-after"
  | "signal"
  | "names"
  | "raw"
  | "json";

const POLICIES: readonly JobPolicy[] = ["first-failure", "first-exit", "all"];
const STATUS_TIMED_OUT = 124;
const WINDOWS = Deno.build.os === "windows";

/** What it accepts. */
export const SPEC: CommandSpec<Option> = {
  name: "together",
  program: "killable together",
  summary: "start several commands that live and die together",
  usage: "[OPTION]... 'COMMAND LINE'...",
  description: [
    "Starts every command line in a shell of its own and shows what they write, each line with the name of its command. The first command that fails stops all others; --policy can have the first one that ends do it, or wait for all.",
    "SIGINT, SIGTERM, SIGHUP and SIGQUIT to this program stop all of them with that signal; a second one kills at once. When this program is killed, even by SIGKILL, they end with it. Either way nothing that they started is left.",
    "A DURATION is written like 30s, 1m30s, 500ms or 2h; a number alone is seconds, and 0 is no limit.",
  ],
  options: [
    {
      name: "policy",
      short: "p",
      value: "POLICY",
      hint: POLICIES,
      help:
        "what ends all: first-failure (the default), first-exit, or all, which waits",
    },
    {
      name: "timeout",
      short: "t",
      value: "DURATION",
      help: "stop all when they have run for this long",
    },
    {
      name: "kill-after",
      short: "k",
      alias: "grace",
      value: "DURATION",
      help: "how long a stop waits before it kills (5s); 0 kills at once",
    },
    {
      name: "signal",
      short: "s",
      value: "SIGNAL",
      hint: "signal",
      help: "the signal a stop begins with (TERM)",
    },
    {
      name: "names",
      short: "n",
      value: "NAME,...",
      help: "what the lines of each command begin with, in their order",
    },
    { name: "raw", short: "r", help: "lines as they are, without a name" },
    {
      name: "json",
      short: "j",
      help: "at the end one line of JSON on standard error: how each ended",
    },
  ],
  operand: "command",
  stopsAtOperand: false,
  examples: [
    [
      "killable together 'deno task server' 'deno task watch'",
      "both, until one fails or Ctrl-C",
    ],
    [
      "killable together -p first-exit -n server,test ./server 'npm test'",
      "a server for the length of a test run",
    ],
    ["killable together -p all 'make a' 'make b'", "wait for both"],
  ],
  exitStatus: [
    ["0", "the commands succeeded; with first-exit, the first that ended did"],
    ["124", "stopped: the time was up"],
    ["125", "killable itself failed, or something could not be ended"],
    ["128+n", "stopped by signal n"],
    ["-", "otherwise the exit status of the first command that failed"],
  ],
  permissions: "--allow-ffi --allow-run",
  usageStatus: STATUS_OWN_FAILURE,
};

/** Runs it. */
export async function run(given: GivenOptions<Option>): Promise<number> {
  const lines = given.operands;
  if (lines.length === 0) throw new UsageError("missing command line");
  const timeout = durationOf(given, "timeout", 0);
  const grace = durationOf(given, "kill-after", DEFAULT_GRACE);
  const job = new Job({
    policy: policyOf(given.value("policy")),
    grace,
    stopSignal: parseSignal(given.value("signal") ?? "TERM"),
    ...(timeout > 0 ? { timeout } : {}),
  });
  const names = namesOf(lines, given.value("names"));
  const labels = given.has("raw")
    ? names.map(() => "")
    : prefixes(names, paletteFor(Deno.stdout));
  const stopper = new Stopper(job, grace);
  using _relay = new SignalRelay(STOP_SIGNALS, (one) => stopper.heard(one));
  try {
    const shown = lines.map((line, index) =>
      show(job.spawn(shell(line)), labels[index]!)
    );
    const result = await job.exited;
    await Promise.all(shown);
    if (given.has("json")) say(JSON.stringify(summary(result, lines, names)));
    else if (stopper.signal === null) explain(result, names);
    return exitStatus(result, stopper.signal);
  } catch (error) {
    await job.stop({ grace: 0 });
    say(`together: ${(error as Error).message}`);
    return STATUS_OWN_FAILURE;
  } finally {
    stopper[Symbol.dispose]();
  }
}

function durationOf(
  given: GivenOptions<Option>,
  name: "timeout" | "kill-after",
  fallback: number,
): number {
  const value = given.value(name);
  return value === undefined ? fallback : parseDuration(value, `--${name}`);
}

function policyOf(value: string | undefined): JobPolicy {
  const policy = POLICIES.find((one) => one === (value ?? POLICIES[0]));
  if (policy !== undefined) return policy;
  throw new UsageError(
    `invalid policy '${value}': it is one of ${POLICIES.join(", ")}`,
  );
}

function shell(line: string): Command {
  return WINDOWS
    ? new Command("cmd.exe", {
      args: ["/d", "/s", "/c", `"${line}"`],
      windowsRawArguments: true,
      ...STREAMS,
    })
    : new Command("/bin/sh", { args: ["-c", line], ...STREAMS });
}

// No input: several readers of one terminal would take turns at random.
const STREAMS = { stdin: "null", stdout: "piped", stderr: "piped" } as const;

async function show(child: ChildProcess, prefix: string): Promise<void> {
  for await (const { stream, line } of child.lines({ stream: "both" })) {
    if (stream === "stdout") print(prefix + line);
    else say(prefix + line);
  }
}

/** Signals to this program: the first asks, the second kills. */
class Stopper implements Disposable {
  readonly #job: Job;
  readonly #grace: number;
  #progress: StopProgress | null = null;
  /** The first one. */
  signal: Deno.Signal | null = null;

  constructor(job: Job, grace: number) {
    this.#job = job;
    this.#grace = grace;
  }

  heard(signal: Deno.Signal): void {
    if (this.signal !== null) {
      this.#progress?.escalated();
      this.#stop({ grace: 0 });
      return;
    }
    this.signal = signal;
    this.#progress = new StopProgress(() => this.#job.processes(), this.#grace);
    this.#stop({ signal });
  }

  async #stop(
    options: { signal?: Deno.Signal; grace?: number },
  ): Promise<void> {
    try {
      await this.#job.stop(options);
    } catch {
      // `exited` rejects with it.
    }
  }

  [Symbol.dispose](): void {
    this.#progress?.[Symbol.dispose]();
  }
}

// Why it was no success: what a failed command wrote may be far above.
function explain(result: JobResult, names: readonly string[]): void {
  if (result.timedOut) return say("together: the time was up");
  const failed = failure(result);
  if (result.success || failed === undefined) return;
  const name = names[result.statuses.indexOf(failed)];
  const { code, signal } = failed.status;
  const how = signal === null
    ? `exited with ${code}`
    : `was ended by ${signal}`;
  say(`together: '${name}' ${how}`);
}

// The command whose status counts.
function failure({ first, statuses }: JobResult): JobStatus | undefined {
  return statuses.find((one) => one.pid === first?.pid) ??
    statuses.find(({ status }) => !status.success);
}

function exitStatus(result: JobResult, signal: Deno.Signal | null): number {
  if (result.timedOut) return STATUS_TIMED_OUT;
  if (signal !== null) return statusOfSignal(signal, result);
  if (result.success) return 0;
  const code = failure(result)?.status.code ?? STATUS_OWN_FAILURE;
  return code === 0 ? STATUS_OWN_FAILURE : code & 0xff;
}

// 128 + n, from whoever died of it; otherwise what a shell says of Ctrl-C.
function statusOfSignal(signal: Deno.Signal, result: JobResult): number {
  const died = result.statuses.find(({ status }) => status.signal === signal);
  return died?.status.code ?? 130;
}

function summary(
  result: JobResult,
  lines: readonly string[],
  names: readonly string[],
): unknown {
  const { success, timedOut, statuses, report } = result;
  return {
    success,
    timedOut,
    commands: statuses.map(({ pid, status }, index) => ({
      name: names[index],
      command: lines[index],
      pid,
      code: status.code,
      signal: status.signal,
      killed: status.killed,
    })),
    stop: report,
  };
}
