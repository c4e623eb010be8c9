/**
 * The options of `together`, and the request that they make.
 *
 * @module
 */

import type { JobPolicy } from "../../process/job/options.ts";
import { DEFAULT_GRACE } from "../../process/run/stop.ts";
import type { GivenOptions, OptionSpec } from "../arguments/command_spec.ts";
import {
  parseCount,
  parseDuration,
  UsageError,
} from "../arguments/operands.ts";
import { parseSignal } from "../arguments/signal_operand.ts";
import { readEnvFiles, readText } from "../run/env_file.ts";
import { namesOf } from "../run/line_prefix.ts";
import { RESTART_MODES, type ServiceSpec, toServices } from "./service.ts";
import { type NamedLine, parseProcfile, tasks } from "./sources.ts";

/** The names of the options. */
export type TogetherOption =
  | "policy"
  | "timeout"
  | "kill-after"
  | "signal"
  | "main-first"
  | "names"
  | "procfile"
  | "task"
  | "config"
  | "after"
  | "ready"
  | "health"
  | "restart"
  | "restart-limit"
  | "restart-delay"
  | "max-processes"
  | "env-file"
  | "stdin"
  | "pty"
  | "raw"
  | "group"
  | "timestamps"
  | "timings"
  | "quiet"
  | "json";

const POLICIES: readonly JobPolicy[] = ["first-failure", "first-exit", "all"];

/** The options. */
export const TOGETHER_OPTIONS: readonly OptionSpec<TogetherOption>[] = [
  {
    name: "policy",
    short: "p",
    value: "POLICY",
    hint: POLICIES,
    help:
      "condition that ends all: first-failure (the default), first-exit, or all, which waits",
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
    name: "main-first",
    help:
      "a stop signals each command alone, and the rest of its tree when it has ended (KillMode=mixed)",
  },
  {
    name: "names",
    short: "n",
    value: "NAME,...",
    help:
      "the names of the command lines on the command line, in their order; without it the program or the task",
  },
  {
    name: "procfile",
    short: "f",
    value: "FILE",
    hint: "file",
    repeated: true,
    help: "also the commands of a Procfile: lines of 'name: command line'",
  },
  {
    name: "task",
    short: "T",
    value: "NAME,...",
    repeated: true,
    help:
      "also these tasks of deno.json (or scripts of package.json), run by 'deno task'; * stands for any text: 'dev:*'",
  },
  {
    name: "config",
    value: "FILE",
    hint: "file",
    help: "the deno.json with the tasks (that of this directory)",
  },
  {
    name: "after",
    value: "NAME=OTHER[:WHEN]",
    repeated: true,
    help:
      "start NAME when OTHER is ready (the default), has started, or has exited with 0: db:ready, db:started, build:exited; may be repeated",
  },
  {
    name: "ready",
    value: "NAME=CHECK",
    repeated: true,
    help:
      "when NAME counts as ready: port:8080 accepts connections, line:TEXT was written, http://… answers with less than 400, file:PATH is there; without it, as soon as it has started",
  },
  {
    name: "health",
    value: "NAME=CHECK",
    repeated: true,
    help:
      "stop NAME when this check (port, http, file) fails three times in a row, five seconds apart, once it was ready; --restart brings it back",
  },
  {
    name: "restart",
    value: "[NAME=]MODE",
    hint: RESTART_MODES,
    repeated: true,
    help:
      "start NAME (or every command) again: never (the default), on-failure, always; the policy applies when there are no more restarts",
  },
  {
    name: "restart-limit",
    value: "N[/DURATION]",
    help: "restarts of one command within a time, at most (10/10m)",
  },
  {
    name: "restart-delay",
    value: "FIRST[..MOST]",
    help:
      "how long a restart waits; doubled each time up to MOST, less a random part, and FIRST again after a run of ten seconds (250ms..30s)",
  },
  {
    name: "max-processes",
    short: "m",
    value: "N",
    help: "commands that run at the same time; the others wait for their turn",
  },
  {
    name: "env-file",
    value: "FILE",
    hint: "file",
    repeated: true,
    help: "set the variables of a file of NAME=value lines for all commands",
  },
  {
    name: "stdin",
    value: "NAME",
    help: "give standard input to this command; the others have none",
  },
  {
    name: "pty",
    help:
      "give each command a terminal of its own: colours, progress bars (Linux)",
  },
  { name: "raw", short: "r", help: "lines as they are, without a name" },
  {
    name: "group",
    short: "g",
    help: "show the output of a command in one piece when it has ended",
  },
  { name: "timestamps", help: "begin each line with the time of day" },
  {
    name: "timings",
    help: "at the end one line for each command: how it ended, and when",
  },
  {
    name: "quiet",
    short: "q",
    help: "no last line with the command that ended the others, and the reason",
  },
  {
    name: "json",
    short: "j",
    help: "at the end one line of JSON on standard error: how each ended",
  },
];

