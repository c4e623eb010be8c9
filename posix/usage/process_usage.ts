/**
 * Looking at what one process has used: `/proc` on Linux, libproc on macOS.
 *
 * @module
 */

import { cString } from "../../ffi/c_string.ts";
import { buffer } from "../../ffi/pointer.ts";
import { bindErrno, DARWIN, libcDarwin, libcUsage } from "../system/libc.ts";
import { readProcFile } from "../system/proc_files.ts";
import { decodeRusage, RUSAGE_SIZE } from "../rusage.ts";
import {
  figuresOfStat,
  figuresOfTaskInfo,
  numberOf,
  type ProcessFigures,
  TASKINFO_SIZE,
} from "../process_figures.ts";

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
