/**
 * Descriptors that a child gets a copy of.
 *
 * @module
 */

import { EBADF, posixError } from "./errno.ts";
import { DARWIN, errno, libc, libcDarwin, libcLinux } from "./libc.ts";

const F_DUPFD_CLOEXEC = 1030; // Linux
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
 * @returns The same, or a close-on-exec copy.
 * @throws {SystemError} when there is no descriptor left; the given one is closed then.
 */
export function aboveStdio(fd: number): number {
  if (fd > 2) return fd;
  const moved = duplicate(fd);
  libc().close(fd);
  if (moved < 0) throw posixError("fcntl", -moved);
  return moved;
}

// A copy above 2, or -errno.
function duplicate(fd: number): number {
  if (DARWIN) return duplicateOnDarwin(fd);
  const copy = libcLinux().fcntl(fd, F_DUPFD_CLOEXEC, 3n);
  return copy < 0 ? -errno() : copy;
}

// fcntl with a third argument is variadic, which Apple arm64 passes on the stack.
// dup() gives the lowest free number, so at most three copies are too low. They
// are not close-on-exec; CLOEXEC_DEFAULT closes them in our children.
function duplicateOnDarwin(fd: number): number {
  const low: number[] = [];
  let copy: number;
  for (;;) {
    const made = libcDarwin().dup(fd);
    copy = made < 0 ? -errno() : made;
    if (copy < 0 || copy > 2) break;
    low[low.length] = copy;
  }
  for (let i = 0; i < low.length; i++) libc().close(low[i] as number);
  return copy;
}
