/**
 * The request of `run`, read from its options.
 *
 * @module
 */

import type {
  ContainmentRequest,
  Requirement,
} from "../../backend/containment.ts";
import type { LimitName, Limits } from "../../backend/usage.ts";
import {
  RESTART_DEFAULTS,
  type RestartPolicy,
} from "../../process/job/restart.ts";
import { DEFAULT_GRACE } from "../../process/run/stop.ts";
import type { GivenOptions, OptionSpec } from "../arguments/command_spec.ts";
import {
  parseCount,
  parseDuration,
  parseSize,
  UsageError,
} from "../arguments/operands.ts";
import { parseSignal } from "../arguments/signal_operand.ts";
import { readEnvFiles } from "./env_file.ts";

const CONTAINMENTS: readonly ContainmentRequest[] = [
  "auto",
  "cgroup",
  "lineage",
  "process-group",
  "job-object",
];

const PROMISES = ["holds-escapees", "ends-with-parent", "kernel-limits"];

/** The names of the options. */
export type RunOption =
  | "timeout"
  | "idle-timeout"
  | "kill-after"
  | "signal"
  | "main-first"
  | "stop-on-stdin-eof"
  | "cwd"
  | "env"
  | "clear-env"
  | "containment"
  | "require"
  | "memory"
  | "cpu-time"
  | "processes"
  | "open-files"
  | "file-size"
  | "output"
  | "env-file"
  | "retry"
  | "retry-delay"
  | "lock"
  | "pidfile"
  | "count-suspended"
  | "quiet"
  | "events"
  | "report"
  | "json";

/** The options: an option more is a line here and a field in {@linkcode RunRequest}. */
export const RUN_OPTIONS: readonly OptionSpec<RunOption>[] = [
  {
    name: "timeout",
    short: "t",
    value: "DURATION",
    help: "stop the tree when it has run for this long",
  },
  {
    name: "idle-timeout",
    short: "i",
    value: "DURATION",
    help:
      "stop the tree when it has written nothing for this long; its output goes through pipes then, not to the terminal directly",
  },
  {
    name: "kill-after",
    short: "k",
    alias: "grace",
    value: "DURATION",
    help:
      "how long a stop waits before it kills (5s); 0 kills at once, without a signal before",
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
      "a stop signals COMMAND alone, and the rest of its tree when it has ended (KillMode=mixed); for a COMMAND that passes signals on",
  },
  {
    name: "stop-on-stdin-eof",
    help:
      "stop the tree when standard input ends, as it does when an ssh connection drops or a CI agent goes away; COMMAND gets no standard input then",
  },
  {
    name: "cwd",
    short: "C",
    value: "DIR",
    hint: "directory",
    help: "start in this directory",
  },
  {
    name: "env",
    short: "e",
    value: "NAME=VALUE",
    repeated: true,
    help: "set a variable in COMMAND's environment; may be repeated",
  },
  {
    name: "env-file",
    value: "FILE",
    hint: "file",
    repeated: true,
    help: "set the variables of a file of NAME=value lines; --env wins",
  },
  { name: "clear-env", help: "pass nothing else of the environment on" },
  {
    name: "containment",
    value: "KIND",
    hint: CONTAINMENTS,
    help: `guarantees that are required: ${
      CONTAINMENTS.join(", ")
    }; one that cannot be had is an error ('killable doctor' tells)`,
  },
  {
    name: "require",
    value: "PROMISE[,PROMISE]",
    hint: PROMISES,
    help: `start nothing unless this host keeps: ${
      PROMISES.join(", ")
    } (no limit is one that this program only watches)`,
  },
  {
    name: "memory",
    value: "SIZE",
    help: "end the tree when it uses more memory than this (512M, 2G)",
  },
  {
    name: "cpu-time",
    value: "DURATION",
    help: "end the tree when it has used more processor time than this",
  },
  {
    name: "processes",
    value: "N",
    help: "end the tree when it has more processes than this",
  },
  {
    name: "open-files",
    value: "N",
    help: "no process of the tree can open more files than this",
  },
  {
    name: "file-size",
    value: "SIZE",
    help: "no process of the tree can write a larger file than this",
  },
  {
    name: "output",
    value: "SIZE",
    help:
      "end the tree when it has written more than this; its output goes through pipes then",
  },
  {
    name: "retry",
    value: "N",
    help:
      "start COMMAND again when it has failed or a limit has ended it, N times at most; not after a signal to this program",
  },
  {
    name: "retry-delay",
    value: "FIRST[..MOST]",
    help:
      "how long a retry waits; doubled each time up to MOST, less a random part (1s..30s)",
  },
  {
    name: "lock",
    value: "FILE",
    hint: "file",
    help:
      "one at a time: wait until no other program has locked this file, as flock(1) does; --timeout begins afterwards",
  },
  {
    name: "pidfile",
    value: "FILE",
    hint: "file",
    help: "write COMMAND's process id to this file; removed at the end",
  },
  {
    name: "count-suspended",
    help: "time limits count on while everything is suspended by Ctrl-Z",
  },
  {
    name: "quiet",
    short: "q",
    help: "do not report the processes that were ended when a limit was passed",
  },
  {
    name: "events",
    value: "FILE",
    help:
      "append what happens to FILE as it happens, one line of JSON each: spawned, soft-signal, escalated, limit, exited, tree-empty, survivors",
  },
  {
    name: "report",
    short: "r",
    help:
      "report at the end, on standard error, the exit and the resources used",
  },
  {
    name: "json",
    short: "j",
    help: "the same as one line of JSON, the last one of standard error",
  },
];

