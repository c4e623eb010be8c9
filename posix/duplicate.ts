/**
 * Copies of descriptors for a child, at numbers that are in nobody's way.
 *
 * @module
 */

import { EBADF, posixError } from "./errno.ts";
import {
  bindErrno,
  DARWIN,
  errno,
  libc,
  libcDescriptors,
  libcLinux,
} from "./libc.ts";

// <fcntl.h>, Linux.
const F_DUPFD_CLOEXEC = 1030;
// <sys/filio.h>: _IO('f', 1). <asm-generic/ioctls.h>.
const FIOCLEX = DARWIN ? 0x2000_6601n : 0x5451n;

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
 * Copies a descriptor to a number that no target has. In the child each target
 * is then made by a dup2 from a source that no earlier dup2 has overwritten,
 * whatever the numbers were ({3: 4, 4: 3}), and never onto itself, which would
 * leave close-on-exec set.
 *
 * @param fd The descriptor.
 * @param taken The numbers of the targets, and those of the standard streams.
 * @returns The copy, close-on-exec.
 * @throws {Deno.errors.BadResource} when the descriptor is not open.
 */
export function duplicateClear(fd: number, taken: ReadonlySet<number>): number {
  bindErrno();
  // Those in the way stay open meanwhile, so that they are not given again.
  const inTheWay: number[] = [];
  try {
    for (;;) {
      const copy = DARWIN
        ? libcDescriptors().dup(fd)
        : libcLinux().fcntl(fd, F_DUPFD_CLOEXEC, 3n);
      const error = copy < 0 ? errno() : 0;
      if (error === EBADF) {
        throw posixError("dup", error, {
          message: `Cannot give the child descriptor ${fd}: it is not open`,
        });
      }
      if (error !== 0) throw posixError("dup", error);
      // On macOS another thread's child may get it before this: there is no
      // atomic way that is not variadic. Ours do not: CLOEXEC_DEFAULT.
      if (DARWIN) setCloseOnExec(copy);
      if (!taken.has(copy)) return copy;
      inTheWay[inTheWay.length] = copy;
    }
  } finally {
    for (let i = 0; i < inTheWay.length; i++) {
      libc().close(inTheWay[i] as number);
    }
  }
}