/** How output is shown. */
export type OutputForm = "lines" | "raw" | "group";

/** The request. */
export interface TogetherRequest {
  /** The commands. */
  readonly services: readonly ServiceSpec[];
  /** The policy: the event that ends all. */
  readonly policy: JobPolicy;
  /** Milliseconds, or Infinity. */
  readonly timeout: number;
  /** Milliseconds between signal and kill. */
  readonly grace: number;
  /** The signal that a stop begins with. */
  readonly signal: Deno.Signal;
  /** Whether a stop tells each main process before the others. */
  readonly mainFirst: boolean;
  /** Commands at the same time. */
  readonly maxProcesses: number;
  /** Variables for all. */
  readonly env: Readonly<Record<string, string>>;
  /** The command that has standard input, or `null`. */
  readonly stdin: string | null;
  /** Whether each has a terminal. */
  readonly pty: boolean;
  /** How output is shown. */
  readonly form: OutputForm;
  /** Whether lines have the time. */
  readonly timestamps: boolean;
  /** Whether the times of each are said at the end. */
  readonly timings: boolean;
  /** Whether nothing is said at the end. */
  readonly quiet: boolean;
  /** Whether the end is said as JSON. */
  readonly json: boolean;
}

/**
 * Reads.
 *
 * @param given The parsed command line.
 * @returns The request.
 * @throws {UsageError} for a mistake.
 */
export function readTogetherRequest(
  given: GivenOptions<TogetherOption>,
): TogetherRequest {
  const services = toServices(namedLines(given), {
    after: given.values("after"),
    ready: given.values("ready"),
    health: given.values("health"),
    restart: given.values("restart"),
    restartLimit: given.value("restart-limit"),
    restartDelay: given.value("restart-delay"),
  });
  const stdin = given.value("stdin") ?? null;
  if (stdin !== null && !services.some(({ name }) => name === stdin)) {
    throw new UsageError(`invalid --stdin: no command is called '${stdin}'`);
  }
  if (given.has("raw") && given.has("group")) {
    throw new UsageError("--raw and --group exclude each other");
  }
  if (stdin !== null && given.has("pty")) {
    throw new UsageError("--stdin and --pty exclude each other");
  }
  const most = given.value("max-processes");
  return {
    services,
    policy: policyOf(given.value("policy")),
    timeout: durationOf(given, "timeout") || Infinity,
    grace: durationOf(given, "kill-after") ?? DEFAULT_GRACE,
    signal: parseSignal(given.value("signal") ?? "TERM"),
    mainFirst: given.has("main-first"),
    maxProcesses: most === undefined
      ? Infinity
      : parseCount(most, "--max-processes"),
    env: readEnvFiles(given.values("env-file")),
    stdin,
    pty: given.has("pty"),
    form: given.has("raw") ? "raw" : given.has("group") ? "group" : "lines",
    timestamps: given.has("timestamps"),
    timings: given.has("timings"),
    quiet: given.has("quiet"),
    json: given.has("json"),
  };
}

function namedLines(given: GivenOptions<TogetherOption>): NamedLine[] {
  const lines = given.operands;
  const files = given.values("procfile");
  const names = given.values("task").flatMap((text) => text.split(","));
  if (lines.length === 0 && files.length === 0 && names.length === 0) {
    throw new UsageError(
      "missing command line: give one, a --procfile, or a --task",
    );
  }
  const lineNames = namesOf(lines, given.value("names"));
  return [
    ...files.flatMap((file) => parseProcfile(readText(file), file)),
    ...tasks(names, given.value("config")),
    ...lines.map((line, index): NamedLine => [lineNames[index]!, line]),
  ];
}

function durationOf(
  given: GivenOptions<TogetherOption>,
  name: "timeout" | "kill-after",
): number | undefined {
  const value = given.value(name);
  return value === undefined ? undefined : parseDuration(value, `--${name}`);
}

function policyOf(value: string | undefined): JobPolicy {
  const policy = POLICIES.find((one) => one === (value ?? POLICIES[0]));
  if (policy !== undefined) return policy;
  throw new UsageError(
    `invalid policy '${value}': it is one of ${POLICIES.join(", ")}`,
  );
}
