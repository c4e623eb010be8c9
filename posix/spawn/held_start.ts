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

import { buffer } from "../../ffi/pointer.ts";
import { EACCES, EINTR, ENOENT } from "../system/errno.ts";
import { isDirectory, isExecutable, isThere } from "./executable.ts";
import { errno, libc } from "../system/libc.ts";
import { openToRead } from "../stdio/files.ts";
import {
  CLD_STOPPED,
  P_PID,
  siginfoCode,
  waitid,
  WEXITED,
  WNOWAIT,
  WSTOPPED,
} from "../wait/waitid.ts";

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
  const n = Number(libc().read(fd, bytes, 256n));
  libc().close(fd);
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(n, 0)));
  return /^#![ \t]*([^\s]+)/.exec(text)?.[1] ?? null;
}
