/**
 * Two bits that tell a process that has lost its marks from one that never had
 * any: bits 7 and 8 of `/proc/<pid>/coredump_filter` (core(5), Linux 4.4), which
 * say whether a core dump contains DAX pages. They are 0 by default and have no
 * effect where no persistent memory is mapped; fork and exec hand them on, and
 * nothing resets them: no PAM session, no change of user.
 *
 * They say "of some tree", not of which. They belong to the address space, which
 * all threads share, so that what another thread starts at the same moment has
 * them too; it is released as that is from the tag.
 *
 * @module
 */

import { cString } from "../../ffi/c_string.ts";
import { errno, libc, libcLinux } from "../system/libc.ts";
import { readProcFile } from "../system/proc_files.ts";

const BITS = 0x180;
const O_RDWR_CLOEXEC = 0x80002;

let refused = false;
// Of this process: a descriptor, and the two texts that are written in turn.
let own = -1;
let plain: Uint8Array<ArrayBuffer> | null = null;
let marked: Uint8Array<ArrayBuffer> | null = null;
let reason: string | null = null;

/** Makes this machine one without the detector; for tests. */
export function refuseDetector(refuse: boolean): void {
  refused = refuse;
  reason = null;
}

/**
 * Why the bits cannot be set here. Looked at once.
 *
 * @returns The reason, or `""`.
 */
export function detectorObstacle(): string {
  return reason ??= prepare();
}

function prepare(): string {
  if (refused) return "it is switched off";
  const filter = filterOf(0);
  if (filter === null) return "/proc/self/coredump_filter cannot be read";
  if ((filter & BITS) !== 0) {
    return "this process was started with the bits that tell its trees' processes from others";
  }
  if (own < 0) {
    const path = cString("/proc/self/coredump_filter");
    own = libcLinux().open(path, O_RDWR_CLOEXEC, 0);
  }
  if (own < 0) {
    return `/proc/self/coredump_filter cannot be written (error ${errno()})`;
  }
  plain = text(filter);
  marked = text(filter | BITS);
  return "";
}

function text(filter: number): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`0x${filter.toString(16)}\n`);
}

/** Sets or takes back the bits of this process, for the moment of a spawn. */
export function setDetector(on: boolean): void {
  if (detectorObstacle() !== "") return;
  const bytes = (on ? marked : plain) as Uint8Array<ArrayBuffer>;
  libcLinux().pwrite(own, bytes, BigInt(bytes.length), 0n);
}

/** Takes the bits back from a process of another thread that was started at the moment of a spawn. */
export function clearDetector(pid: number): void {
  if (detectorObstacle() !== "" || plain === null) return;
  const path = cString(`/proc/${pid}/coredump_filter`);
  const fd = libcLinux().open(path, O_RDWR_CLOEXEC, 0);
  if (fd < 0) return;
  libc().write(fd, plain, BigInt(plain.length));
  libc().close(fd);
}

/**
 * Whether a process was started by a tree of some owner, marks or not.
 *
 * @param pid The process.
 * @returns False also for zombies and kernel threads, and where it cannot be read.
 */
export function isDetected(pid: number): boolean {
  if (detectorObstacle() !== "") return false;
  const filter = filterOf(pid);
  return filter !== null && (filter & BITS) === BITS;
}

function filterOf(pid: number): number | null {
  const content = readProcFile(
    `/proc/${pid === 0 ? "self" : pid}/coredump_filter`,
  );
  return content === null ? null : parseInt(content, 16);
}
