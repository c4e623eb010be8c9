/**
 * Files and descriptors without a permission of Deno: whether a path exists, is a
 * directory, or may be executed; copies of descriptors for a child.
 *
 * @module
 */

import { cString } from "../../ffi/memory.ts";
import { buffer } from "../../ffi/library.ts";
import { EBADF, EINVAL, ENOENT, posixError } from "./errno.ts";
import {
  bindErrno,
  DARWIN,
  errno,
  libc,
  libcDarwin,
  libcDescriptors,
  libcFiles,
  libcLinux,
} from "./libc.ts";

const F_OK = 0;
const X_OK = 1;

// An empty name, `.` or `..` between two slashes or at the end.
const UNTIDY = /\/\.{0,2}(\/|$)/;

/** Whether a path exists; with a trailing `/.`, whether it is a directory. */
function exists(path: string): boolean {
  return libc().access(cString(path), F_OK) === 0;
}

/**
 * Whether a path is a directory.
 *
 * @param path The path.
 * @returns True for a directory that may be searched.
 */
export function isDirectory(path: string): boolean {
  return exists(`${path}/.`);
}

/**
 * Whether anything is at a path.
 *
 * @param path The path.
 * @returns False only when there is nothing.
 */
export function isThere(path: string): boolean {
  return libc().access(cString(path), F_OK) === 0 || errno() !== ENOENT;
}

/**
 * Whether a path is a file that this process may execute.
 *
 * @param path The path.
 * @returns False for directories.
 */
export function isExecutable(path: string): boolean {
  return libc().access(cString(path), X_OK) === 0 && !isDirectory(path);
}

/**
 * Joins a path to a directory and removes `.`, `..` and doubled slashes, as Deno
 * does before it compares a program with what may be run.
 *
 * @param path The path, absolute or not.
 * @param base The directory, absolute.
 * @returns An absolute path.
 */
export function absolutePath(path: string, base: string): string {
  if (path.startsWith("/") && !UNTIDY.test(path)) return path;
  const parts = (path.startsWith("/") ? path : `${base}/${path}`).split("/");
  const kept: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    if (part === "" || part === ".") continue;
    if (part === "..") kept.pop();
    else kept.push(part);
  }
  return `/${kept.join("/")}`;
}

// struct stat: <bits/struct_stat.h>
const SYS_NEWFSTATAT = Deno.build.arch === "aarch64" ? 79n : 262n;
const MODE_OFFSET = Deno.build.arch === "aarch64" ? 16 : 24;
const STAT_SIZE = 144;
const AT_FDCWD = -100n;
const S_IFMT = 0xf000;
const S_IFIFO = 0x1000;

/**
 * Whether a path leads to a pipe with a name: opening it may wait for its other end.
 *
 * @param path The path; links in it are followed.
 * @returns Also false when it cannot be looked at; on macOS that is so without
 * Deno's read permission.
 */
export function isFifo(path: string): boolean {
  if (DARWIN) return isFifoForDeno(path);
  const stat = buffer(STAT_SIZE);
  const name = cString(path);
  const c = libcFiles();
  if (c.newfstatat(SYS_NEWFSTATAT, AT_FDCWD, name, stat, 0n) !== 0) {
    return false;
  }
  const mode = new DataView(stat.buffer).getUint32(MODE_OFFSET, true);
  return (mode & S_IFMT) === S_IFIFO;
}

function isFifoForDeno(path: string): boolean {
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") return false;
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    return false;
  }
}

// Descriptors that a child gets a copy of.

const F_DUPFD_CLOEXEC = 1030;

// Linux
const F_GETFD = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = DARWIN ? 4 : 0x800;

// <sys/filio.h>: _IO('f', 1). <asm-generic/ioctls.h>.
const FIOCLEX = DARWIN ? 0x2000_6601n : 0x5451n;
const NONE: ReadonlySet<number> = new Set();
const STREAMS: readonly string[] = ["stdin", "stdout", "stderr"];

/**
 * A close-on-exec copy of one of our descriptors, above 2: the child's dup2 onto
 * 0, 1 and 2 would overwrite a source that has one of these numbers. A copy also
 * stays what it is should the caller close the original meanwhile.
 *
 * @param fd The descriptor.
 * @param index Which stream of the child it is for.
 * @param command For the message.
 * @returns The copy, to be closed after the spawn.
 * @throws {TypeError} when the descriptor is not open.
 */
export function copyForChild(
  fd: number,
  index: number,
  command: string,
): number {
  const copy = duplicate(fd);
  if (copy >= 0) return copy;
  if (copy === -EBADF) {
    throw new TypeError(
      `Failed to spawn '${command}': descriptor ${fd}, given as ${
        STREAMS[index]
      }, is not open`,
    );
  }
  throw posixError("fcntl", -copy, { command });
}

