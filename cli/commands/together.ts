/**
 * `together`: several commands as one job.
 *
 * @module
 */

import { Job } from "../../process/job.ts";
import type { StopReport } from "../../backend/native.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { Command } from "../library.ts";
import { endLike } from "../run/end_like.ts";
import { handOnOpenFiles, ownTerminal } from "../run/inherited.ts";
import { PausableTimer, stopSelf } from "../run/pausable_timer.ts";
import {
  JOB_SIGNALS,
  PASSED_SIGNALS,
  SIGNAL_HELP,
  SignalRelay,
  STOP_SIGNALS,
} from "../run/signal_relay.ts";
import { STATUS_OWN_FAILURE } from "../run/spawn_failure.ts";
import { StopProgress } from "../run/stop_progress.ts";
import { type Palette, paletteFor } from "../terminal/colour.ts";
import { Output, STALLED_MS } from "../terminal/output.ts";
import { Screen } from "../together/lines.ts";
import {
  readTogetherRequest,
  TOGETHER_OPTIONS,
  type TogetherOption,
  type TogetherRequest,
} from "../together/options.ts";
import { exitStatus, lastLine, summary, timings } from "../together/report.ts";
import { type EndReason, Runner } from "../together/runner.ts";
import type { ServiceSpec } from "../together/service.ts";
import { makeStreams } from "../together/streams.ts";
import { hasTerminal, terminalStops } from "../together/terminal_stops.ts";

const WINDOWS = Deno.build.os === "windows";
const TERMINAL_LOOK_MS = 500;

/** Its operands and options. */
export const SPEC: CommandSpec<TogetherOption> = {
  name: "together",
  program: "killable together",
  summary: "start several commands that live and die together",
  usage: "[OPTION]... 'COMMAND LINE'...",
  description: [
    "Starts every command line in a shell of its own and shows their output, each line with the name of its command. The first command that fails stops all others; --policy can have the first one that ends do it, or wait for all. The last line names the command that ended the others, and the reason.",
    "When this program is killed, even by SIGKILL, the commands end with it; so they do when the reader of its output goes away. Either way nothing that they started is left. A reader that stalls delays neither a signal nor a time limit.",
    "A command has no terminal unless --pty gives it one: a program that asks for a password on /dev/tty is stopped, with a message.",
    "A DURATION is written like 30s, 1m30s, 500ms or 2h; a number alone is seconds, and 0 is no limit.",
  ],
  options: TOGETHER_OPTIONS,
  operand: "command",
  stopsAtOperand: false,
  signals: SIGNAL_HELP,
  examples: [
    [
      "killable together 'deno task server' 'deno task watch'",
      "both, until one fails or Ctrl-C",
    ],
    ["killable together -f Procfile", "all commands of a Procfile"],
    [
      "killable together -T db,api --ready db=port:5432 --after api=db",
      "tasks of deno.json; the second when the first accepts connections",
    ],
    [
      "killable together --restart worker=on-failure -n web,worker ./web ./worker",
      "a crashed worker is started again",
    ],
    [
      "killable together -p first-exit -n server,test ./server 'npm test'",
      "a server for the length of a test run",
    ],
    [
      "killable together -p all -m 2 'make a' 'make b' 'make c'",
      "two at a time",
    ],
  ],
  exitStatus: [
    ["0", "the commands succeeded; with first-exit, the first that ended did"],
    ["124", "stopped: the time was up"],
    ["125", "killable itself failed, or something could not be ended"],
    ["128+n", "stopped by signal n: this program ends by it as well"],
    ["141", "stopped: the reader of its output has gone"],
    ["-", "otherwise the exit status of the first command that failed"],
  ],
  permissions:
    "--allow-ffi --allow-run; --allow-net for --ready and --health, --allow-read for files",
  usageStatus: STATUS_OWN_FAILURE,
};

/** Runs it. */
export async function run(
  given: GivenOptions<TogetherOption>,
): Promise<number> {
  const request = readTogetherRequest(given);
  await handOnOpenFiles();
  const terminal = request.stdin === null ? null : await ownTerminal();
  const palette = paletteFor(Deno.stdout);
  const output = new Output();
  const screen = new Screen(output, Deno.stdout.isTerminal());
  const job = new Job({
    policy: "all",
    grace: request.grace,
    stopSignal: request.signal,
    mainFirst: request.mainFirst,
  });
  const runner = new Runner(job, request.services, screen, {
    policy: request.policy,
    maxProcesses: request.maxProcesses,
    command: (spec) => shell(spec, request, palette),
    streams: makeStreams(request, screen, palette),
    pty: request.pty,
  });
  using attendant = new Attendant(job, runner, screen, request);
  using relay = new SignalRelay(
    [...STOP_SIGNALS, ...PASSED_SIGNALS, ...TERMINAL_SIGNALS],
    (one) => attendant.heard(one),
  );
  const began = performance.now();
  const reason = await runner.start();
  let report: StopReport | null = null;
  let failure: Error | null = null;
  try {
    report = await runner.finished();
  } catch (error) {
    failure = error as Error;
  }
  attendant[Symbol.dispose]();
  if (reason.kind !== "done") terminal?.restoreModes();
  // The output of commands that ended by themselves may be read slowly.
  const patient = reason.kind === "done" || reason.kind === "command";
  const patience = patient && failure === null ? Infinity : STALLED_MS;
  await output.keepsUp(runner.shown, patience);
  screen.endLine();
  const lines = lastLines(runner, request, reason, report, began);
  if (failure !== null) lines.push(`killable together: ${failure.message}`);
  await output.finish(lines, patience);
  if (failure !== null) return STATUS_OWN_FAILURE;
  const late = attendant.late;
  const code = exitStatus(
    late === null ? reason : { kind: "signal", signal: late },
    runner.failed,
  );
  const signal = late ?? (reason.kind === "signal" ? reason.signal : null);
  return endLike({ code, signal }, relay);
}

