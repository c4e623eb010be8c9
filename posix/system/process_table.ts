/**
 * The process table: `/proc` on Linux, libproc on macOS, behind one interface,
 * so that what is decided from it can be tested with a made-up one.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { DARWIN, libcDarwin } from "./libc.ts";
import { libprocTable } from "./libproc.ts";
import {
  lastPid,
  listPids,
  numbersHold,
  readCommandLine,
  readStat,
  startTimeOf,
} from "./proc_files.ts";
import { type ProcessTable, type ProcStat, stateName } from "./proc_stat.ts";

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
