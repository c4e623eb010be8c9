/**
 * A pipe(7) from one child to another: both ends block, as programs expect of
 * their standard streams.
 *
 * @module
 */

import type { ChildPipe } from "../backend.ts";
import { posixError } from "./errno.ts";
import {
  bindErrno,
  DARWIN,
  errno,
  libc,
  libcDarwin,
  libcLinux,
} from "./libc.ts";
import { aboveStdio } from "./descriptor.ts";

const O_CLOEXEC = 0x80000;

/**
 * Opens a pipe whose ends are for two children.
 *
 * @returns The pipe; both ends close-on-exec where that can be set at once. On
 * macOS, posix_spawn closes what it was not told to keep.
 * @throws {SystemError} when no descriptor is left.
 */
export function openChildPipe(): ChildPipe {
  bindErrno();
  const pair = new Int32Array(2);
  const bytes = new Uint8Array(pair.buffer);
  const rc = DARWIN
    ? libcDarwin().pipe(bytes)
    : libcLinux().pipe2(bytes, O_CLOEXEC);
  if (rc !== 0) throw posixError("pipe", errno());
  const reading = aboveStdio(pair[0] as number);
  const writing = aboveStdio(pair[1] as number);
  const open = [true, true];
  const close = (end: number, fd: number): void => {
    // Once: the number is another file's afterwards.
    if (open[end]) libc().close(fd);
    open[end] = false;
  };
  return {
    reading,
    writing,
    closeReading: () => close(0, reading),
    closeWriting: () => close(1, writing),
  };
}
