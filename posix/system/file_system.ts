/**
 * Questions to the file system that need no permission of Deno: what exists,
 * what is a directory, what may be executed.
 *
 * @module
 */

import { cString } from "../../ffi/c_string.ts";
import { ENOENT } from "./errno.ts";
import { buffer } from "../../ffi/library.ts";
import { DARWIN, errno, libc, libcFiles } from "./libc.ts";

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

// struct stat: <bits/struct_stat.h>
const SYS_NEWFSTATAT = Deno.build.arch === "aarch64" ? 79n : 262n;
const MODE_OFFSET = Deno.build.arch === "aarch64" ? 16 : 24;
const STAT_SIZE = 144;
const AT_FDCWD = -100n;
const S_IFMT = 0xf000;
const S_IFIFO = 0x1000;

/**
 * Whether a path leads to a pipe with a name: opening it may wait for its other end.
 *
 * @param path The path; links in it are followed.
 * @returns Also false when it cannot be looked at; on macOS that is so without
 * Deno's read permission.
 */
export function isFifo(path: string): boolean {
  if (DARWIN) return isFifoForDeno(path);
  const stat = buffer(STAT_SIZE);
  const name = cString(path);
  const c = libcFiles();
  if (c.newfstatat(SYS_NEWFSTATAT, AT_FDCWD, name, stat, 0n) !== 0) {
    return false;
  }
  const mode = new DataView(stat.buffer).getUint32(MODE_OFFSET, true);
  return (mode & S_IFMT) === S_IFIFO;
}

function isFifoForDeno(path: string): boolean {
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") return false;
  try {
    return Deno.statSync(path).isFifo === true;
  } catch {
    return false;
  }
}
