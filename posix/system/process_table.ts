/**
 * The process table: `/proc` on Linux, libproc on macOS, behind one interface,
 * so that decisions made from it can be tested with a made-up one; and the state of
 * one process in detail, with the reasons why it does not end: `/proc/<pid>/status`,
 * `wchan` and its cgroup on Linux (proc(5), cgroups(7)).
 *
 * @module
 */

import type { Explanation, ProcessInfo } from "../../backend/containment.ts";
import { LINUX_SIGNALS, signalName } from "../../backend/signals.ts";
import { buffer } from "../../ffi/library.ts";
import { EPERM } from "./errno.ts";
import { bindErrno, DARWIN, errno, libc, libcDarwin } from "./libc.ts";
import {
  lastPid,
  listChildren,
  listPids,
  numbersHold,
  type ProcessTable,
  type ProcStat,
  readCommandLine,
  readProcFile,
  readStat,
  startTimeOf,
  stateName,
} from "./proc_files.ts";

const LINUX_TABLE: ProcessTable = {
  pids: listPids,
  newest: lastPid,
  numbersHold,
  stat: readStat,
  children: listChildren,
  commandLine: readCommandLine,
  startTime: ({ startTicks }) => startTimeOf(startTicks),
};

const TABLE = DARWIN ? libprocTable(libcDarwin) : LINUX_TABLE;

/** The table of this operating system. */
export function processTable(): ProcessTable {
  return TABLE;
}

/**
 * The public form of a process's entry.
 *
 * @param stat The entry.
 * @param table The process table, for the rest.
 * @param withCommand Whether the command line is read.
 * @returns The public form.
 */
export function describe(
  stat: ProcStat,
  table: ProcessTable,
  withCommand = true,
): ProcessInfo {
  const line = withCommand ? table.commandLine(stat.pid) : null;
  return {
    pid: stat.pid,
    ppid: stat.ppid,
    name: stat.name,
    command: line || stat.name,
    state: stateName(stat.state),
    startTime: table.startTime(stat),
  };
}

/**
 * The public form of many entries.
 *
 * @param stats The entries, newest first.
 * @param table The process table, for the rest.
 * @param commands The command lines of so many, the oldest, are read.
 * @returns The public forms, oldest first, as a tree is read.
 */
export function describeAll(
  stats: readonly ProcStat[],
  table: ProcessTable,
  commands: number = Infinity,
): ProcessInfo[] {
  const infos: ProcessInfo[] = [];
  for (let i = stats.length - 1; i >= 0; i--) {
    const withCommand = infos.length < commands;
    infos[infos.length] = describe(stats[i] as ProcStat, table, withCommand);
  }
  return infos;
}

// The process table of macOS: libproc (`<libproc.h>`, `<sys/proc_info.h>`).
//
// The short form of a process and its unique ids may be read by any user, the long
// form only by the process's own: so membership is decided by the first two. A process
// of another user that looked like one that is gone would keep every look at all
// processes from settling.

// struct proc_bsdshortinfo, 64 bytes: pbsi_pid 0/4, pbsi_ppid 4/4, pbsi_pgid 8/4,
// pbsi_status 12/4, pbsi_comm 16/16.
const PROC_PIDT_SHORTBSDINFO = 13;

const SHORTBSDINFO_SIZE = 64;
const SSTOP = 4;
const SZOMB = 5;

// struct proc_uniqidentifierinfo, 56 bytes: p_uuid 0/16, p_uniqueid 16/8,
// p_puniqueid 24/8.
const PROC_PIDUNIQIDENTIFIERINFO = 17;

const UNIQUE_SIZE = 56;

// struct proc_bsdinfo, 136 bytes: pbi_start_tvsec 120/8, pbi_start_tvusec 128/8.
const PROC_PIDTBSDINFO = 3;
const BSDINFO_SIZE = 136;

// The argument that has the kernel answer for a zombie, too: without it, one that
// has ended and is not yet reaped looks like one that is gone.
const ZOMBIES_TOO = 1n;

