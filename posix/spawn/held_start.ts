/**
 * Holding a child back until it has been prepared (Linux; macOS starts it stopped,
 * POSIX_SPAWN_START_SUSPENDED).
 *
 * The launcher or shell that runs in the child first (`launcher.ts`) reads a line from
 * a pipe(7). Only this process has the writing end, so that the child cannot be left
 * behind: when this process ends, the read meets the end of the file, and the child
 * exits. A child that has stopped itself would wait for a SIGCONT that never comes.
 *
 * @module
 */

import type { DescriptorSpec } from "../../backend/spec.ts";
import { aboveStdio } from "../system/file_system.ts";
import { eagain, EINTR, EPIPE, posixError } from "../system/errno.ts";
import { errno, libc, libcLinux } from "../system/libc.ts";
import {
  CLD_STOPPED,
  P_PID,
  siginfoCode,
  waitid,
  WEXITED,
  WNOWAIT,
  WSTOPPED,
} from "../wait/children.ts";

/**
 * Waits until a child has stopped itself: a SIGCONT before that would be lost, and
 * the child would stay stopped for ever. Takes about a millisecond.
 *
 * @param pid The child.
 * @returns Whether it stopped; false when it ended instead.
 */
export function awaitStopped(pid: number): boolean {
  while (waitid(P_PID, pid, WSTOPPED | WEXITED | WNOWAIT) !== 0) {
    if (errno() !== EINTR) return false;
  }
  return siginfoCode() === CLD_STOPPED;
}

const EAGAIN = eagain("linux");
const O_CLOEXEC = 0x80000;
const F_GETFD = 1;
const FD_CLOEXEC = 1;

// POSIX has a shell know descriptors of one digit in redirections, and dash knows
// no others. 0 to 2 are the program's streams.
const LOWEST = 3;

const HIGHEST = 9;
const LINE = new Uint8Array([10]);

/** The pipe that holds one child back. */
export class Hold {
  /** The number of the reading end in the child. */
  readonly digit: number;
  #reading: number;
  #writing: number;

  private constructor(digit: number, reading: number, writing: number) {
    this.digit = digit;
    this.#reading = reading;
    this.#writing = writing;
  }

  /**
   * Opens the pipe.
   *
   * @param fds The child's descriptors beyond its standard streams; `null` when it
   * inherits those of this process.
   * @returns The pipe; `null` when the child uses all numbers that a shell knows.
   * @throws {SystemError} when no descriptor is left.
   */
  static open(fds: readonly DescriptorSpec[] | null): Hold | null {
    const taken = new Set<number>();
    for (let i = 0; fds !== null && i < fds.length; i++) {
      taken.add((fds[i] as DescriptorSpec).target);
    }
    let digit = HIGHEST;
    while (fds === null ? isInherited(digit) : taken.has(digit)) {
      if (--digit < LOWEST) return null;
    }
    // In the child no dup2 may overwrite the reading end, and none may be onto
    // itself, which would leave close-on-exec set.
    taken.add(digit);
    const pair = new Int32Array(2);
    if (libcLinux().pipe2(new Uint8Array(pair.buffer), O_CLOEXEC) !== 0) {
      throw posixError("pipe2", errno());
    }
    const hold = new Hold(digit, pair[0] as number, pair[1] as number);
    try {
      hold.#move(taken);
    } catch (error) {
      hold.close();
      throw error;
    }
    return hold;
  }

  // A descriptor that could not be moved is closed.
  #move(taken: ReadonlySet<number>): void {
    const reading = this.#reading;
    this.#reading = -1;
    this.#reading = aboveStdio(reading, taken);
    const writing = this.#writing;
    this.#writing = -1;
    this.#writing = aboveStdio(writing);
  }

  /** Our copy of the reading end, for the child. */
  get source(): number {
    return this.#reading;
  }

  /** The child has the reading end by now, or will not be started. Idempotent. */
  closeReading(): void {
    if (this.#reading >= 0) libc().close(this.#reading);
    this.#reading = -1;
  }

  /**
   * Lets the child go; does nothing when it has ended. Idempotent.
   *
   * @returns 0, or an error number: then the child ends.
   */
  release(): number {
    if (this.#writing < 0) return 0;
    let error = EINTR;
    while (error === EINTR || error === EAGAIN) {
      error = libc().write(this.#writing, LINE, 1n) < 0 ? errno() : 0;
    }
    this.close();
    return error === EPIPE ? 0 : error;
  }

  /** Closes the pipe; a child that was not let go ends by that. Idempotent. */
  close(): void {
    this.closeReading();
    if (this.#writing >= 0) libc().close(this.#writing);
    this.#writing = -1;
  }
}

function isInherited(fd: number): boolean {
  const flags = libcLinux().fcntl(fd, F_GETFD, 0n);
  return flags >= 0 && (flags & FD_CLOEXEC) === 0;
}
