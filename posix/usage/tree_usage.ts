/**
 * Usage of a tree: the sums over its members at each look, the figures of one process
 * from `/proc` or libproc, and the parsers of both.
 *
 * A process that a member has waited for counts with that member (Linux adds its
 * figures to those of the waiting process). One that no member has waited for, an
 * orphan, counts with the figures of the last look; so does every ended process on
 * macOS, which shows the own figures of each process alone. So sums are lower bounds,
 * and they never fall.
 *
 * The sums need a {@linkcode UsageTable} and a list of members only, so that they can
 * be tested with made-up ones.
 *
 * @module
 */

import { type ResourceUsage, unknownUsage } from "../../backend/usage.ts";
import { cString } from "../../ffi/memory.ts";
import { buffer } from "../../ffi/library.ts";
import { bindErrno, DARWIN, libcDarwin, libcUsage } from "../system/libc.ts";
import { type ProcStat, readProcFile } from "../system/proc_files.ts";
import { decodeRusage, RUSAGE_SIZE } from "../wait/leader.ts";

/** Present use, and the number of processes. */
export type Present = "seen" | {
  readonly memory: number | null;
  readonly processes: number | null;
};

/** Nothing any more. */
export const ENDED = { memory: 0, processes: 0 } as const;

/** Not looked at. */
export const UNKNOWN = { memory: null, processes: null } as const;

interface Seen {
  readonly stat: ProcStat;
  readonly figures: ProcessFigures;
}

interface Sums {
  userTime: number;
  systemTime: number;
  minorFaults: number;
  majorFaults: number;
  readBytes: number;
  writeBytes: number;
}

const COUNTERS = [
  "userTime",
  "systemTime",
  "minorFaults",
  "majorFaults",
  "readBytes",
  "writeBytes",
] as const;

function zero(): Sums {
  return {
    userTime: 0,
    systemTime: 0,
    minorFaults: 0,
    majorFaults: 0,
    readBytes: 0,
    writeBytes: 0,
  };
}

function add(sums: Sums, figures: ProcessFigures | ResourceUsage): void {
  for (let i = 0; i < COUNTERS.length; i++) {
    const name = COUNTERS[i] as keyof Sums;
    sums[name] += figures[name] ?? 0;
  }
}

/** The sums of one tree. */
export class TreeUsage {
  readonly #table: UsageTable;
  #seen = new Map<number, Seen>();
  // The figures of members that are gone and that no member has waited for.
  readonly #lost: Sums = zero();
  // The same one by one, where a process looks gone while its user is another
  // (proc_security_policy() of xnu): it may come back.
  readonly #lostOnes = new Map<number, Seen>();
  readonly #most: Sums = zero();
  #peak = 0;
  #memory = 0;
  #processes = 0;
  #sawIo = false;

  /** @param table How to ask for a process. */
  constructor(table: UsageTable) {
    this.#table = table;
  }

  /**
   * Looks at the members.
   *
   * @param members The living ones.
   * @param zombie The leader, when it has ended and is not yet reaped.
   * @param full Whether peaks and I/O are asked for, too.
   */
  look(
    members: readonly ProcStat[],
    zombie: ProcStat | null,
    full: boolean,
  ): void {
    const now = new Map<number, Seen>();
    let memory = 0;
    const count = members.length + (zombie === null ? 0 : 1);
    for (let i = 0; i < count; i++) {
      const stat = members[i] ?? zombie as ProcStat;
      const figures = this.#table.figures(stat.pid, full);
      if (figures === null) continue;
      now.set(stat.pid, { stat, figures });
      this.#takeBack(stat);
      memory += figures.memory;
      this.#peak = Math.max(this.#peak, figures.peakMemory ?? 0);
    }
    this.#sawIo ||= full;
    this.#countLost(now);
    this.#seen = now;
    this.#memory = memory;
    this.#peak = Math.max(this.#peak, memory);
    this.#processes = members.length;
  }

