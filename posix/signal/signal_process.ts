/**
 * Sending a signal to processes that are not our children, never to another process
 * that has got the number of one. And the numbers of the signals.
 *
 * A pidfd (pidfd_open(2), Linux 5.3) is opened first, then the process is looked
 * at, then the signal goes through the pidfd: if the number was recycled before
 * the look, the look shows another process; if afterwards, the pidfd still refers to
 * the one that has ended.
 *
 * @module
 */

import {
  DARWIN_SIGNALS,
  LINUX_SIGNALS,
  type SignalTable,
} from "../../backend/signals.ts";
import { EINVAL, ENOENT, EPERM, ESRCH } from "../system/errno.ts";
import { DARWIN, errno, libc, libcLinux, libcWait } from "../system/libc.ts";

/** The signals of this operating system. */
export const SIGNALS: SignalTable = DARWIN ? DARWIN_SIGNALS : LINUX_SIGNALS;
/** The signal that ends a process and cannot be caught. */
export const SIGKILL = SIGNALS["SIGKILL"] as number;
/** The signal that stops a process and cannot be caught. */
export const SIGSTOP = SIGNALS["SIGSTOP"] as number;
/** The signal that continues a stopped process. */
export const SIGCONT = SIGNALS["SIGCONT"] as number;

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
    // There are no pidfds, or no descriptor or memory is left for one. Then a few
    // microseconds lie between the look and the signal.
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
  if (rc === 0) return 0;
  const error = errno();
  // A sandbox may refuse this call alone. If it is the process that may not be
  // signalled, kill(2) says so as well.
  if (error !== ENOSYS && error !== EPERM) return error;
  return libc().kill(pid, signal) === 0 ? 0 : errno();
}

// Several processes that are held by pidfds (pidfd_open(2), Linux 5.3): a process
// that gets one of their numbers afterwards is not meant.

const POLLIN = 1;

/** Several processes, and which of them live. */
export class Pidfds {
  readonly #pids: number[] = [];
  readonly #fds: number[] = [];
  #living = 0;
  #users = 1;
  // struct pollfd (poll(2)), 8 bytes: fd i32 at 0, events i16 at 4, revents i16
  // at 6. poll passes over a negative descriptor: one that has ended.
  #set: Int32Array<ArrayBuffer> | null = null;

  /** The number of processes. */
  get count(): number {
    return this.#pids.length;
  }

  /**
   * Takes a process in.
   *
   * @param pid Its number.
   * @returns 0, or an error number.
   */
  hold(pid: number): number {
    const fd = openPidfd(pid);
    if (fd < 0) return -fd;
    this.#pids[this.#pids.length] = pid;
    this.#fds[this.#fds.length] = fd;
    this.#living++;
    this.#set = null;
    return 0;
  }

  /** The process id of the `index`th. */
  pid(index: number): number {
    return this.#pids[index] as number;
  }

  /** Whether the `index`th had not ended when it was last looked. */
  lives(index: number): boolean {
    return this.#set === null || (this.#set[index * 2] as number) >= 0;
  }

  /**
   * Looks which have ended.
   *
   * @param ms The longest time, in milliseconds, to block until one ends; it does not
   * block when none lives.
   * @returns The number of those that live.
   */
  look(ms: number): number {
    if (this.#living === 0) return 0;
    const set = this.#set ??= this.#pollSet();
    const bytes = new Uint8Array(set.buffer);
    if (libcWait().poll(bytes, BigInt(this.count), ms) <= 0) {
      return this.#living;
    }
    for (let i = 0; i < this.count; i++) {
      if ((set[i * 2 + 1] as number) >> 16 === 0) continue;
      set[i * 2] = -1;
      set[i * 2 + 1] = POLLIN;
      this.#living--;
    }
    return this.#living;
  }

  #pollSet(): Int32Array<ArrayBuffer> {
    const set = new Int32Array(this.count * 2);
    for (let i = 0; i < this.count; i++) {
      set[i * 2] = this.#fds[i] as number;
      set[i * 2 + 1] = POLLIN;
    }
    this.#living = this.count;
    return set;
  }

  /** The pidfd of the last process taken in that lives; -1 when none does. */
  livingDescriptor(): number {
    for (let i = this.count - 1; i >= 0; i--) {
      if (this.lives(i)) return this.#fds[i] as number;
    }
    return -1;
  }

  /** Sends a signal to the `index`th; 0 or an error number. */
  signal(index: number, signal: number): number {
    return signalPidfd(this.#fds[index] as number, this.pid(index), signal);
  }

  /** The same object for one more user, which closes it as well. */
  share(): this {
    this.#users++;
    return this;
  }

  /** Closes the pidfds, once all users have closed it. */
  close(): void {
    if (--this.#users > 0) return;
    for (let i = 0; i < this.count; i++) libc().close(this.#fds[i] as number);
    this.#pids.length = 0;
    this.#fds.length = 0;
    this.#living = 0;
    this.#set = null;
  }
}
