/**
 * `run`: starts a program and looks after its tree until that is gone.
 *
 * @module
 */

import type { ChildProcess } from "../../process/child_process.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { endLike } from "../run/end_like.ts";
import { formatDuration } from "../arguments/operands.ts";
import type { ForegroundTerminal } from "../../posix/stdio/pty.ts";
import { RestartState } from "../../process/job/restart.ts";
import { EventLog } from "../run/event_log.ts";
import { FileLock, InterruptibleWait, PidFile } from "../run/files.ts";
import { handOnOpenFiles, ownTerminal } from "../run/inherited.ts";
import { endLine, reportLines, type RunReport } from "../run/run_report.ts";
import {
  readRunRequest,
  RUN_OPTIONS,
  type RunOption,
  type RunRequest,
} from "../run/run_request.ts";
import { SIGNALS } from "../arguments/signal_operand.ts";
import {
  JOB_SIGNALS,
  PASSED_SIGNALS,
  SIGNAL_HELP,
  SignalRelay,
  STOP_SIGNALS,
} from "../run/signal_relay.ts";
import { spawnFailure, STATUS_OWN_FAILURE } from "../run/spawn_failure.ts";
import { startCommand, Supervisor } from "../run/supervisor.ts";

/** Its operands and options. */
export const SPEC: CommandSpec<RunOption> = {
  name: "run",
  program: "killable run",
  summary: "start a command, and leave nothing of its tree running",
  usage: "[OPTION]... [--] COMMAND [ARG]...",
  description: [
    "Starts COMMAND with this program's terminal and streams, and ends when it and everything it started is gone. Processes that COMMAND leaves behind when it exits are stopped; when this program is killed, even by SIGKILL, the tree ends with it.",
    "A stop sends the signal to every process of the tree, waits, and kills the rest. SIGINT, SIGTERM, SIGHUP and SIGQUIT to this program begin a stop with that signal; a second one kills at once. On a terminal that COMMAND shares, Ctrl-C and Ctrl-\\ reach it directly and are its own affair.",
    "A DURATION is written like 30s, 1m30s, 500ms or 2h; a number alone is seconds, and 0 is no limit.",
  ],
  options: RUN_OPTIONS,
  operand: "command",
  stopsAtOperand: true,
  signals: SIGNAL_HELP,
  examples: [
    ["killable run -t 5m -- npm test", "five minutes for a test run"],
    [
      "killable run --idle-timeout 2m -- ./deploy.sh",
      "a build that says nothing for two minutes hangs",
    ],
    [
      "killable run --retry 3 --lock /tmp/sync.lock -- ./sync.sh",
      "never two at a time, and up to four attempts",
    ],
    [
      "ssh host killable run --stop-on-stdin-eof -- ./serve",
      "ends on the host when the connection drops",
    ],
    [
      "killable run --memory 2G --cpu-time 10m -r -- ./job",
      "limits for the whole tree, and a report of its use",
    ],
    [
      "killable run -s INT -k 10s --report -- ./record",
      "ended as by Ctrl-C, ten seconds to finish, then told about",
    ],
  ],
  exitStatus: [
    ["124", "stopped: its time, or its time without output, was up"],
    ["137", "ended, as by SIGKILL: a limit was passed (--report names it)"],
    ["125", "killable itself failed, or something could not be ended"],
    ["126", "COMMAND was found but cannot be invoked"],
    ["127", "COMMAND was not found"],
    ["128+n", "COMMAND was ended by signal n"],
    ["-", "otherwise the exit status of COMMAND"],
  ],
  permissions:
    "--allow-ffi --allow-run; -A to notice signals that a shell or nohup ignores",
  usageStatus: STATUS_OWN_FAILURE,
};

const STATUS_TIMED_OUT = 124;

/** Runs it. */
export async function run(given: GivenOptions<RunOption>): Promise<number> {
  const request = readRunRequest(given);
  await handOnOpenFiles();
  const terminal = await ownTerminal();
  // The run that there is, or what is waited for.
  const early = new InterruptibleWait();
  let hearing: Hearing = early;
  using relay = new SignalRelay(
    [...STOP_SIGNALS, ...PASSED_SIGNALS, ...JOB_SIGNALS],
    (one) => hearing.heard(one),
  );
  const end = await runAll(request, terminal, early, (one) => hearing = one);
  return end.signal === null ? end.code : endLike(end, relay);
}

