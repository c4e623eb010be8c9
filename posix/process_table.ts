/**
 * The process table: `/proc` on Linux, libproc on macOS, behind one interface,
 * so that what is decided from it can be tested with a made-up one.
 *
 * @module
 */

import type { ProcessInfo } from "../backend.ts";
import { buffer } from "../ffi/pointer.ts";
import { DARWIN, libcDarwin } from "./libc.ts";
import {
  lastPid,
  listPids,
  readCommandLine,
  readStat,
  startTimeOf,
} from "./proc_files.ts";
import { numbersHold } from "./quick_empty.ts";
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
  /** A start time of `stat` in milliseconds since the epoch. */
  startTime(startTicks: number): number;
}

const LINUX_TABLE: ProcessTable = {
  pids: listPids,
  newest: lastPid,
  numbersHold,
  stat: readStat,
  commandLine: readCommandLine,
  startTime: startTimeOf,
};

// struct proc_bsdinfo (<sys/proc_info.h>), 136 bytes: pbi_status 4/4, pbi_pid
// 12/4, pbi_ppid 16/4, pbi_comm 48/16, pbi_name 64/32, pbi_pgid 100/4,
// pbi_start_tvsec 120/8, pbi_start_tvusec 128/8.
const PROC_PIDTBSDINFO = 3;
const BSDINFO_SIZE = 136;
const SZOMB = 5;
const SSTOP = 4;

/**
 * Takes a `struct proc_bsdinfo` apart: pure, tested on every OS.
 *
 * @param bytes The structure.
 * @returns The fields; the start time is in microseconds since the epoch.
 */
export function parseBsdInfo(bytes: Uint8Array<ArrayBuffer>): ProcStat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BSDINFO_SIZE);
  const status = view.getUint32(4, true);
  const name = cText(bytes.subarray(64, 96)) || cText(bytes.subarray(48, 64));
  return {
    pid: view.getUint32(12, true),
    name,
    state: status === SZOMB ? "Z" : status === SSTOP ? "T" : "R",
    ppid: view.getUint32(16, true),
    pgrp: view.getUint32(100, true),
    session: 0,
    startTicks: Number(view.getBigUint64(120, true)) * 1e6 +
      Number(view.getBigUint64(128, true)),
  };
}

// struct proc_uniqidentifierinfo (<sys/proc_info.h>), 56 bytes: p_uuid 0/16,
// p_uniqueid 16/8, p_puniqueid 24/8.
const PROC_PIDUNIQIDENTIFIERINFO = 17;
const UNIQUE_SIZE = 56;

/**
 * Adds what `struct proc_uniqidentifierinfo` tells: pure, tested on every OS.
 *
 * @param stat The fields of `struct proc_bsdinfo`.
 * @param bytes The structure.
 * @returns All fields.
 */
export function withUniqueIds(
  stat: ProcStat,
  bytes: Uint8Array<ArrayBuffer>,
): ProcStat {
  const view = new DataView(bytes.buffer, bytes.byteOffset, UNIQUE_SIZE);
  return {
    ...stat,
    uniqueId: view.getBigUint64(16, true),
    parentUniqueId: view.getBigUint64(24, true),
  };
}

function pidInfo(
  pid: number,
  flavor: number,
  size: number,
): Uint8Array<ArrayBuffer> | null {
  const bytes = buffer(size);
  const n = libcDarwin().proc_pidinfo(pid, flavor, 0n, bytes, size);
  return n === size ? bytes : null;
}

function cText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

const DARWIN_TABLE: ProcessTable = {
  pids(): number[] | null {
    const c = libcDarwin();
    // A first call tells the size; the table may grow before the second.
    const estimate = c.proc_listallpids(null, 0) + 64;
    if (estimate <= 64) return null;
    const list = new Int32Array(estimate);
    const count = c.proc_listallpids(
      new Uint8Array(list.buffer),
      list.byteLength,
    );
    const pids: number[] = [];
    for (let i = 0; i < count; i++) pids.push(list[i] as number);
    return pids.sort((a, b) => b - a);
  },
  stat(pid: number): ProcStat | null {
    const info = pidInfo(pid, PROC_PIDTBSDINFO, BSDINFO_SIZE);
    if (info === null) return null;
    const stat = parseBsdInfo(info);
    const ids = pidInfo(pid, PROC_PIDUNIQIDENTIFIERINFO, UNIQUE_SIZE);
    return ids === null ? stat : withUniqueIds(stat, ids);
  },
  commandLine(): string | null {
    return null;
  },
  startTime(startTicks: number): number {
    return startTicks / 1000;
  },
};

/** The table of this operating system. */
export function processTable(): ProcessTable {
  return DARWIN ? DARWIN_TABLE : LINUX_TABLE;
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
    startTime: table.startTime(stat.startTicks),
  };
}