// Windows has neither.
const TERMINAL_SIGNALS: readonly Deno.Signal[] = WINDOWS
  ? []
  : [...JOB_SIGNALS, "SIGWINCH"];

function lastLines(
  runner: Runner,
  request: TogetherRequest,
  reason: EndReason,
  report: StopReport | null,
  began: number,
): string[] {
  const { services, failed } = runner;
  const lines = request.timings ? timings(services, began) : [];
  if (request.json && report !== null) {
    return [
      ...lines,
      JSON.stringify(summary(reason, services, failed, report)),
    ];
  }
  const last = lastLine(reason, failed);
  if (last !== null && !request.quiet) lines.push(`killable together: ${last}`);
  return lines;
}

function shell(
  { line, name }: ServiceSpec,
  request: TogetherRequest,
  palette: Palette,
): Command {
  const options = {
    env: { ...colourVariables(request, palette), ...request.env },
    ...request.pty
      ? { pty: terminalSize() }
      // No input: several readers of one terminal would take turns at random.
      : {
        stdin: request.stdin === name ? "inherit" : "null",
        stdout: "piped",
        stderr: "piped",
      } as const,
  };
  return WINDOWS
    ? new Command("cmd.exe", {
      args: ["/d", "/s", "/c", `"${line}"`],
      windowsRawArguments: true,
      ...options,
    })
    : new Command("/bin/sh", { args: ["-c", line], ...options });
}

// Programs leave colours out when they write to a pipe; here the pipe ends at a
// terminal. https://force-color.org, https://bixense.com/clicolors
function colourVariables(
  { pty }: TogetherRequest,
  palette: Palette,
): Record<string, string> {
  if (pty || !palette.on) return {};
  return { FORCE_COLOR: "1", CLICOLOR_FORCE: "1" };
}

function terminalSize(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || 80, rows: rows || 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}

/** The events from outside a run: signals, the clock, the terminal. */
class Attendant implements Disposable {
  readonly #job: Job;
  readonly #runner: Runner;
  readonly #screen: Screen;
  readonly #request: TogetherRequest;
  readonly #timer: PausableTimer;
  readonly #looks: ReturnType<typeof setInterval> | undefined;
  #progress: StopProgress | null = null;
  #over = false;
  /** A signal that came when only the reader was still waited for. */
  late: Deno.Signal | null = null;

  constructor(
    job: Job,
    runner: Runner,
    screen: Screen,
    request: TogetherRequest,
  ) {
    this.#job = job;
    this.#runner = runner;
    this.#screen = screen;
    this.#request = request;
    this.#timer = new PausableTimer(
      request.timeout,
      () => runner.end({ kind: "timeout" }),
    );
    if (!request.pty && hasTerminal()) {
      this.#looks = setInterval(() => this.#lookForStops(), TERMINAL_LOOK_MS);
    }
  }

  heard(signal: Deno.Signal): void {
    if (signal === "SIGTSTP") this.#suspend();
    else if (signal === "SIGWINCH") this.#resize();
    else if (PASSED_SIGNALS.includes(signal)) this.#pass(signal);
    else if (this.#over) {
      this.late ??= signal;
      this.#screen.output.abandon();
    } else if (this.#runner.reason === null) {
      this.#runner.end({ kind: "signal", signal }, signal);
      this.#progress = new StopProgress(
        () => this.#job.processes(),
        this.#request.grace,
      );
    } else {
      this.#progress?.escalated();
      this.#job.stop({ grace: 0 }).catch(() => {
        // `exited` rejects with it.
      });
    }
  }

  #suspend(): void {
    this.#timer.pause();
    this.#job.suspend();
    stopSelf();
    this.#job.resume();
    this.#timer.resume();
  }

  #resize(): void {
    if (!this.#request.pty) return;
    const size = terminalSize();
    for (const { child } of this.#runner.services) child?.resize(size);
  }

  #pass(signal: Deno.Signal): void {
    for (const { child } of this.#runner.services) {
      try {
        child?.kill(signal, { tree: false });
      } catch (error) {
        this.#screen.say(`killable together: ${(error as Error).message}`);
      }
    }
  }

  #lookForStops(): void {
    for (const service of this.#runner.services) {
      const { child } = service;
      if (child === null || service.state === "ended") continue;
      if (this.#request.stdin === service.name) continue;
      const leader = { pid: child.pid, name: "sh", state: "stopped" };
      // The signal is for the whole group, a waiting shell included: the last one
      // of it is the one that used the terminal.
      const stop = terminalStops([leader, ...child.descendants()]).at(-1);
      if (stop === undefined) continue;
      this.#runner.giveUp(
        service,
        `was stopped by ${stop.signal}: ${stop.name} (${stop.pid}) uses the terminal; --pty gives each command one of its own, --stdin lets one have this one`,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#timer.clear();
    clearInterval(this.#looks);
    this.#progress?.[Symbol.dispose]();
    this.#progress = null;
  }
}