const CTL_KERN = 1;
const KERN_PROCARGS2 = 49;

// ARG_MAX of <sys/syslimits.h>: no arguments are longer.
const ARG_MAX = 1 << 20;

// Nothing keeps a view of it.
let space: Uint8Array<ArrayBuffer> | null = null;

/**
 * Takes a `struct proc_bsdshortinfo` and a `struct proc_uniqidentifierinfo`
 * apart: pure, tested on every OS.
 *
 * @param info The first.
 * @param ids The second.
 * @returns The fields. The start is the unique id: it rises with each fork, stays
 * at an exec, and is given once.
 */
export function parseProcess(
  info: Uint8Array<ArrayBuffer>,
  ids: Uint8Array<ArrayBuffer>,
): ProcStat {
  const view = new DataView(info.buffer, info.byteOffset, SHORTBSDINFO_SIZE);
  const unique = new DataView(ids.buffer, ids.byteOffset, UNIQUE_SIZE);
  const status = view.getUint32(12, true);
  const uniqueId = unique.getBigUint64(16, true);
  return {
    pid: view.getUint32(0, true),
    name: cText(info.subarray(16, 32)),
    state: status === SZOMB ? "Z" : status === SSTOP ? "T" : "R",
    ppid: view.getUint32(4, true),
    pgrp: view.getUint32(8, true),
    session: 0,
    startTicks: Number(uniqueId),
    uniqueId,
    parentUniqueId: unique.getBigUint64(24, true),
  };
}

/**
 * When a process was started, from its `struct proc_bsdinfo`: pure.
 *
 * @param bytes The structure.
 * @returns Milliseconds since the epoch.
 */
export function parseStartTime(bytes: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BSDINFO_SIZE);
  return Number(view.getBigUint64(120, true)) * 1000 +
    Number(view.getBigUint64(128, true)) / 1000;
}

/**
 * The arguments in what `KERN_PROCARGS2` tells (sysctl(3)): their number, the path
 * of the program, zeros up to a boundary, the arguments, the environment. Pure.
 *
 * @param bytes The answer.
 * @returns The arguments joined by spaces, or `null` when it is not that.
 */
export function parseArguments(bytes: Uint8Array<ArrayBuffer>): string | null {
  if (bytes.length < 4) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let left = view.getInt32(0, true);
  let at = bytes.indexOf(0, 4);
  while (at >= 0 && bytes[at] === 0) at++;
  const words: string[] = [];
  while (left-- > 0 && at >= 0 && at < bytes.length) {
    const rest = bytes.subarray(at);
    words[words.length] = cText(rest);
    const end = rest.indexOf(0);
    at = end < 0 ? -1 : at + end + 1;
  }
  return words.length > 0 ? words.join(" ") : null;
}

function cText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The calls to the kernel. */
export type LibprocCalls = Pick<
  ReturnType<typeof libcDarwin>,
  "proc_listallpids" | "proc_pidinfo" | "sysctl"
>;

/**
 * The process table of macOS.
 *
 * @param calls The C library, opened when it is needed; a made-up one in tests.
 * @returns The table.
 */
export function libprocTable(calls: () => LibprocCalls): ProcessTable {
  const pidInfo = (
    pid: number,
    flavor: number,
    size: number,
  ): Uint8Array<ArrayBuffer> | null => {
    const bytes = buffer(size);
    const n = calls().proc_pidinfo(pid, flavor, ZOMBIES_TOO, bytes, size);
    return n === size ? bytes : null;
  };
  return {
    pids: () => libprocPids(calls()),
    stat(pid: number): ProcStat | null {
      const info = pidInfo(pid, PROC_PIDT_SHORTBSDINFO, SHORTBSDINFO_SIZE);
      if (info === null) return null;
      const ids = pidInfo(pid, PROC_PIDUNIQIDENTIFIERINFO, UNIQUE_SIZE);
      return ids === null ? null : parseProcess(info, ids);
    },
    commandLine: (pid) => readArguments(calls(), pid),
    startTime({ pid }: ProcStat): number {
      const bytes = pidInfo(pid, PROC_PIDTBSDINFO, BSDINFO_SIZE);
      return bytes === null ? NaN : parseStartTime(bytes);
    },
  };
}

