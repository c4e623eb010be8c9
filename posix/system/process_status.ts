/**
 * The state of a process in detail: `/proc/<pid>/status`, `wchan` and its cgroup on
 * Linux (proc(5), cgroups(7)); on macOS the process table alone.
 *
 * @module
 */

import { type Explanation, reasonsOf } from "../../backend/explanation.ts";
import { LINUX_SIGNALS, signalName } from "../../backend/signals.ts";
import { EPERM } from "./errno.ts";
import { bindErrno, DARWIN, errno, libc } from "./libc.ts";
import { readProcFile, stateName } from "./proc_files.ts";
import { processTable } from "./process_table.ts";

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
 * @returns The facts and the reasons; `null` when there is no such process.
 */
export function explainProcess(pid: number): Explanation | null {
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
  return { ...facts, reasons: reasonsOf(facts) };
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
