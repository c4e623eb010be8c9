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
import { libc, libcLinux } from "../system/libc.ts";
import { keep, type Kept } from "../system/isolate_end.ts";
import { readProcFile } from "../system/proc_files.ts";

const BITS = 0x180;
const O_RDONLY_CLOEXEC = 0x80000;
const O_RDWR_CLOEXEC = 0x80002;

let refused = false;
// Of this process: a descriptor, and the two texts that are written in turn. None
// where it has the bits already and its children inherit them.
const own: Kept = { fd: -1 };
let plain: Uint8Array<ArrayBuffer> | null = null;
let marked: Uint8Array<ArrayBuffer> | null = null;
let reason: string | null = null;

/** Makes this machine one without the detector; for tests. */
export function refuseDetector(refuse: boolean): void {
  refused = refuse;
  reason = null;
}

/**
 * Why the bits tell nothing here. Looked at once.
 *
 * @param tagged Whether this process is in a tree: then all that it starts has the
 * tag of that tree or has lost it.
 * @returns The reason, or `""`.
 */
export function detectorObstacle(tagged: boolean): string {
  return reason ??= prepare(tagged);
}

function prepare(tagged: boolean): string {
  plain = marked = null;
  if (refused) return "the detector is switched off";
  const filter = readProcFile("/proc/self/coredump_filter");
  if (filter === null) return "/proc/self/coredump_filter cannot be read";
  const value = parseInt(filter, 16);
  if ((value & BITS) !== 0) {
    return tagged && (value & BITS) === BITS
      ? ""
      : "this process has lost the marks of the tree that it is in";
  }
  if (!isOpen()) return "/proc/self/coredump_filter cannot be written";
  plain = text(value);
  marked = text(value | BITS);
  return "";
}

// Opened again after an unload of this isolate after which it goes on.
function isOpen(): boolean {
  if (own.fd >= 0) return true;
  const path = cString("/proc/self/coredump_filter");
  own.fd = libcLinux().open(path, O_RDWR_CLOEXEC, 0);
  if (own.fd >= 0) keep(own);
  return own.fd >= 0;
}

function text(filter: number): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`0x${filter.toString(16)}\n`);
}

/** Sets or takes back the bits of this process, for the moment of a spawn. */
export function setDetector(on: boolean): void {
  const bytes = on ? marked : plain;
  if (bytes === null || !isOpen()) return;
  libcLinux().pwrite(own.fd, bytes, BigInt(bytes.length), 0n);
}

/** Takes the bits back from a process of another thread that was started at the moment of a spawn. */
export function clearDetector(pid: number): void {
  if (plain === null) return;
  const path = cString(`/proc/${pid}/coredump_filter`);
  const fd = libcLinux().open(path, O_RDWR_CLOEXEC, 0);
  if (fd < 0) return;
  libc().write(fd, plain, BigInt(plain.length));
  libc().close(fd);
}

// "/proc/", at most ten digits, and the rest of the path. Every stranger is read
// once: nothing is allocated for that.
const path = new Uint8Array(new ArrayBuffer(40));
const PREFIX = new TextEncoder().encode("/proc/");
const SUFFIX = new TextEncoder().encode("/coredump_filter\0");
const content = new Uint8Array(new ArrayBuffer(16));

/**
 * Whether a process was started by a tree of some owner, marks or not.
 *
 * @param pid The process.
 * @returns False also for zombies and kernel threads, and where it cannot be read.
 */
export function isDetected(pid: number): boolean {
  if (reason !== "") return false;
  const digits = String(pid);
  path.set(PREFIX);
  for (let i = 0; i < digits.length; i++) path[6 + i] = digits.charCodeAt(i);
  path.set(SUFFIX, 6 + digits.length);
  const fd = libcLinux().open(path, O_RDONLY_CLOEXEC, 0);
  if (fd < 0) return false;
  const size = Number(libc().read(fd, content, BigInt(content.length)));
  libc().close(fd);
  // "%08lx\n".
  if (size < 4) return false;
  const hundreds = hexDigit(content[size - 4] as number);
  const tens = hexDigit(content[size - 3] as number);
  return (hundreds & 1) !== 0 && (tens & 8) !== 0;
}

function hexDigit(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
