/**
 * `run`: starts a program and looks after its tree until that is gone.
 *
 * @module
 */

import type { ChildProcess } from "../../child_process.ts";
import { Command } from "../library.ts";
import type { CommandStatus, StopReport } from "../../status.ts";
import { Timer } from "../../timer.ts";
import type { CommandSpec } from "../command_spec.ts";
import { endLike } from "../end_like.ts";
import { IdleWatch, passOn } from "../idle_watch.ts";
import type { GivenOptions } from "../read_options.ts";
import { type EndReason, reportLines, type RunReport } from "../run_report.ts";
import {
  readRunRequest,
  RUN_OPTIONS,
  type RunOption,
  type RunRequest,
} from "../run_request.ts";
import { say } from "../say.ts";
import { SignalRelay, STOP_SIGNALS } from "../signal_relay.ts";
import { spawnFailure, STATUS_OWN_FAILURE } from "../spawn_failure.ts";
import { watchStdin } from "../stdin_lifeline.ts";
import { StopProgress } from "../stop_progress.ts";

/** What it accepts. */
export const SPEC: CommandSpec<RunOption> = {
  name: "run",
  program: "killable run",
  summary: "start a command, and leave nothing of its tree running",
  usage: "[OPTION]... [--] COMMAND [ARG]...",
  description: [
    "Starts COMMAND with this program's terminal and streams, and ends when it and everything it started is gone. What COMMAND leaves behind when it exits is stopped; when this program is killed, even by SIGKILL, the tree ends with it.",
    "A stop sends the signal to every process of the tree, waits, and kills what is left. SIGINT, SIGTERM, SIGHUP and SIGQUIT to this program begin a stop with that signal; a second one kills at once. On a terminal that COMMAND shares, Ctrl-C and Ctrl-\\ reach it directly and are its own affair.",
    "A DURATION is written like 30s, 1m30s, 500ms or 2h; a number alone is seconds, and 0 is no limit.",
  ],
  options: RUN_OPTIONS,
  operand: "command",
  stopsAtOperand: true,
  examples: [
    ["killable run -t 5m -- npm test", "five minutes for a test run"],
    [
      "killable run --idle-timeout 2m -- ./deploy.sh",
      "a build that says nothing for two minutes hangs",
    ],
    [
      "ssh host killable run --stop-on-stdin-eof -- ./serve",
      "ends on the host when the connection drops",
    ],
    [
      "killable run -s INT -k 10s --report -- ./record",
      "ended as by Ctrl-C, ten seconds to finish, then told about",
    ],
  ],
  exitStatus: [
    ["124", "stopped: its time, or its time without output, was up"],
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
  const supervisor = new Supervisor(request);
  const relay = new SignalRelay(STOP_SIGNALS, (one) => supervisor.heard(one));
  let child: ChildProcess;
  try {
    child = start(request);
  } catch (error) {
    const { message, status } = spawnFailure(request.command, error);
    say(`run: ${message}`);
    return status;
  }
  const { status, stop } = await supervisor.watch(child);
  relay[Symbol.dispose]();
  if (stop instanceof Error) {
    say(`run: ${stop.message}`);
    return STATUS_OWN_FAILURE;
  }
  const { reason, elapsed } = supervisor;
  const timeUp = reason === "timeout" || reason === "idle";
  const exitStatus = timeUp ? STATUS_TIMED_OUT : status.code;
  tell(request, {
    command: request.command,
    reason,
    exitStatus,
    code: status.code,
    signal: status.signal,
    elapsed,
    containment: child.containment,
    stop,
  });
  return timeUp ? exitStatus : endLike(status);
}

function start(request: RunRequest): ChildProcess {
  const piped = request.idleTimeout < Infinity;
  return new Command(request.command, {
    args: request.args,
    ...(request.cwd === null ? {} : { cwd: request.cwd }),
    env: request.env,
    clearEnv: request.clearEnv,
    containment: request.containment,
    stdin: request.stopOnStdinEof ? "null" : "inherit",
    stdout: piped ? "piped" : "inherit",
    stderr: piped ? "piped" : "inherit",
    stopSignal: request.signal,
    grace: request.grace,
  }).spawn();
}

function tell(request: RunRequest, report: RunReport): void {
  if (request.report === "json") say(JSON.stringify(report));
  if (request.report === "text") reportLines(report).forEach(say);
}

/** One run: what may stop it, and how it ended. */
class Supervisor {
  readonly #request: RunRequest;
  readonly #began = performance.now();
  #child: ChildProcess | null = null;
  #exited = false;
  #sharesTerminal = false;
  #stop: Promise<StopReport | Error> | null = null;
  #progress: StopProgress | null = null;
  reason: EndReason = "exited";
  elapsed = 0;

  constructor(request: RunRequest) {
    this.#request = request;
  }

  /** A signal to this program. */
  heard(signal: Deno.Signal): void {
    if (this.#stop !== null) {
      this.#progress?.escalated();
      this.#beginStop({ grace: 0 });
      return;
    }
    // The terminal has sent these to the command as well, if it shares it: a
    // second one would be too many, and a prompt outlives its Ctrl-C.
    const typed = signal === "SIGINT" || signal === "SIGQUIT";
    if (!typed || !this.#sharesTerminal) this.#end("signal", signal);
  }

  /** Resolves when the tree is gone. */
  async watch(
    child: ChildProcess,
  ): Promise<{ status: CommandStatus; stop: StopReport | Error }> {
    this.#child = child;
    const { timeout, idleTimeout, stopOnStdinEof } = this.#request;
    this.#sharesTerminal = !stopOnStdinEof && Deno.stdin.isTerminal() &&
      child.containment.mechanism !== "process-group";
    const timer = new Timer(timeout, () => this.#end("timeout"));
    if (stopOnStdinEof) watchStdin(() => this.#end("stdin-eof"));
    const output = idleTimeout < Infinity ? this.#passOutput(child) : null;
    const status = await child.status;
    this.#exited = true;
    timer.clear();
    const stop = await (this.#stop ??= this.#runStop({}));
    await output;
    this.elapsed = performance.now() - this.#began;
    return { status, stop };
  }

  async #passOutput(child: ChildProcess): Promise<void> {
    const { idleTimeout } = this.#request;
    using idle = new IdleWatch(idleTimeout, () => this.#end("idle"));
    await Promise.all([
      passOn(child.stdout, Deno.stdout, () => idle.touch()),
      passOn(child.stderr, Deno.stderr, () => idle.touch()),
    ]);
  }

  // The first reason counts.
  #end(reason: EndReason, signal?: Deno.Signal): void {
    if (this.#child === null || this.#exited || this.#stop !== null) return;
    this.reason = reason;
    this.#beginStop(signal === undefined ? {} : { signal });
  }

  #beginStop(options: { signal?: Deno.Signal; grace?: number }): void {
    const stop = this.#runStop(options);
    this.#stop ??= stop;
  }

  // Never rejects: what could not be ended is the outcome.
  async #runStop(
    options: { signal?: Deno.Signal; grace?: number },
  ): Promise<StopReport | Error> {
    const child = this.#child!;
    using progress = new StopProgress(
      () => this.#members(child),
      options.grace ?? this.#request.grace,
    );
    this.#progress ??= progress;
    try {
      return await child.stop(options);
    } catch (error) {
      return error as Error;
    }
  }

  #members(child: ChildProcess): { pid: number; name: string }[] {
    const name = this.#request.command.replace(/.*[\\/]/, "");
    const leader = { pid: child.pid, name };
    return [...this.#exited ? [] : [leader], ...child.descendants()];
  }
}
