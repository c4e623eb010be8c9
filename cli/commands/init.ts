/**
 * `init`: process 1 of a container.
 *
 * @module
 */

import type { ChildProcess } from "../../process/child_process.ts";
import { signalName } from "../../backend/signals.ts";
import type { CommandSpec, GivenOptions } from "../arguments/command_spec.ts";
import { parseDuration, UsageError } from "../arguments/operands.ts";
import {
  parseSignal,
  parseSignalNumber,
  SIGNALS,
} from "../arguments/signal_operand.ts";
import { Command } from "../library.ts";
import { readEnvFiles } from "../run/env_file.ts";
import { handOnOpenFiles, ownTerminal } from "../run/inherited.ts";
import { FORWARDED_SIGNALS, SignalRelay } from "../run/signal_relay.ts";
import { spawnFailure, STATUS_OWN_FAILURE } from "../run/spawn_failure.ts";
import { Output, STALLED_MS } from "../terminal/output.ts";
import { PausableTimer } from "../run/pausable_timer.ts";

type Option =
  | "group"
  | "main-only"
  | "stop-signal"
  | "rewrite"
  | "grace"
  | "remap-exit"
  | "env-file"
  | "subreaper"
  | "warn"
  | "verbose";

// Docker and Podman kill ten seconds after the stop signal, Kubernetes after thirty.
const DEFAULT_GRACE = 8000;
const LINUX = Deno.build.os === "linux";

/** Its operands and options. */
export const SPEC: CommandSpec<Option> = {
  name: "init",
  program: "killable init",
  summary: "be process 1 of a container: forward signals, reap, end it all",
  usage: "[OPTION]... [--] COMMAND [ARG]...",
  description: [
    "Starts COMMAND, hands it the signals that this program gets, waits for orphans that the kernel gives to process 1, and ends with the exit status of COMMAND. Processes that COMMAND leaves behind get SIGTERM, have until the grace is over, and are killed.",
    "SIGTERM begins the end: when COMMAND still runs after the grace, everything is killed. The grace has to be shorter than that of the orchestrator (docker 10s, Kubernetes 30s), which kills process 1 and all others with it. Other signals are handed on, and COMMAND decides about them. Only signals with a name are: not SIGRTMIN+3.",
    "As process 1 nothing can get away: every process of the namespace ends with this one, by the kernel's hand. Elsewhere the tree is held as by 'killable run'.",
    "A DURATION is written like 30s, 1m30s, 500ms or 2h; a number alone is seconds.",
  ],
  options: [
    {
      name: "group",
      short: "g",
      help:
        "hand signals to COMMAND and everything it started, not to COMMAND alone",
    },
    {
      name: "main-only",
      short: "c",
      alias: "single-child",
      help: "hand signals to COMMAND alone (the default)",
    },
    {
      name: "stop-signal",
      short: "s",
      value: "SIGNAL",
      hint: "signal",
      help:
        "signal that COMMAND gets for SIGTERM, like STOPSIGNAL of an image (TERM)",
    },
    {
      name: "rewrite",
      value: "FROM:TO",
      repeated: true,
      help:
        "hand signal TO on where FROM came, names or numbers; 0 hands nothing on",
    },
    {
      name: "grace",
      short: "k",
      alias: "kill-after",
      value: "DURATION",
      help:
        "time for COMMAND after SIGTERM, and for its remaining processes after its end (8s)",
    },
    {
      name: "remap-exit",
      short: "e",
      value: "CODE",
      repeated: true,
      help: "end with 0 where COMMAND ended with this status: 143 of a Java VM",
    },
    {
      name: "env-file",
      value: "FILE",
      hint: "file",
      repeated: true,
      help: "set the variables of a file of NAME=value lines",
    },
    {
      name: "subreaper",
      help: "adopt orphans also where this is not process 1 (Linux)",
    },
    { name: "warn", short: "w", help: "say which orphans were reaped" },
    { name: "verbose", short: "v", help: "say which signals were handed on" },
  ],
  operand: "command",
  stopsAtOperand: true,
  signals: [
    ["TERM", "is handed on (see --stop-signal), and begins the grace"],
    [
      "INT QUIT HUP USR1 USR2 WINCH CONT TSTP ALRM ABRT IO PWR …",
      "are handed on; a second TERM, INT or QUIT after TERM kills everything",
    ],
    ["CHLD", "orphans are waited for"],
  ],
  examples: [
    [
      'ENTRYPOINT ["killable", "init", "--"]',
      "in a Dockerfile, with CMD behind it",
    ],
    ["killable init -s QUIT -- nginx -g 'daemon off;'", "ends gracefully"],
    ["killable init -g -k 25s -- ./start.sh", "a shell that forwards nothing"],
    ["killable init -e 143 -- java -jar app.jar", "143 is no failure"],
  ],
  exitStatus: [
    ["125", "killable itself failed"],
    ["126", "COMMAND was found but cannot be invoked"],
    ["127", "COMMAND was not found"],
    ["128+n", "COMMAND was ended by signal n"],
    ["-", "otherwise the exit status of COMMAND"],
  ],
  permissions: "-A; at least --allow-ffi --allow-run",
  usageStatus: STATUS_OWN_FAILURE,
};

