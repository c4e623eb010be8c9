/**
 * Finding the program: as `Deno.Command` does, in the child's PATH and relative
 * to the child's working directory.
 *
 * @module
 */

import { EACCES, ENOENT } from "../system/errno.ts";
import {
  absolutePath,
  isDirectory,
  isExecutable,
  isThere,
} from "../system/file_system.ts";

/** A program found, or what stood in the way. */
export type Resolution =
  | { readonly path: string }
  | { readonly errno: number };

/**
 * Finds a program.
 *
 * @param command A name without slash, looked for in `path`; or a path.
 * @param cwd The child's working directory, absolute.
 * @param path The child's PATH, or `null`.
 * @returns Its absolute path, or ENOENT; EACCES when only files that may not be
 * executed have that name.
 */
export function findExecutable(
  command: string,
  cwd: string,
  path: string | null,
): Resolution {
  if (command.includes("/")) return { path: absolutePath(command, cwd) };
  const directories = (path ?? "/usr/local/bin:/usr/bin:/bin").split(":");
  let denied = false;
  for (let i = 0; i < directories.length; i++) {
    // An empty entry is the working directory (POSIX, Environment Variables).
    const directory = directories[i] || ".";
    const candidate = absolutePath(`${directory}/${command}`, cwd);
    if (isExecutable(candidate)) return { path: candidate };
    denied ||= isThere(candidate) && !isDirectory(candidate);
  }
  return { errno: denied ? EACCES : ENOENT };
}