/**
 * Moves a descriptor above 2: with stdin, stdout or stderr closed in this
 * process, something opened can get their number.
 *
 * @param fd The descriptor; owned, and given up.
 * @param taken Further numbers that it must not have.
 * @returns The same, or a close-on-exec copy.
 * @throws {SystemError} when there is no descriptor left; the given one is closed then.
 */
export function aboveStdio(
  fd: number,
  taken: ReadonlySet<number> = NONE,
): number {
  if (fd > 2 && !taken.has(fd)) return fd;
  const moved = duplicate(fd, taken);
  libc().close(fd);
  if (moved < 0) throw posixError("fcntl", -moved);
  return moved;
}

/**
 * Copies a descriptor to a number that no target has. In the child each target
 * is then made by a dup2 from a source that no earlier dup2 has overwritten,
 * whatever the numbers were ({3: 4, 4: 3}), and never onto itself, which would
 * leave close-on-exec set.
 *
 * @param fd The descriptor.
 * @param taken The numbers of the targets.
 * @returns The copy, close-on-exec, above 2.
 * @throws {Deno.errors.BadResource} when the descriptor is not open.
 */
export function duplicateClear(fd: number, taken: ReadonlySet<number>): number {
  const copy = duplicate(fd, taken);
  if (copy >= 0) return copy;
  if (copy !== -EBADF) throw posixError("dup", -copy);
  throw posixError("dup", EBADF, {
    message: `Cannot give the child descriptor ${fd}: it is not open`,
  });
}

/**
 * Has a descriptor closed at exec. `ioctl` rather than `fcntl`: it takes no
 * variadic argument for this, so the call is right on Apple arm64, too.
 *
 * @param fd The descriptor.
 * @returns Whether it is open.
 */
export function setCloseOnExec(fd: number): boolean {
  bindErrno();
  return libcDescriptors().ioctl(fd, FIOCLEX) === 0 || errno() !== EBADF;
}

/**
 * Whether a descriptor is open; macOS.
 *
 * @param fd The descriptor.
 * @returns The answer.
 */
export function isOpen(fd: number): boolean {
  return libcDarwin().fcntl(fd, F_GETFD, 0n) >= 0;
}

/**
 * Has reads and writes of a descriptor return instead of wait.
 *
 * @param fd The descriptor.
 * @throws {SystemError} when it still waits.
 */
export function setNonBlocking(fd: number): void {
  const flags = BigInt(O_NONBLOCK);
  if (!DARWIN) {
    libcLinux().fcntl(fd, F_SETFL, flags);
    return;
  }
  const c = libcDarwin();
  if (Deno.build.arch === "aarch64") {
    c.fcntl_on_stack(fd, F_SETFL, 0n, 0n, 0n, 0n, 0n, 0n, flags);
  } else c.fcntl(fd, F_SETFL, flags);
  // Asked, since a write that waited would stop the event loop, and every time
  // limit with it. This one takes no variadic argument.
  const set = c.fcntl(fd, F_GETFL, 0n);
  if (set < 0) throw posixError("fcntl", errno());
  if ((set & O_NONBLOCK) === 0) {
    throw posixError("fcntl", EINVAL, {
      message: "Cannot open a pipe: O_NONBLOCK could not be set on it",
    });
  }
}

// A close-on-exec copy above 2 that is none of `taken`, or -errno.
function duplicate(fd: number, taken: ReadonlySet<number> = NONE): number {
  // Those in the way stay open meanwhile, so that they are not given again.
  const inTheWay: number[] = [];
  let copy: number;
  for (;;) {
    copy = DARWIN ? duplicateOnDarwin(fd) : duplicateOnLinux(fd);
    if (copy < 0 || copy > 2 && !taken.has(copy)) break;
    inTheWay[inTheWay.length] = copy;
  }
  for (let i = 0; i < inTheWay.length; i++) {
    libc().close(inTheWay[i] as number);
  }
  return copy;
}

function duplicateOnLinux(fd: number): number {
  const copy = libcLinux().fcntl(fd, F_DUPFD_CLOEXEC, 3n);
  return copy < 0 ? -errno() : copy;
}

// Another thread's child may get the copy before it is close-on-exec; ours do not:
// CLOEXEC_DEFAULT.
function duplicateOnDarwin(fd: number): number {
  const copy = libcDarwin().dup(fd);
  if (copy < 0) return -errno();
  setCloseOnExec(copy);
  return copy;
}