/** Runs it. */
export async function run(given: GivenOptions<Option>): Promise<number> {
  const request = readRequest(given);
  if (Deno.build.os === "windows") {
    throw new UsageError("Windows has no process 1; use 'killable run'");
  }
  await handOnOpenFiles();
  const output = new Output();
  const main = new Main(request, output);
  using _relay = new SignalRelay(FORWARDED_SIGNALS, (one) => main.heard(one));
  using reaper = await adoptOrphans(request, output);
  const terminal = await ownTerminal();
  let child: ChildProcess;
  try {
    child = new Command(request.command, {
      args: request.args,
      env: request.env,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
      stopSignal: "SIGTERM",
      grace: request.grace,
      // With a terminal it has the foreground, so that Ctrl-C reaches it once.
      ...terminal === null ? { processGroup: "own" } : { foreground: true },
    }).spawn();
  } catch (error) {
    const { message, status } = spawnFailure(request.command, error);
    await output.finish([`killable init: ${message}`], STALLED_MS);
    return status;
  }
  reaper?.spare(child.pid);
  const { code } = await main.watch(child);
  await output.drained(STALLED_MS);
  return request.remapped.includes(code) ? 0 : code;
}

interface InitRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly group: boolean;
  /** The signal that is handed on for a signal; 0 for none. */
  readonly rewrites: ReadonlyMap<number, number>;
  readonly grace: number;
  readonly remapped: readonly number[];
  readonly subreaper: boolean;
  readonly warn: boolean;
  readonly verbose: boolean;
}

function readRequest(given: GivenOptions<Option>): InitRequest {
  const [command, ...args] = given.operands;
  if (command === undefined) {
    throw new UsageError(
      "missing command: killable init [OPTION]... -- COMMAND",
    );
  }
  if (given.has("group") && given.has("main-only")) {
    throw new UsageError("--group and --main-only exclude each other");
  }
  const rewrites = new Map<number, number>();
  const stop = given.value("stop-signal");
  if (stop !== undefined) {
    rewrites.set(SIGNALS["SIGTERM"]!, SIGNALS[parseSignal(stop)]!);
  }
  for (const text of given.values("rewrite")) {
    const [from, to] = text.split(":");
    if (from === undefined || to === undefined) {
      throw new UsageError(
        `invalid --rewrite '${text}': write it like TERM:QUIT`,
      );
    }
    rewrites.set(parseSignalNumber(from), parseSignalNumber(to));
  }
  const grace = given.value("grace");
  return {
    command,
    args,
    env: readEnvFiles(given.values("env-file")),
    group: given.has("group"),
    rewrites,
    grace: grace === undefined
      ? DEFAULT_GRACE
      : parseDuration(grace, "--grace"),
    remapped: given.values("remap-exit").map(exitCode),
    subreaper: given.has("subreaper"),
    warn: given.has("warn"),
    verbose: given.has("verbose"),
  };
}

function exitCode(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 255) return Number(text);
  throw new UsageError(`invalid --remap-exit '${text}': it is 0 to 255`);
}

async function adoptOrphans(request: InitRequest, output: Output) {
  if (!LINUX) return null;
  const { becomeSubreaper, Reaper } = await import("../init/reaper.ts");
  const subreaper = request.subreaper && becomeSubreaper();
  if (Deno.pid !== 1 && !subreaper) {
    output.say(
      "killable init: this is not process 1: orphans go elsewhere (--subreaper adopts them)",
    );
    return null;
  }
  return new Reaper((pid, name) => {
    if (request.warn) output.say(`killable init: reaped ${name} (${pid})`);
  });
}

/** COMMAND: the signals that it gets, and its end. */
class Main {
  readonly #request: InitRequest;
  readonly #output: Output;
  // Signals that came before COMMAND was there.
  readonly #early: Deno.Signal[] = [];
  #child: ChildProcess | null = null;
  #kill: PausableTimer | null = null;

  constructor(request: InitRequest, output: Output) {
    this.#request = request;
    this.#output = output;
  }

  heard(signal: Deno.Signal): void {
    if (this.#child === null) {
      this.#early.push(signal);
      return;
    }
    const ends = signal === "SIGTERM" || signal === "SIGINT" ||
      signal === "SIGQUIT";
    if (ends && this.#kill !== null) return this.#killAll();
    if (signal === "SIGTERM") {
      this.#kill = new PausableTimer(
        this.#request.grace,
        () => this.#killAll(),
      );
    }
    this.#handOn(SIGNALS[signal]!);
  }

  async watch(child: ChildProcess): Promise<{ code: number }> {
    this.#child = child;
    for (const signal of this.#early) this.heard(signal);
    const status = await child.status;
    this.#kill?.clear();
    try {
      await child.stop({ grace: this.#request.grace });
    } catch (error) {
      this.#output.say(`killable init: ${(error as Error).message}`);
    }
    return status;
  }

  #handOn(came: number): void {
    const number = this.#request.rewrites.get(came) ?? came;
    if (number === 0) return;
    const name = signalName(SIGNALS, number) ?? number;
    if (this.#request.verbose) {
      this.#output.say(`killable init: ${name} to ${this.#request.command}`);
    }
    try {
      this.#child!.kill(name, { tree: this.#request.group });
    } catch (error) {
      this.#output.say(`killable init: ${(error as Error).message}`);
    }
  }

  #killAll(): void {
    this.#output.say(
      `killable init: ${this.#request.command} did not end in time: SIGKILL`,
    );
    this.#child!.stop({ grace: 0 }).catch(() => {
      // watch() awaits the same stop.
    });
  }
}
