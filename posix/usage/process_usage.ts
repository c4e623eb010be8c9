/**
 * Looking at what one process has used: `/proc` on Linux, libproc on macOS.
 *
 * @module
 */

import { cString } from "../../ffi/c_string.ts";
import { buffer } from "../../ffi/pointer.ts";
import { bindErrno, DARWIN, libcDarwin, libcUsage } from "../system/libc.ts";
import { readProcFile } from "../system/proc_files.ts";
import { decodeRusage, RUSAGE_SIZE } from "../wait/status.ts";

const KB = 1024;
const F_OK = 0;

/** How to ask what processes have used. */
export interface UsageTable {
  /** Whether the figures of a process include those of children it waited for. */
  readonly inherits: boolean;
  /**
   * What a process has used, with peak and I/O when `full`; `null` when it is
   * gone or may not be looked at.
   */
  figures(pid: number, full: boolean): ProcessFigures | null;
  /** Its bytes of memory with shared pages counted in parts; `null`: not known. */
  proportional(pid: number): number | null;
  /** Whether it has this limit of descriptors, and has reached it. */
  hasAllDescriptors(pid: number, limit: number): boolean;
}

const LINUX: UsageTable = {
  inherits: true,
  figures(pid: number, full: boolean): ProcessFigures | null {
    const text = readProcFile(`/proc/${pid}/stat`);
    if (text === null) return null;
    const figures = figuresOfStat(text, pageSize());
    if (figures === null || !full) return figures;
    // Another user's may not be read: proc_pid_io(5) asks for ptrace rights.
    const io = readProcFile(`/proc/${pid}/io`) ?? "";
    const status = readProcFile(`/proc/${pid}/status`) ?? "";
    const peak = numberOf(status, "VmHWM");
    return {
      ...figures,
      peakMemory: peak === null ? null : peak * KB,
      readBytes: numberOf(io, "read_bytes"),
      writeBytes: numberOf(io, "write_bytes"),
    };
  },
  proportional(pid: number): number | null {
    const text = readProcFile(`/proc/${pid}/smaps_rollup`);
    const kb = text === null ? null : numberOf(text, "Pss");
    return kb === null ? null : kb * KB;
  },
  // The lowest free number is the one that is given, so the last allowed number is
  // in use exactly when the limit is reached.
  hasAllDescriptors(pid: number, limit: number): boolean {
    const last = cString(`/proc/${pid}/fd/${limit - 1}`);
    if (libcUsage().access(last, F_OK) !== 0) return false;
    // A shell that has not become the program yet limits itself last, and has
    // descriptors of its own before.
    const limits = readProcFile(`/proc/${pid}/limits`) ?? "";
    const soft = /^Max open files +(\d+)/m.exec(limits)?.[1];
    return soft !== undefined && Number(soft) <= limit;
  },
};

const PROC_PIDTASKINFO = 4;

const MACOS: UsageTable = {
  inherits: false,
  figures(pid: number): ProcessFigures | null {
    const bytes = buffer(TASKINFO_SIZE);
    const n = libcDarwin().proc_pidinfo(
      pid,
      PROC_PIDTASKINFO,
      0n,
      bytes,
      TASKINFO_SIZE,
    );
    return n === TASKINFO_SIZE
      ? figuresOfTaskInfo(bytes, nanosecondsPerTick())
      : null;
  },
  proportional(): null {
    return null;
  },
  hasAllDescriptors(): boolean {
    return false;
  },
};

const usageOfSelf = buffer(RUSAGE_SIZE);
const viewOfSelf = new DataView(usageOfSelf.buffer);
const RUSAGE_SELF = 0;

/** The most resident bytes that this process ever had. */
export function ownPeak(): number {
  libcUsage().getrusage(RUSAGE_SELF, usageOfSelf);
  return decodeRusage(viewOfSelf, DARWIN).peakMemory ?? 0;
}

let page = 0;

function pageSize(): number {
  return page ||= libcUsage().getpagesize();
}

let tick = 0;

