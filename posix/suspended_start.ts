/**
 * Starting a program through a shell that becomes it by exec, with the same
 * process id, for what posix_spawn cannot do:
 *
 * - to start it stopped, before its first instruction. macOS can do that
 *   (POSIX_SPAWN_START_SUSPENDED); on Linux the shell stops itself.
 * - to tell it its own process id in LISTEN_PID (sd_listen_fds(3)), which nobody
 *   knows before the spawn.
 *
 * What exec would refuse is looked for beforehand, so that `spawn()` still
 * reports it.
 *
 * @module
 */

import { buffer } from "../ffi/pointer.ts";
import { EACCES, ENOENT } from "./errno.ts";
import { isDirectory, isExecutable, isThere } from "./executable.ts";
import { libc } from "./libc.ts";
import { openFile } from "./proc_files.ts";

const STOP = "kill -STOP $$; ";
const LISTEN_PID = "LISTEN_PID=$$; export LISTEN_PID; ";
const BECOME = 'exec "$0" "$@"';
const P_PID = 1;
// <sys/wait.h>: WSTOPPED 2, WEXITED 4, WNOWAIT 0x01000000.
const WSTOPPED = 2;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const CLD_STOPPED = 5;

/** The shell that starts it. */
export const SHELL = "/bin/sh";

/** What the shell does before it becomes the program. */
export interface ShellDuties {
  /** Whether it stops itself. */
  readonly stop: boolean;
  /** Whether it sets LISTEN_PID. */
  readonly listenPid: boolean;
}

/**
 * Arguments of the shell that becomes the program.
 *
 * @param path The program.
 * @param args Its arguments.
 * @param duties What it does before.
 * @returns The shell's arguments.
 */
export function shellArguments(
  path: string,
  args: readonly string[],
  duties: ShellDuties,
): string[] {
  const script = (duties.stop ? STOP : "") +
    (duties.listenPid ? LISTEN_PID : "") + BECOME;
  return [SHELL, "-c", script, path].concat(args);
}

/**
 * Waits until the shell has stopped: a SIGCONT before that would be lost, and
 * the child would stay stopped for ever. Takes about a millisecond.
 *
 * @param pid The shell.
 * @returns Whether it stopped; false when it ended instead.
 */
export function awaitStopped(pid: number): boolean {
  const info = buffer(128);
  const options = WSTOPPED | WEXITED | WNOWAIT;
  if (libc().waitid(P_PID, pid, info, options) !== 0) return false;
  return new DataView(info.buffer).getInt32(8, true) === CLD_STOPPED;
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
  const fd = openFile(path);
  // Readable is not needed for exec: then it is no script either.
  if (fd < 0) return null;
  const bytes = buffer(256);
  const n = Number(libc().read(fd, bytes, 256n));
  libc().close(fd);
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(n, 0)));
  return /^#![ \t]*([^\s]+)/.exec(text)?.[1] ?? null;
}
