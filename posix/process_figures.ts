/**
 * What one process has used, from the texts and structures that the systems give:
 * pure, tested on every OS.
 *
 * @module
 */

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
