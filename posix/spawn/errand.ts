/**
 * What has to be done in the child before it becomes the program: wait until it is
 * let go, stop, set its file mode creation mask and its limit of descriptors, open a
 * FIFO, put its own process id into LISTEN_PID (sd_listen_fds(3)). These belong to
 * the whole process, so this process cannot take them on for a moment, and
 * posix_spawn has no attributes for them.
 *
 * On Linux a small program of ours does it (`launcher.ts`); on macOS, and where that
 * cannot be started, /bin/sh, which becomes the program by exec with the same
 * process id. What exec would refuse is looked for beforehand, so that `spawn()`
 * reports it.
 *
 * @module
 */

import { buffer } from "../../ffi/library.ts";
import { openToRead } from "../stdio/stdio.ts";
import { EACCES, ENOENT } from "../system/errno.ts";
import { isDirectory, isExecutable, isThere } from "../system/file_system.ts";
import { libc } from "../system/libc.ts";

/** The shell that becomes the program. */
export const SHELL = "/bin/sh";

/** A file that is opened in the child: opening it may wait, as for a FIFO. */
export interface ChildFile {
  /** The descriptor in the child. */
  readonly target: number;
  /** One more that becomes a copy of it, or -1. */
  readonly copy: number;
  /** Its absolute path. */
  readonly path: string;
  readonly access: "read" | "write" | "append";
}

/** What is done first. */
export interface Errand {
  /** The descriptor that a line is read from, or -1. */
  readonly hold: number;
  /** Whether the child stops itself, after that. */
  readonly stops: boolean;
  /** The file mode creation mask, or `null`. */
  readonly umask: number | null;
  /** Linux: the limit of descriptors, or `null`. */
  readonly openFiles: bigint | null;
  /** macOS: commands that set limits, each with `;` behind it, or nothing. */
  readonly ulimits: string;
  /** Whether LISTEN_PID is set. */
  readonly listenPid: boolean;
  /** Files to open. */
  readonly files: readonly ChildFile[];
}

/**
 * Arguments of the shell that becomes the program.
 *
 * @param path The program.
 * @param args Its arguments.
 * @param errand What it does first.
 * @param dropped Variables, as `name=value`, that a shell does not hand on.
 * @returns The shell's arguments, its own name included.
 */
export function shellArguments(
  path: string,
  args: readonly string[],
  errand: Errand,
  dropped: readonly string[],
): string[] {
  const { hold, stops, umask, listenPid, ulimits, openFiles, files } = errand;
  // env(1) takes variables that are no identifiers; and a path with `=` for one.
  const through = dropped.length > 0 && !path.includes("=");
  // Limits last: the shell may need more descriptors than it leaves the program.
  let script = ulimits +
    (openFiles === null ? "" : `ulimit -n ${openFiles} || exit 125; `) +
    (through ? 'exec /usr/bin/env "$@"' : 'exec "$0" "$@"');
  if (listenPid) script = `LISTEN_PID=$$; export LISTEN_PID; ${script}`;
  for (let i = files.length - 1; i >= 0; i--) {
    script = redirection(files[i] as ChildFile) + script;
  }
  if (stops) script = `kill -STOP $$; ${script}`;
  if (hold >= 0) script = heldBack(hold) + script;
  if (umask !== null) script = `umask 0${umask.toString(8)}; ${script}`;
  const start = [SHELL, "-c", script, path];
  return (through ? start.concat(dropped, path) : start).concat(args);
}

// The descriptor is closed before the wait rather than after it: for any change of
// descriptors a shell needs a free one from 10 on. The program's stdin comes back
// at the end of the braces. The variable is not exported, unless the environment
// has one of that name.
function heldBack(fd: number): string {
  return `{ exec ${fd}<&-; read -r killable_hold; } <&${fd} || exit 125; `;
}

const OPERATORS = { read: "<", write: ">", append: ">>" } as const;

function redirection({ target, copy, path, access }: ChildFile): string {
  if (target > 9) {
    throw new Deno.errors.NotSupported(
      `Cannot open the FIFO '${path}' as descriptor ${target}: a shell opens it in the child here, and knows descriptors of one digit`,
    );
  }
  const quoted = `'${path.replaceAll("'", "'\\''")}'`;
  const file = `exec ${target}${OPERATORS[access]}${quoted} || exit 126; `;
  return copy < 0 ? file : `${file}exec ${copy}>&${target}; `;
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
