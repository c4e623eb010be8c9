/**
 * Files that are opened for a child.
 *
 * @module
 */

import type { StdioFile } from "../../backend/spec.ts";
import { cString, readCString } from "../../ffi/c_string.ts";
import { aboveStdio } from "../system/descriptor.ts";
import {
  EINTR,
  EISDIR,
  ENOENT,
  errnoMeaning,
  posixError,
} from "../system/errno.ts";
import { absolutePath, isDirectory } from "../system/file_system.ts";
import {
  DARWIN,
  errno,
  libcDarwin,
  libcLinux,
  libcWait,
} from "../system/libc.ts";

// open(2): <asm-generic/fcntl.h>, <sys/fcntl.h> of macOS.
const O_WRONLY = 1;
const O_CREAT = DARWIN ? 0x200 : 0x40;
const O_TRUNC = DARWIN ? 0x400 : 0x200;
const O_APPEND = DARWIN ? 8 : 0x400;
const O_CLOEXEC = DARWIN ? 0x100_0000 : 0x8_0000;

/** What a file is to the child. */
export interface FileUse {
  /** Whether the child reads it; it writes otherwise. */
  readonly reads: boolean;
  /** The option that it was given with, for the message. */
  readonly name: string;
  /** The program, for the message. */
  readonly command: string;
}

/**
 * Opens a file for a child.
 *
 * @param file The file; permission was asked for.
 * @param use What it is to the child.
 * @returns The descriptor: close-on-exec, above 2.
 * @throws {Deno.errors.NotFound} when the file, or its directory, is missing.
 * @throws {Deno.errors.IsADirectory} when it is a directory.
 * @throws {Deno.errors.PermissionDenied} when the OS does not allow it.
 */
export function openForChild(
  file: StdioFile,
  { reads, name, command }: FileUse,
): number {
  // A directory can be opened for reading; only reading it fails, in the child.
  const fd = reads && isDirectory(file.path) ? -EISDIR : openFile(file, reads);
  if (fd >= 0) return aboveStdio(fd);
  const message =
    `Failed to spawn '${command}': cannot open '${file.path}' as ${name}: ${
      errnoMeaning(-fd)
    }`;
  throw posixError("open", -fd, { message, command });
}

// The descriptor, or -errno.
function openFile(file: StdioFile, reads: boolean): number {
  if (reads) return openToRead(file.path);
  const how = O_WRONLY | O_CLOEXEC | (file.append ? O_APPEND : O_TRUNC);
  if (!DARWIN) return retried(file.path, how | O_CREAT, file.mode);
  const fd = retried(file.path, how, 0);
  if (fd !== -ENOENT) return fd;
  // The mode of open(2) is a variadic argument, which Apple arm64 passes on the
  // stack: Deno creates the file. Appending, so that nothing is lost that
  // somebody else has written since.
  try {
    const { path, mode } = file;
    Deno.openSync(path, { append: true, create: true, mode }).close();
  } catch {
    // The directory is missing, or not ours: opening it again says so.
  }
  return retried(file.path, how, 0);
}

/**
 * Opens a file for reading.
 *
 * @param path The file.
 * @returns The descriptor, close-on-exec, or `-errno`.
 */
export function openToRead(path: string): number {
  return retried(path, O_CLOEXEC, 0);
}

function retried(path: string, flags: number, mode: number): number {
  const name = cString(path);
  for (;;) {
    const fd = DARWIN
      ? libcDarwin().open(name, flags)
      : libcLinux().open(name, flags, mode);
    if (fd >= 0) return fd;
    const error = errno();
    if (error !== EINTR) return -error;
  }
}

// Paths that lead to devices, to other processes or into the kernel. What can be
// read and written there goes beyond files: `/proc/self/mem` is this process.
// Which ones they are is Deno's decision (`check_special_file` in its
// `runtime/permissions`).

const TREES: readonly string[] = DARWIN
  ? ["/dev/"]
  : ["/dev/", "/proc/", "/sys/"];

const HARMLESS: readonly string[] = [
  "/dev/null",
  "/dev/zero",
  "/dev/random",
  "/dev/urandom",
];

// What a shell passes for <(command); the first three are the streams.
const PASSED = /^\/(?:dev|proc\/self)\/fd\/(?:[3-9]|[1-9]\d+)$/;

// <limits.h>: PATH_MAX is 4096, 1024 on macOS.
const PATH_MAX = 4096;

/**
 * Whether a path leads to such a file.
 *
 * @param path The path; links in it are followed.
 * @param reads Whether it is to be read: `/dev/tty` may be, but not written to.
 * @returns Also true when that is written in the path, and it leads elsewhere.
 */
export function isSpecialFile(path: string, reads: boolean): boolean {
  const named = path.startsWith("/") ? absolutePath(path, "/") : "";
  if (isGuarded(named, reads)) return !isPassedPipe(named);
  return isGuarded(realPath(path) ?? realParent(path), reads);
}

function isGuarded(path: string, reads: boolean): boolean {
  if (HARMLESS.includes(path) || reads && path === "/dev/tty") return false;
  for (let i = 0; i < TREES.length; i++) {
    if (path.startsWith(TREES[i] as string)) return true;
  }
  return false;
}

// On Linux such a descriptor has no real path when it is a pipe.
function isPassedPipe(path: string): boolean {
  return !DARWIN && PASSED.test(path) && realPath(path) === null;
}

// realpath(3)
function realPath(path: string): string | null {
  const resolved = new Uint8Array(PATH_MAX);
  const found = libcWait().realpath(cString(path), resolved);
  return found === null ? null : readCString(resolved);
}

// Of a file that is to be created.
function realParent(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  const parent = realPath(path.slice(0, slash) || ".");
  return `${parent === "/" ? "" : parent ?? ""}/${path.slice(slash)}`;
}
