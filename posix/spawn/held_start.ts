/**
 * Starting a program through a shell that becomes it by exec: held back or stopped
 * before its first instruction, or with another file mode creation mask or other
 * limits, which belong to the whole process and so cannot be changed here for a
 * moment, or with its own process id, which nobody knows before, in LISTEN_PID
 * (sd_listen_fds(3)).
 *
 * Stopping: macOS can do it (POSIX_SPAWN_START_SUSPENDED). Linux cannot: there a shell
 * waits for a line (`hold.ts`) while the child is prepared, and stops itself where
 * the child is to be stopped; then it becomes the program by exec, with the same
 * process id. What exec would refuse is looked for beforehand, so that `spawn()`
 * still reports it.
 *
 * @module
 */

import type { DescriptorSpec } from "../../backend/spec.ts";
import { buffer } from "../../ffi/library.ts";
import { openToRead } from "../stdio/stdio.ts";
import { aboveStdio } from "../system/descriptor.ts";
import {
  EACCES,
  eagain,
  EINTR,
  ENOENT,
  EPIPE,
  posixError,
} from "../system/errno.ts";
import { isDirectory, isExecutable, isThere } from "../system/file_system.ts";
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

/** The shell that becomes the program. */
export const SHELL = "/bin/sh";

/** What the shell does first. */
export interface ShellErrand {
  /** The descriptor that it waits for a line from, or -1. */
  readonly hold: number;
  /** Whether it stops itself, after that. */
  readonly stops: boolean;
  /** The file mode creation mask it sets, or `null`. */
  readonly umask: number | null;
  /** Commands that set limits, each with `;` behind it, or nothing. */
  readonly ulimits: string;
  /** Whether it sets LISTEN_PID. */
  readonly listenPid: boolean;
}

/**
 * Arguments of the shell that becomes the program.
 *
 * @param path The program.
 * @param args Its arguments.
 * @param errand What it does first.
 * @returns The shell's arguments, its own name included.
 */
export function shellArguments(
  path: string,
  args: readonly string[],
  errand: ShellErrand,
): string[] {
  const { hold, stops, umask, listenPid, ulimits } = errand;
  // Limits last: the shell may need more descriptors than it leaves the program.
  let script = ulimits + 'exec "$0" "$@"';
  if (listenPid) script = `LISTEN_PID=$$; export LISTEN_PID; ${script}`;
  if (stops) script = `kill -STOP $$; ${script}`;
  if (hold >= 0) script = heldBack(hold) + script;
  if (umask !== null) script = `umask 0${umask.toString(8)}; ${script}`;
  return [SHELL, "-c", script, path].concat(args);
}

// The descriptor is closed before the wait rather than after it: for any change of
// descriptors a shell needs a free one from 10 on. The program's stdin comes back
// at the end of the braces. The variable is not exported, unless the caller's
// environment has one of that name, which nobody does.
function heldBack(fd: number): string {
  return `{ exec ${fd}<&-; read -r killable_hold; } <&${fd} || exit 125; `;
}

/**
 * Waits until the shell has stopped: a SIGCONT before that would be lost, and
 * the child would stay stopped for ever. Takes about a millisecond.
 *
 * @param pid The shell.
 * @returns Whether it stopped; false when it ended instead.
 */
export function awaitStopped(pid: number): boolean {
  while (waitid(P_PID, pid, WSTOPPED | WEXITED | WNOWAIT) !== 0) {
    if (errno() !== EINTR) return false;
  }
  return siginfoCode() === CLD_STOPPED;
}

/**
 * What exec would refuse about a program.
 *
 * @param path The program.
 * @returns An error number, or 0.
 */
export function execObstacle(path: string): number {
  if (!isThere(path)) return ENOENT;
  if (isDirectory(path) || !isExecutable(path)) return EACCES;
  const interpreter = interpreterOf(path);
  if (interpreter === null) return 0;
  if (!isThere(interpreter)) return ENOENT;
  return isExecutable(interpreter) ? 0 : EACCES;
}

// The program named in a script's first line (execve(2)).
function interpreterOf(path: string): string | null {
  const fd = openToRead(path);
  // Readable is not needed for exec: then it is no script either.
  if (fd < 0) return null;
  const bytes = buffer(256);
  const n = libc().read(fd, bytes, 256n);
  libc().close(fd);
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(n, 0)));
  return /^#![ \t]*([^\s]+)/.exec(text)?.[1] ?? null;
}

// Holding a child back until it has been prepared. The shell that becomes the
// program first reads a line from a pipe(7) whose writing end only this process
// has. So it cannot be left behind: when this process is gone, whenever that was,
// `read` meets the end of the file, and the shell exits. A shell that has stopped
// itself would wait for a SIGCONT that nobody sends any more.
//
// Linux only: macOS starts a child stopped.

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
  /** The number of the reading end in the shell. */
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
   * @param fds What the child gets beyond its standard streams; `null`: what this
   * process has open for it to inherit.
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

  // Who fails to move one of them has closed it.
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
   * Lets the child go: nothing to one that has ended. Idempotent.
   *
   * @returns 0, or an error number: then the shell ends.
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