// 1 on Intel, 125/3 on Apple's own processors.
function nanosecondsPerTick(): number {
  if (tick === 0) {
    const base = new Uint32Array(2);
    const get = libcUsage().mach_timebase_info;
    const known = get !== null && get(new Uint8Array(base.buffer)) === 0;
    tick = known ? (base[0] as number) / (base[1] as number) : 1;
  }
  return tick;
}

/** How to ask on this system. */
export function usageTable(): UsageTable {
  bindErrno();
  return DARWIN ? MACOS : LINUX;
}

// What one process has used, from the texts and structures that the systems give:
// pure, tested on every OS.

/** What a look at one process shows. */
export interface ProcessFigures {
  /** User time, in milliseconds; with the children it waited for, on Linux. */
  readonly userTime: number;
  /** System time, in milliseconds; likewise. */
  readonly systemTime: number;
  /** Faults without I/O; likewise. */
  readonly minorFaults: number;
  /** Faults with I/O; likewise. */
  readonly majorFaults: number;
  /** Resident bytes now. */
  readonly memory: number;
  /** The most resident bytes, where known. */
  readonly peakMemory: number | null;
  /** Bytes read from storage, where known. */
  readonly readBytes: number | null;
  /** Bytes written to storage, where known. */
  readonly writeBytes: number | null;
}

// sysconf(_SC_CLK_TCK) is 100 on every Linux that Deno runs on.
const TICK_MS = 10;

/**
 * Takes the figures out of `/proc/<pid>/stat` (proc_pid_stat(5)).
 *
 * @param text The file's content.
 * @param pageSize Bytes of a page.
 * @returns The figures, or `null` when the text is no stat line.
 */
export function figuresOfStat(
  text: string,
  pageSize: number,
): ProcessFigures | null {
  const close = text.lastIndexOf(")");
  if (close < 0) return null;
  // Counted from state, the third field: minflt 10, cminflt 11, majflt 12,
  // cmajflt 13, utime 14, stime 15, cutime 16, cstime 17, rss 24.
  const fields = text.slice(close + 2).split(" ");
  const at = (number: number): number => Number(fields[number - 3]);
  const rss = at(24);
  if (!Number.isFinite(rss)) return null;
  return {
    userTime: (at(14) + at(16)) * TICK_MS,
    systemTime: (at(15) + at(17)) * TICK_MS,
    minorFaults: at(10) + at(11),
    majorFaults: at(12) + at(13),
    memory: rss * pageSize,
    peakMemory: null,
    readBytes: null,
    writeBytes: null,
  };
}

/**
 * A number in a file of `name: number` lines: `/proc/<pid>/status` and `io`,
 * `smaps_rollup`.
 *
 * @param text The file's content.
 * @param name The name.
 * @returns The number, or `null` when it is not there.
 */
export function numberOf(text: string, name: string): number | null {
  const match = new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text);
  return match === null ? null : Number(match[1]);
}

/** `sizeof(struct proc_taskinfo)` of macOS. */
export const TASKINFO_SIZE = 96;

/**
 * Takes a `struct proc_taskinfo` (<sys/proc_info.h>) apart.
 *
 * @param bytes The structure.
 * @param nanosecondsPerTick The unit of its times: mach_timebase_info.
 * @returns The figures of the process alone.
 */
export function figuresOfTaskInfo(
  bytes: Uint8Array<ArrayBuffer>,
  nanosecondsPerTick: number,
): ProcessFigures {
  // pti_resident_size 8/8, pti_total_user 16/8, pti_total_system 24/8,
  // pti_faults 52/4, pti_pageins 56/4.
  const view = new DataView(bytes.buffer, bytes.byteOffset, TASKINFO_SIZE);
  const ms = (offset: number): number =>
    Number(view.getBigUint64(offset, true)) * nanosecondsPerTick / 1e6;
  const pageIns = view.getInt32(56, true);
  return {
    userTime: ms(16),
    systemTime: ms(24),
    minorFaults: Math.max(view.getInt32(52, true) - pageIns, 0),
    majorFaults: pageIns,
    memory: Number(view.getBigUint64(8, true)),
    peakMemory: null,
    readBytes: null,
    writeBytes: null,
  };
}
