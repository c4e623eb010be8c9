/**
 * The end of a run of several commands, in words, in JSON and as an exit status.
 *
 * @module
 */

import type { StopReport } from "../../backend/native.ts";
import { LINUX_SIGNALS } from "../../backend/signals.ts";
import { formatDuration } from "../arguments/operands.ts";
import { SIGNALS } from "../arguments/signal_operand.ts";
import { spawnFailure, STATUS_OWN_FAILURE } from "../run/spawn_failure.ts";
import { type EndReason, howEnded, type ServiceRun } from "./runner.ts";

const STATUS_TIMED_OUT = 124;
// SIGPIPE has one number on all POSIX systems; Windows has no such signal.
const STATUS_SIGPIPE = 128 + LINUX_SIGNALS["SIGPIPE"]!;

/**
 * The cause that ended all commands, in words.
 *
 * @param reason The reason.
 * @param failed The commands that failed.
 * @returns The words; `null` where all ended well.
 */
export function lastLine(
  reason: EndReason,
  failed: readonly ServiceRun[],
): string | null {
  switch (reason.kind) {
    case "done": {
      const [first] = failed;
      return first === undefined
        ? null
        : `'${first.name}' ${howEnded(first.status!)}`;
    }
    case "command": {
      const { name, status } = reason.service;
      return `'${name}' ${howEnded(status!)}`;
    }
    case "restarts": {
      const { name, status, restarts } = reason.service;
      return `'${name}' ${howEnded(status!)} after ${restarts.count} restarts`;
    }
    case "dependency":
      return `'${reason.service.name}' cannot start: '${reason.other}' ended before`;
    case "start":
      return `'${reason.service.name}': ${
        spawnFailure("sh", reason.error).message
      }`;
    case "signal":
      return `stopped by ${reason.signal}`;
    case "timeout":
      return "the time was up";
    case "reader":
      return `the reader of ${
        reason.output === "stdout" ? "standard output" : "standard error"
      } has gone`;
    case "failure":
      return (reason.error as Error).message;
  }
}

/**
 * The exit status.
 *
 * @param reason The reason.
 * @param failed The commands that failed.
 * @returns A status; for a signal that of a shell.
 */
export function exitStatus(
  reason: EndReason,
  failed: readonly ServiceRun[],
): number {
  switch (reason.kind) {
    case "done":
      return codeOf(failed[0], 0);
    case "command":
      return codeOf(reason.service, 0);
    case "restarts":
      return codeOf(reason.service, STATUS_OWN_FAILURE);
    case "signal":
      return 128 + (SIGNALS[reason.signal] ?? 0);
    case "timeout":
      return STATUS_TIMED_OUT;
    case "reader":
      return STATUS_SIGPIPE;
    case "start":
      return spawnFailure("sh", reason.error).status;
    case "dependency":
    case "failure":
      return STATUS_OWN_FAILURE;
  }
}

// A code that does not fit in eight bits (Windows has 32) must not become 0.
function codeOf(service: ServiceRun | undefined, fallback: number): number {
  const code = service?.status?.code ?? 0;
  if (code === 0) return fallback;
  return (code & 0xff) || STATUS_OWN_FAILURE;
}

/**
 * The outcome as JSON.
 *
 * @param reason The reason.
 * @param runs The commands.
 * @param failed Those that failed.
 * @param stop The report of the stop.
 * @returns An object for `JSON.stringify`.
 */
export function summary(
  reason: EndReason,
  runs: readonly ServiceRun[],
  failed: readonly ServiceRun[],
  stop: StopReport,
): unknown {
  return {
    success: exitStatus(reason, failed) === 0,
    timedOut: reason.kind === "timeout",
    reason: reason.kind,
    by: "service" in reason
      ? reason.service.name
      : "signal" in reason
      ? reason.signal
      : null,
    commands: runs.map((one) => ({
      name: one.name,
      command: one.spec.line,
      pid: one.child?.pid ?? null,
      code: one.status?.code ?? null,
      signal: one.status?.signal ?? null,
      killed: one.status?.killed ?? false,
      restarts: one.restarts.count,
      elapsed: one.startedAt === null
        ? null
        : (one.endedAt ?? performance.now()) - one.startedAt,
    })),
    stop,
  };
}

/**
 * A table of the times.
 *
 * @param runs The commands.
 * @param began When the whole run began, on the clock of `performance.now()`.
 * @returns A line for each.
 */
export function timings(runs: readonly ServiceRun[], began: number): string[] {
  const width = Math.max(...runs.map(({ name }) => name.length));
  return runs.map((one) => {
    const name = one.name.padEnd(width);
    if (one.startedAt === null) return `${name}  not started`;
    const start = formatDuration(one.startedAt - began);
    const ran = formatDuration(
      (one.endedAt ?? performance.now()) - one.startedAt,
    );
    const count = one.restarts.count;
    const again = count === 0
      ? ""
      : `, ${count} ${count === 1 ? "restart" : "restarts"}`;
    const how = one.status === null ? "" : `, ${howEnded(one.status)}`;
    return `${name}  ran ${ran} from ${start}${how}${again}`;
  });
}