function libprocPids(c: LibprocCalls): number[] | null {
  // A first call tells the size; the table may grow before the second.
  const estimate = c.proc_listallpids(null, 0) + 64;
  if (estimate <= 64) return null;
  const list = new Int32Array(estimate);
  const bytes = new Uint8Array(list.buffer);
  const count = c.proc_listallpids(bytes, list.byteLength);
  // One that fills the list may be half of it.
  if (count <= 0 || count >= estimate) return null;
  const pids: number[] = [];
  for (let i = 0; i < count; i++) pids.push(list[i] as number);
  return pids.sort((a, b) => b - a);
}

function readArguments(c: LibprocCalls, pid: number): string | null {
  const name = new Int32Array(3);
  name[0] = CTL_KERN;
  name[1] = KERN_PROCARGS2;
  name[2] = pid;
  const bytes = space ??= buffer(ARG_MAX);
  const size = new BigUint64Array(1).fill(BigInt(ARG_MAX));
  const rc = c.sysctl(
    new Uint8Array(name.buffer),
    name.length,
    bytes,
    new Uint8Array(size.buffer),
    null,
    0n,
  );
  // EINVAL: another user's, or a zombie's.
  return rc === 0 ? parseArguments(bytes.subarray(0, Number(size[0]))) : null;
}

/** The fields of `/proc/<pid>/status` that tell how it reacts to signals. */
export interface SignalStatus {
  /** Real user id. */
  readonly uid: number | null;
  /** The tracing process, or 0. */
  readonly tracer: number;
  /** Ignored signals (SigIgn). */
  readonly ignored: string[];
  /** Signals blocked by the main thread (SigBlk). */
  readonly blocked: string[];
  /** Handled signals (SigCgt). */
  readonly caught: string[];
  /** Pending signals of the main thread and the process (SigPnd, ShdPnd). */
  readonly pending: string[];
}

/**
 * Parses `/proc/<pid>/status`: pure, tested on every OS.
 *
 * @param text The file's content.
 * @returns The fields; a missing one is empty.
 */
export function parseStatus(text: string): SignalStatus {
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(text)?.[1] ?? "";
  const uid = field("Uid");
  return {
    uid: uid === "" ? null : Number(uid),
    tracer: Number(field("TracerPid")),
    ignored: signalsOf(mask(field("SigIgn"))),
    blocked: signalsOf(mask(field("SigBlk"))),
    caught: signalsOf(mask(field("SigCgt"))),
    pending: signalsOf(mask(field("SigPnd")) | mask(field("ShdPnd"))),
  };
}

function mask(hex: string): bigint {
  return /^[0-9a-f]+$/.test(hex) ? BigInt(`0x${hex}`) : 0n;
}

// Bit n - 1 is signal n; real-time signals have no names here.
function signalsOf(bits: bigint): string[] {
  const names: string[] = [];
  for (let number = 1; number < 32; number++) {
    if ((bits >> BigInt(number - 1) & 1n) === 0n) continue;
    const name = signalName(LINUX_SIGNALS, number);
    if (name !== null) names[names.length] = name;
  }
  return names;
}

const NOTHING_KNOWN = {
  uid: null,
  ignored: null,
  blocked: null,
  caught: null,
  pending: null,
  tracer: null,
  frozen: null,
  waitsIn: null,
};

/**
 * Explains why a process still lives.
 *
 * @param pid The process.
 * @param signals Those that it was to end by.
 * @returns The facts and the reasons; `null` when there is no such process.
 */
export function explainProcess(
  pid: number,
  signals: readonly string[] = ENDING,
): Explanation | null {
  bindErrno();
  const table = processTable();
  const stat = table.stat(pid);
  if (stat === null) return null;
  const facts = {
    ...NOTHING_KNOWN,
    pid,
    name: stat.name,
    state: stateName(stat.state),
    parent: named(stat.ppid),
    maySignal: libc().kill(pid, 0) === 0 || errno() !== EPERM,
    ...(DARWIN ? {} : linuxFacts(pid)),
  };
  return { ...facts, reasons: reasonsOf(facts, signals) };
}