  #countLost(now: ReadonlyMap<number, Seen>): void {
    this.#seen.forEach((seen, pid) => {
      const same = now.get(pid)?.stat.startTicks === seen.stat.startTicks;
      const inherited = this.#table.inherits && this.#waitedFor(seen.stat, now);
      if (!same && !inherited) this.#lose(seen);
    });
  }

  #lose(seen: Seen): void {
    add(this.#lost, seen.figures);
    if (!this.#table.inherits) this.#lostOnes.set(seen.stat.pid, seen);
  }

  #takeBack({ pid, startTicks }: ProcStat): void {
    const lost = this.#lostOnes.get(pid);
    if (lost?.stat.startTicks !== startTicks) return;
    this.#lostOnes.delete(pid);
    for (let i = 0; i < COUNTERS.length; i++) {
      const name = COUNTERS[i] as keyof Sums;
      this.#lost[name] -= lost.figures[name] ?? 0;
    }
  }

  // Whether a living process has taken the figures over: the parent, or, when that
  // has gone as well, the process that waited for the parent.
  #waitedFor(stat: ProcStat, now: ReadonlyMap<number, Seen>): boolean {
    let ppid = stat.ppid;
    for (let depth = 0; depth < 64; depth++) {
      const parent = this.#seen.get(ppid);
      if (parent === undefined) return false;
      const still = now.get(ppid);
      if (still?.stat.startTicks === parent.stat.startTicks) return true;
      ppid = parent.stat.ppid;
    }
    return false;
  }

  /**
   * The leader has been reaped: its final figures stand for it from now on.
   *
   * @param pid Its number.
   */
  leaderReaped(pid: number): void {
    if (!this.#table.inherits) {
      this.#seen.forEach((seen, number) => {
        if (number !== pid && !this.#gone(number)) return;
        this.#lose(seen);
        this.#seen.delete(number);
      });
      return;
    }
    const leader = this.#seen.get(pid);
    if (leader === undefined) return;
    // Those that it had waited for are in its final figures: a parent that is
    // gone and never counted again keeps them from being counted twice.
    this.#seen.forEach((seen, number) => {
      if (number !== pid && this.#gone(number)) this.#seen.delete(number);
      else if (seen.stat.ppid === pid) {
        this.#seen.set(number, { ...seen, stat: { ...seen.stat, ppid: 1 } });
      }
    });
    this.#seen.delete(pid);
  }

  #gone(pid: number): boolean {
    return this.#table.figures(pid, false) === null;
  }

  // Where only a process's own figures are seen, those of the reaped leader include an
  // unknown part of the ended processes: with the living ones, a lower bound as well.
  #by(leader: ResourceUsage): Sums {
    const sums = zero();
    add(sums, leader);
    this.#seen.forEach(({ figures }) => add(sums, figures));
    return sums;
  }

  #raise(sums: Sums): void {
    for (let i = 0; i < COUNTERS.length; i++) {
      const name = COUNTERS[i] as keyof Sums;
      this.#most[name] = Math.max(this.#most[name], sums[name]);
    }
  }

  /**
   * The sums so far.
   *
   * @param leader The final figures of the reaped leader; `null` while it is
   * among the members.
   * @param present Present use, or that it is the one seen last.
   * @returns The figures.
   */
  total(leader: ResourceUsage | null, present: Present): ResourceUsage {
    const sums = { ...this.#lost };
    if (leader !== null && this.#table.inherits) add(sums, leader);
    this.#seen.forEach(({ figures }) => add(sums, figures));
    // A member that is a zombie at this moment counts for no process until it is
    // reaped.
    this.#raise(sums);
    if (leader !== null && !this.#table.inherits) this.#raise(this.#by(leader));
    const { readBytes, writeBytes } = this.#most;
    const io = this.#sawIo || leader?.readBytes != null;
    return {
      ...unknownUsage("sampled"),
      ...this.#most,
      readBytes: io ? readBytes : null,
      writeBytes: io ? writeBytes : null,
      peakMemory: Math.max(this.#peak, leader?.peakMemory ?? 0) || null,
      voluntarySwitches: leader?.voluntarySwitches ?? null,
      involuntarySwitches: leader?.involuntarySwitches ?? null,
      ...(present === "seen"
        ? { memory: this.#memory, processes: this.#processes }
        : present),
    };
  }
}

// The figures of one process: `/proc` on Linux, libproc on macOS.

const KB = 1024;
const F_OK = 0;

/** A source of figures of processes. */
export interface UsageTable {
  /** Whether the figures of a process include those of children it waited for. */
  readonly inherits: boolean;
  /**
   * The figures of a process, with peak and I/O when `full`; `null` when it is gone or
   * may not be read.
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

// Parsers of the texts and structures of both systems: pure, tested on every OS.

/** The figures of one process. */
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