/** The request. */
export interface RunRequest {
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Milliseconds, or Infinity. */
  readonly timeout: number;
  /** Milliseconds without output, or Infinity. */
  readonly idleTimeout: number;
  /** Milliseconds between the signal and the kill. */
  readonly grace: number;
  /** The signal that a stop begins with. */
  readonly signal: Deno.Signal;
  /** Whether a stop tells the main process before the others. */
  readonly mainFirst: boolean;
  /** Whether the end of standard input is a reason to stop. */
  readonly stopOnStdinEof: boolean;
  /** The directory, or null for this one. */
  readonly cwd: string | null;
  /** Variables to set. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether only those are there. */
  readonly clearEnv: boolean;
  /** The mechanism that must hold the tree. */
  readonly containment: ContainmentRequest;
  /** What must hold, or nothing is started. */
  readonly require: Requirement;
  /** Limits, or null. */
  readonly limits: Limits | null;
  /** How a failed command is started again. */
  readonly retry: RestartPolicy;
  /** The file to lock, or null. */
  readonly lock: string | null;
  /** The file for the process id, or null. */
  readonly pidfile: string | null;
  /** Whether time limits count on while this program is suspended. */
  readonly countSuspended: boolean;
  /** Whether nothing is said of a limit that was passed. */
  readonly quiet: boolean;
  /** The file for the events, or null. */
  readonly events: string | null;
  /** The amount of the report at the end. */
  readonly report: "none" | "text" | "json";
}

/**
 * Reads.
 *
 * @param given The parsed command line.
 * @returns The request.
 * @throws {UsageError} for a mistake.
 */
export function readRunRequest(given: GivenOptions<RunOption>): RunRequest {
  const [command, ...args] = given.operands;
  if (command === undefined) {
    throw new UsageError(
      "missing command: killable run [OPTION]... -- COMMAND",
    );
  }
  const signal = given.value("signal");
  return {
    command,
    args,
    timeout: limit(given, "timeout"),
    idleTimeout: limit(given, "idle-timeout"),
    grace: duration(given, "kill-after") ?? DEFAULT_GRACE,
    signal: signal === undefined ? "SIGTERM" : parseSignal(signal),
    mainFirst: given.has("main-first"),
    stopOnStdinEof: given.has("stop-on-stdin-eof"),
    cwd: given.value("cwd") ?? null,
    env: {
      ...readEnvFiles(given.values("env-file")),
      ...environment(given.values("env")),
    },
    clearEnv: given.has("clear-env"),
    containment: containment(given.value("containment")),
    require: requirement(given.value("require")),
    limits: limits(given),
    retry: retryPolicy(given),
    lock: given.value("lock") ?? null,
    pidfile: given.value("pidfile") ?? null,
    countSuspended: given.has("count-suspended"),
    quiet: given.has("quiet"),
    events: given.value("events") ?? null,
    report: given.has("json") ? "json" : given.has("report") ? "text" : "none",
  };
}

function retryPolicy(given: GivenOptions<RunOption>): RestartPolicy {
  const count = given.value("retry");
  const [first = "", most] = (given.value("retry-delay") ?? "1s..30s")
    .split("..");
  const delay = parseDuration(first, "--retry-delay");
  return {
    ...RESTART_DEFAULTS,
    mode: count === undefined ? "never" : "on-failure",
    limit: count === undefined ? 0 : parseCount(count, "--retry"),
    window: Infinity,
    resetAfter: Infinity,
    delay,
    maxDelay: most === undefined
      ? Math.max(delay, RESTART_DEFAULTS.maxDelay)
      : parseDuration(most, "--retry-delay"),
  };
}

function duration(
  given: GivenOptions<RunOption>,
  name: RunOption,
): number | undefined {
  const text = given.value(name);
  return text === undefined ? undefined : parseDuration(text, `--${name}`);
}

function limits(given: GivenOptions<RunOption>): Limits | null {
  const found: Limits = {};
  for (const [option, name, parse] of LIMITS) {
    const text = given.value(option);
    if (text !== undefined) found[name] = parse(text, `--${option}`);
  }
  return Object.keys(found).length > 0 ? found : null;
}

const LIMITS: readonly (readonly [
  RunOption,
  LimitName,
  (text: string, option: string) => number,
])[] = [
  ["memory", "memory", parseSize],
  ["cpu-time", "cpuTime", parseDuration],
  ["processes", "processes", parseCount],
  ["open-files", "openFiles", parseCount],
  ["file-size", "fileSize", parseSize],
  ["output", "output", parseSize],
];

/** A limit of 0 is none, as for GNU timeout. */
function limit(given: GivenOptions<RunOption>, name: RunOption): number {
  return duration(given, name) || Infinity;
}

function environment(pairs: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const pair of pairs) {
    // The value may be a secret: it is in no message.
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError("invalid --env: write it like NAME=VALUE");
    env[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return env;
}

function requirement(list: string | undefined): Requirement {
  const words = list === undefined ? [] : list.split(",");
  for (const word of words) {
    if (PROMISES.includes(word)) continue;
    throw new UsageError(
      `invalid --require '${word}': choose from ${PROMISES.join(", ")}`,
    );
  }
  return {
    holdsEscapees: words.includes("holds-escapees"),
    endsWithParent: words.includes("ends-with-parent"),
    ...words.includes("kernel-limits") ? { limits: "kernel" } : {},
  };
}

function containment(name: string | undefined): ContainmentRequest {
  const found = CONTAINMENTS.find((one) => one === (name ?? "auto"));
  if (found !== undefined) return found;
  throw new UsageError(
    `invalid --containment '${name}': choose from ${CONTAINMENTS.join(", ")}`,
  );
}
