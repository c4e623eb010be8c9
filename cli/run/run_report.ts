/**
 * The report of `run` at the end.
 *
 * @module
 */

import type { Containment } from "../../backend/containment.ts";
import type { LimitName, ResourceUsage } from "../../backend/usage.ts";
import type { StopReport } from "../../backend/native.ts";
import { formatDuration, formatSize } from "../arguments/operands.ts";

/** Why a run came to its end. */
export type EndReason =
  | "exited"
  | "timeout"
  | "idle"
  | "signal"
  | "stdin-eof"
  | "limit";

/** The outcome of a run. */
export interface RunReport {
  /** The program. */
  readonly command: string;
  /** Why it ended: by itself, or the cause that stopped it. */
  readonly reason: EndReason;
  /** The exit status of this program. */
  readonly exitStatus: number;
  /** The program's exit code; `128 + n` for death by signal n. */
  readonly code: number;
  /** The signal that ended the program, or null. */
  readonly signal: Deno.Signal | null;
  /** The limit that ended it, or null. */
  readonly limit: LimitName | null;
  /** The resources that the tree has used. */
  readonly usage: ResourceUsage;
  /** Milliseconds from the start until the tree was gone. */
  readonly elapsed: number;
  /** The mechanism that held the tree. */
  readonly containment: Containment;
  /** The stop that ended the tree; with a signal of null no process was left to end. */
  readonly stop: StopReport;
}

const REASONS: Readonly<Record<EndReason, string>> = {
  exited: "ended by itself",
  timeout: "stopped, its time was up",
  idle: "stopped, it wrote nothing",
  signal: "stopped by a signal",
  "stdin-eof": "stopped, standard input ended",
  limit: "ended, a limit was passed",
};

/**
 * Words a report.
 *
 * @param report The report.
 * @returns Lines.
 */
export function reportLines(report: RunReport): string[] {
  const { command, reason, code, signal, elapsed, containment, stop } = report;
  const cause = report.limit === null ? "" : `${report.limit}, `;
  const how = cause + (signal === null ? `exit code ${code}` : `${signal}`);
  const after = formatDuration(elapsed);
  const holds = containment.holdsEscapees
    ? "holds what leaves its process group"
    : "does not hold what leaves its process group";
  const parent = containment.endsWithParent
    ? "ends with its parent"
    : "does not end with its parent";
  return [
    `${command}: ${REASONS[reason]} (${how}) after ${after}`,
    `  tree: ${stopLine(stop)}`,
    `  used: ${usageLine(report.usage)}`,
    `  containment: ${containment.mechanism}, ${holds}, ${parent}`,
    ...containment.notes.map((note) => `  note: ${note}`),
  ];
}

/**
 * One line for a run that a limit has ended: the processes ended, and the reason.
 *
 * @param report The report.
 * @returns The line.
 */
export function endLine(report: RunReport): string {
  const { command, limit, reason, elapsed, stop } = report;
  const why = limit === null
    ? REASONS[reason]
    : `ended, over its limit '${limit}'`;
  return `${command}: ${why} after ${formatDuration(elapsed)}: ${
    stopLine(stop)
  }`;
}

/**
 * Words the resources used.
 *
 * @param usage The figures.
 * @returns A phrase; unknown figures are left out.
 */
export function usageLine(usage: ResourceUsage): string {
  const { userTime, systemTime, peakMemory, majorFaults } = usage;
  const parts: string[] = [];
  if (userTime !== null) parts.push(`${formatDuration(userTime)} user`);
  if (systemTime !== null) parts.push(`${formatDuration(systemTime)} system`);
  if (peakMemory !== null) parts.push(`${formatSize(peakMemory)} at most`);
  if (majorFaults) parts.push(`${majorFaults} page faults from storage`);
  return parts.length === 0 ? "not known" : parts.join(", ");
}

/**
 * Words a stop.
 *
 * @param stop Its report.
 * @returns A phrase.
 */
export function stopLine(stop: StopReport): string {
  const doubt = stop.unproven === null ? "" : ` (not proved: ${stop.unproven})`;
  if (stop.signal === null && stop.escalated === 0) {
    return `nothing was left${doubt}`;
  }
  const soft = stop.signal === null
    ? []
    : [`${stop.signal} to ${processes(stop.signalled)}`];
  const hard = stop.escalated === 0
    ? []
    : [`SIGKILL to ${processes(stop.escalated)}`];
  const what = [...soft, ...hard].join(", then ");
  return `${what}; gone after ${formatDuration(stop.elapsed)}${doubt}${
    reasonsLine(stop)
  }`;
}

const NAMED = 3;

// What outlived its grace, and why.
function reasonsLine({ processes }: StopReport): string {
  const known = processes.filter(({ reason }) => reason !== null);
  const named = known.slice(0, NAMED).map(({ pid, name, reason }) =>
    `; ${name} ${pid}: ${reason}`
  );
  const more = known.length - named.length;
  return named.join("") + (more > 0 ? `; and ${more} more` : "");
}

function processes(count: number): string {
  return count === 1 ? "1 process" : `${count} processes`;
}
