import { cString } from "../../ffi/c_string.ts";
import { ENOENT } from "./errno.ts";
import { errno, libc } from "./libc.ts";

const F_OK = 0;
const X_OK = 1;

// An empty name, `.` or `..` between two slashes or at the end.
const UNTIDY = /\/\.{0,2}(\/|$)/;

/** Whether a path exists; with a trailing `/.`, whether it is a directory. */
function exists(path: string): boolean {
  return libc().access(cString(path), F_OK) === 0;
}

/**
 * Whether a path is a directory.
 *
 * @param path The path.
 * @returns True for a directory that may be searched.
 */
export function isDirectory(path: string): boolean {
  return exists(`${path}/.`);
}

/**
 * Whether anything is at a path.
 *
 * @param path The path.
 * @returns False only when there is nothing.
 */
export function isThere(path: string): boolean {
  return libc().access(cString(path), F_OK) === 0 || errno() !== ENOENT;
}

/**
 * Whether a path is a file that this process may execute.
 *
 * @param path The path.
 * @returns False for directories.
 */
export function isExecutable(path: string): boolean {
  return libc().access(cString(path), X_OK) === 0 && !isDirectory(path);
}

/**
 * Joins a path to a directory and removes `.`, `..` and doubled slashes, as Deno
 * does before it compares a program with what may be run.
 *
 * @param path The path, absolute or not.
 * @param base The directory, absolute.
 * @returns An absolute path.
 */
export function absolutePath(path: string, base: string): string {
  if (path.startsWith("/") && !UNTIDY.test(path)) return path;
  const parts = (path.startsWith("/") ? path : `${base}/${path}`).split("/");
  const kept: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    if (part === "" || part === ".") continue;
    if (part === "..") kept.pop();
    else kept.push(part);
  }
  return `/${kept.join("/")}`;
}
