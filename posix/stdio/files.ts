/**
 * Files that are opened for a child.
 *
 * @module
 */

import type { StdioFile } from "../../backend/backend.ts";
import { cString } from "../../ffi/c_string.ts";
import { aboveStdio } from "../system/descriptor.ts";
import {
  EINTR,
  EISDIR,
  ENOENT,
  errnoMeaning,
  posixError,
} from "../system/errno.ts";
import { isDirectory } from "../spawn/executable.ts";
import { DARWIN, errno, libcDarwin, libcLinux } from "../system/libc.ts";

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