function linuxFacts(pid: number): Partial<Explanation> {
  const text = readProcFile(`/proc/${pid}/status`);
  if (text === null) return {};
  const { tracer, ...signals } = parseStatus(text);
  const wchan = readProcFile(`/proc/${pid}/wchan`);
  return {
    ...signals,
    tracer: named(tracer),
    frozen: frozenCgroup(readProcFile(`/proc/${pid}/cgroup`) ?? ""),
    // 0: it runs, or the kernel does not tell.
    waitsIn: wchan === null || wchan === "0" ? null : wchan,
  };
}

function named(pid: number): Explanation["parent"] {
  const stat = pid > 0 ? processTable().stat(pid) : null;
  return stat === null ? null : { pid, name: stat.name };
}

// Where systemd and container runtimes mount cgroup v2, alone or beside version 1.
const CGROUP_ROOTS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
const FREEZER_ROOT = "/sys/fs/cgroup/freezer";

// A group below a frozen one is frozen, too, and says so.
function frozenCgroup(groups: string): string | null {
  const unified = /^0::(\/.*)$/m.exec(groups)?.[1];
  for (let i = 0; unified !== undefined && i < CGROUP_ROOTS.length; i++) {
    const events = readProcFile(
      `${CGROUP_ROOTS[i]}${unified}/cgroup.events`,
    );
    if (events !== null && /^frozen 1$/m.test(events)) return unified;
  }
  const first = /^\d+:(?:.*,)?freezer(?:,.*)?:(\/.*)$/m.exec(groups)?.[1];
  if (first === undefined) return null;
  const state = readProcFile(`${FREEZER_ROOT}${first}/freezer.state`) ?? "";
  return /^FR(OZEN|EEZING)/.test(state) ? first : null;
}

// Signals that are sent to end a program.
const ENDING: readonly string[] = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"];

/**
 * The reasons that follow from the facts.
 *
 * @param facts The facts.
 * @param signals Those that the process was to end by.
 * @returns One sentence each.
 */
export function reasonsOf(
  facts: Omit<Explanation, "reasons">,
  signals: readonly string[] = ENDING,
): string[] {
  const { state, parent, tracer, frozen, waitsIn } = facts;
  const reasons: string[] = [];
  const add = (reason: string): void => {
    reasons[reasons.length] = reason;
  };
  if (state === "zombie") {
    const by = parent === null
      ? "its parent"
      : `${parent.name} (${parent.pid})`;
    add(`it has ended and runs no more; ${by} has not reaped it`);
    return reasons;
  }
  if (!facts.maySignal) {
    const user = facts.uid === null ? "another user" : `user ${facts.uid}`;
    add(`it belongs to ${user}, and this process may not signal it`);
  }
  if (frozen !== null) add(`its cgroup ${frozen} is frozen`);
  if (state === "uninterruptible") {
    const where = waitsIn === null ? "" : ` (in ${waitsIn})`;
    add(
      `it is in an uninterruptible wait${where}, in which no signal has an effect`,
    );
  }
  if (tracer !== null) add(`${tracer.name} (${tracer.pid}) traces it`);
  if (state === "stopped") {
    add("it is stopped, and handles no signal before SIGCONT");
  }
  const named = (list: readonly string[] | null): string =>
    signals.filter((name) => list?.includes(name)).join(", ");
  const ignored = named(facts.ignored);
  const blocked = named(facts.blocked);
  const caught = named(facts.caught);
  if (ignored !== "") add(`it ignores ${ignored}`);
  if (blocked !== "") add(`it blocks ${blocked}`);
  if (caught !== "") add(`it handles ${caught} itself`);
  if (facts.pending?.includes("SIGKILL")) add("its SIGKILL is pending");
  return reasons;
}
