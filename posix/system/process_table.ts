/**
 * The process table: `/proc` on Linux, libproc on macOS, behind one interface,
 * so that what is decided from it can be tested with a made-up one.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/backend.ts";
import { DARWIN, libcDarwin } from "./libc.ts";
import { libprocTable } from "./libproc.ts";
import {
  lastPid,
  listPids,
  readCommandLine,
  readStat,
  startTimeOf,
} from "./proc_files.ts";
import { numbersHold } from "../containment/quick_proof.ts";
import { type ProcStat, stateName } from "./proc_stat.ts";

/** How to ask for processes. */
export interface ProcessTable {
  /** All pids, newest first; `null` when the table cannot be read. */
  pids(): number[] | null;
  /** The number given last, to a process or a thread; where the OS tells. */
  newest?(): number;
  /**
   * Whether no number can have been given again since the newest was this one,
   * that many milliseconds ago.
   */
  numbersHold?(newest: number, ageMs: number): boolean;
  /** One process, or `null` when there is none with this number. */
  stat(pid: number): ProcStat | null;
  /** Its command line, or `null`. */
  commandLine(pid: number): string | null;
  /** When a process was started, in milliseconds since the epoch; NaN: not known. */
  startTime(stat: ProcStat): number;
}

const LINUX_TABLE: ProcessTable = {
  pids: listPids,
  newest: lastPid,
  numbersHold,
  stat: readStat,
  commandLine: readCommandLine,
  startTime: ({ startTicks }) => startTimeOf(startTicks),
};

const TABLE = DARWIN ? libprocTable(libcDarwin) : LINUX_TABLE;

/** The table of this operating system. */
export function processTable(): ProcessTable {
  return TABLE;
}

/**
 * What a caller is shown of a process.
 *
 * @param stat Its entry.
 * @param table Where to ask for the rest.
 * @returns The public form.
 */
export function describe(stat: ProcStat, table: ProcessTable): ProcessInfo {
  return {
    pid: stat.pid,
    ppid: stat.ppid,
    name: stat.name,
    command: table.commandLine(stat.pid) || stat.name,
    state: stateName(stat.state),
    startTime: table.startTime(stat),
  };
}
