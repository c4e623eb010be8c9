/**
 * Sending a signal to one process that is not our child, without the chance
 * that its number has become somebody else's.
 *
 * A pidfd (pidfd_open(2), Linux 5.3) is opened first, then the process is looked
 * at, then the signal goes through the pidfd: if the number was recycled before
 * the look, the look shows a stranger; if afterwards, the pidfd still means the
 * dead one.
 *
 * @module
 */

import {
  DARWIN_SIGNALS,
  LINUX_SIGNALS,
  type SignalTable,
} from "../../backend/signals.ts";
import { EINVAL, ENOENT, EPERM, ESRCH } from "../system/errno.ts";
import { DARWIN, errno, libc, libcLinux } from "../system/libc.ts";

/** The signals of this operating system. */
export const SIGNALS: SignalTable = DARWIN ? DARWIN_SIGNALS : LINUX_SIGNALS;
const SYS_PIDFD_SEND_SIGNAL = 424n;
const SYS_PIDFD_OPEN = 434;
const ENOSYS = 38;
let refused = DARWIN;

/**
 * Opens a pidfd, close-on-exec.
 *
 * @param pid The process.
 * @returns The descriptor, or `-errno`; `-ENOSYS` where there are no pidfds or a
 * sandbox refuses them.
 */
export function openPidfd(pid: number): number {
  if (refused) return -ENOSYS;
  const fd = libcLinux().pidfd_open(SYS_PIDFD_OPEN, pid, 0);
  if (fd >= 0) return fd;
  const error = errno();
  if (error !== ENOSYS && error !== EPERM) return -error;
  // ENOSYS from the kernel, EPERM from a seccomp filter: the same to us.
  refused = true;
  return -ENOSYS;
}

/** Makes {@linkcode openPidfd} answer as on a kernel without pidfds; for tests. */
export function refusePidfds(refuse: boolean): void {
  refused = refuse || DARWIN;
}

/**
 * Sends a signal to a process that passes a check.
 *
 * @param pid The process; greater than 1.
 * @param signal The signal's number.
 * @param isOurs Looks at the process that has this number now.
 * @returns 0, or the error number: ESRCH when it is gone or no longer ours.
 */
export function signalProcess(
  pid: number,
  signal: number,
  isOurs: (pid: number) => boolean,
): number {
  if (pid <= 1 || pid === Deno.pid) {
    throw new TypeError(`Cannot signal process ${pid}: it is not of a tree`);
  }
  const fd = openPidfd(pid);
  // EINVAL or ENOENT: the number is a thread's now.
  if (fd === -ESRCH || fd === -EINVAL || fd === -ENOENT) return ESRCH;
  if (fd < 0) {
    // There are no pidfds, or no descriptor or memory is left for one. Without
    // one the time between look and signal is a few microseconds.
    if (!isOurs(pid)) return ESRCH;
    return libc().kill(pid, signal) === 0 ? 0 : errno();
  }
  const result = isOurs(pid) ? signalPidfd(fd, pid, signal) : ESRCH;
  libc().close(fd);
  return result;
}

/**
 * Sends a signal through a pidfd.
 *
 * @param fd The descriptor.
 * @param pid The process that it means.
 * @param signal The signal's number.
 * @returns 0 or an error number.
 */
export function signalPidfd(fd: number, pid: number, signal: number): number {
  const rc = libcLinux().syscall(
    SYS_PIDFD_SEND_SIGNAL,
    BigInt(fd),
    BigInt(signal),
    0n,
    0n,
  );
  if (rc === 0n) return 0;
  const error = errno();
  // A sandbox may refuse this call alone. If it is the process that may not be
  // signalled, kill(2) says so as well.
  if (error !== ENOSYS && error !== EPERM) return error;
  return libc().kill(pid, signal) === 0 ? 0 : errno();
}