// What the signals to this program go to.
interface Hearing {
  heard(signal: Deno.Signal): void;
}

// All attempts.
async function runAll(
  request: RunRequest,
  terminal: ForegroundTerminal | null,
  early: InterruptibleWait,
  hear: (one: Hearing) => void,
): Promise<End> {
  // Process 1 is the parent of every orphan.
  using reaper = Deno.pid === 1
    ? new (await import("../init/reaper.ts")).Reaper()
    : null;
  using lock = await FileLock.take(request.lock, hear);
  const interrupted = early.signal ?? lock.interrupted;
  if (interrupted !== null) return bySignal(interrupted);
  const opened = await EventLog.open(request.events, hear);
  if (typeof opened === "string") return bySignal(opened);
  await using log = opened;
  const retries = new RestartState(request.retry);
  for (;;) {
    const supervisor = new Supervisor(request, terminal);
    hear(supervisor);
    const start = () => startCommand(request, terminal, log?.add ?? null);
    const outcome = await once(request, supervisor, start, reaper);
    const { failed, end } = outcome;
    const decision = retries.ended(performance.now(), !failed);
    if (!decision.restart) return end;
    const wait = new InterruptibleWait();
    hear(wait);
    const { output } = supervisor;
    output.say(
      `killable run: ${request.command}: status ${end.code}; retry ${retries.count} of ${request.retry.limit} in ${
        formatDuration(decision.delay)
      }`,
    );
    await wait.over(decision.delay);
    if (wait.signal !== null) return bySignal(wait.signal);
  }
}

// How this program ends.
interface End {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

interface Outcome {
  /** Whether another attempt may succeed. */
  readonly failed: boolean;
  /** How this program ends, if this was the last attempt. */
  readonly end: End;
}

async function once(
  request: RunRequest,
  supervisor: Supervisor,
  start: () => ChildProcess,
  reaper: { spare(pid: number): void } | null,
): Promise<Outcome> {
  const { output } = supervisor;
  let child: ChildProcess;
  try {
    child = start();
  } catch (error) {
    const { message, status } = spawnFailure(request.command, error);
    await output.finish([`killable run: ${message}`], Infinity);
    return final(status);
  }
  reaper?.spare(child.pid);
  using _pidfile = new PidFile(request.pidfile, child.pid, output);
  const { status, stop } = await supervisor.watch(child);
  const { reason, elapsed, patience } = supervisor;
  const timeUp = reason === "timeout" || reason === "idle";
  if (stop instanceof Error || status === null) {
    const { message } = stop as Error;
    await output.finish([`killable run: ${message}`], patience);
    return final(STATUS_OWN_FAILURE);
  }
  const exitStatus = timeUp ? STATUS_TIMED_OUT : status.code;
  const report: RunReport = {
    command: request.command,
    reason,
    exitStatus,
    code: status.code,
    signal: status.signal,
    limit: status.limit,
    usage: status.usage.tree,
    elapsed,
    containment: child.containment,
    stop,
  };
  await output.finish(lastLines(request, report), patience);
  const { late } = supervisor;
  if (late !== null) return { failed: false, end: bySignal(late) };
  const asked = reason === "signal" || reason === "stdin-eof";
  return {
    failed: exitStatus !== 0 && !asked,
    end: timeUp ? { code: exitStatus, signal: null } : status,
  };
}

function final(code: number): Outcome {
  return { failed: false, end: { code, signal: null } };
}

function bySignal(signal: Deno.Signal): End {
  return { code: 128 + (SIGNALS[signal] ?? 0), signal };
}

function lastLines(request: RunRequest, report: RunReport): string[] {
  if (request.report === "json") return [JSON.stringify(report)];
  if (request.report === "text") return reportLines(report);
  const passed = report.reason === "timeout" || report.reason === "idle" ||
    report.reason === "limit";
  return passed && !request.quiet ? [`killable run: ${endLine(report)}`] : [];
}
