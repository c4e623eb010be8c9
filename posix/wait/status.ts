/**
 * What the kernel says of an ended child, decoded: pure, tested on every OS.
 *
 * @module
 */

import type { ExitStatus } from "../../backend/native.ts";
import { signalName, type SignalTable } from "../../backend/signals.ts";
import type { ResourceUsage } from "../../backend/usage.ts";

/** How a child ended when somebody else reaped it (ECHILD). */
export const LOST: ExitStatus = { code: -1, signal: null, lost: true };

/** The exit with a code. */
export function exited(code: number): ExitStatus {
  return { code, signal: null, lost: false };
}

/** The death by a signal: `128 + n`, as shells and Deno have it. */
export function signalled(number: number, table: SignalTable): ExitStatus {
  return { code: 128 + number, signal: signalName(table, number), lost: false };
}

/**
 * Decodes the status word of wait4(2).
 *
 * @param word The word.
 * @param table The signals of the operating system.
 * @returns How the child ended.
 */
export function decodeWaitStatus(word: number, table: SignalTable): ExitStatus {
  const signal = word & 0x7f;
  return signal === 0 ? exited((word >> 8) & 0xff) : signalled(signal, table);
}

const CLD_EXITED = 1;

/**
 * Decodes `si_code` and `si_status` of waitid(2).
 *
 * @param code `si_code`: CLD_EXITED, CLD_KILLED or CLD_DUMPED.
 * @param status `si_status`: exit code or signal.
 * @param table The signals of the operating system.
 * @returns How the child ended.
 */
export function decodeSiginfo(
  code: number,
  status: number,
  table: SignalTable,
): ExitStatus {
  return code === CLD_EXITED
    ? exited(status & 0xff)
    : signalled(status & 0x7f, table);
}

// `struct rusage` of wait4(2) (getrusage(2)), taken apart: pure, tested on every
// OS.

/** `sizeof(struct rusage)` on 64-bit Linux and macOS. */
export const RUSAGE_SIZE = 144;

// ru_utime 0, ru_stime 16 (tv_sec i64, tv_usec i64; i32 and padding on macOS);
// then longs: ru_maxrss 32, ru_minflt 64, ru_majflt 72, ru_inblock 88,
// ru_oublock 96, ru_nvcsw 128, ru_nivcsw 136.
const UTIME = 0;

const STIME = 16;
const MAXRSS = 32;
const MINFLT = 64;
const MAJFLT = 72;
const INBLOCK = 88;
const OUBLOCK = 96;
const NVCSW = 128;
const NIVCSW = 136;

// Linux counts blocks of this size whatever the file system has.
const BLOCK = 512;

/**
 * What a reaped child has used, together with the descendants that it or its
 * own children had waited for.
 *
 * @param view The structure.
 * @param darwin Whether it is one of macOS.
 * @returns The figures.
 */
export function decodeRusage(
  view: DataView,
  darwin: boolean,
): ResourceUsage {
  return {
    source: "rusage",
    userTime: time(view, UTIME),
    systemTime: time(view, STIME),
    memory: 0,
    // Kilobytes on Linux, bytes on macOS.
    peakMemory: long(view, MAXRSS) * (darwin ? 1 : 1024),
    // macOS counts operations, not bytes.
    readBytes: darwin ? null : long(view, INBLOCK) * BLOCK,
    writeBytes: darwin ? null : long(view, OUBLOCK) * BLOCK,
    minorFaults: long(view, MINFLT),
    majorFaults: long(view, MAJFLT),
    voluntarySwitches: long(view, NVCSW),
    involuntarySwitches: long(view, NIVCSW),
    processes: null,
    totalProcesses: null,
  };
}

// By halves: every child that ends is counted, and a bigint is an allocation.
function long(view: DataView, offset: number): number {
  return view.getUint32(offset, true) +
    view.getInt32(offset + 4, true) * 2 ** 32;
}

function time(view: DataView, offset: number): number {
  return long(view, offset) * 1000 + view.getInt32(offset + 8, true) / 1000;
}
