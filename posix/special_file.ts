/**
 * Paths that lead to devices, to other processes or into the kernel. What can be
 * read and written there goes beyond files: `/proc/self/mem` is this process.
 * Which ones they are is Deno's decision (`check_special_file` in its
 * `runtime/permissions`).
 *
 * @module
 */

import { cString, readCString } from "../ffi/c_string.ts";
import { absolutePath } from "./spawn/executable.ts";
import { DARWIN, libcWait } from "./system/libc.ts";

const TREES: readonly string[] = DARWIN
  ? ["/dev/"]
  : ["/dev/", "/proc/", "/sys/"];
const HARMLESS: readonly string[] = [
  "/dev/null",
  "/dev/zero",
  "/dev/random",
  "/dev/urandom",
];
// What a shell passes for <(command); the first three are the streams.
const PASSED = /^\/(?:dev|proc\/self)\/fd\/(?:[3-9]|[1-9]\d+)$/;
// <limits.h>: PATH_MAX is 4096, 1024 on macOS.
const PATH_MAX = 4096;

/**
 * Whether a path leads to such a file.
 *
 * @param path The path; links in it are followed.
 * @param reads Whether it is to be read: `/dev/tty` may be, but not written to.
 * @returns Also true when that is written in the path, and it leads elsewhere.
 */
export function isSpecialFile(path: string, reads: boolean): boolean {
  const named = path.startsWith("/") ? absolutePath(path, "/") : "";
  if (isGuarded(named, reads)) return !isPassedPipe(named);
  return isGuarded(realPath(path) ?? realParent(path), reads);
}

function isGuarded(path: string, reads: boolean): boolean {
  if (HARMLESS.includes(path) || reads && path === "/dev/tty") return false;
  for (let i = 0; i < TREES.length; i++) {
    if (path.startsWith(TREES[i] as string)) return true;
  }
  return false;
}

// On Linux such a descriptor has no real path when it is a pipe.
function isPassedPipe(path: string): boolean {
  return !DARWIN && PASSED.test(path) && realPath(path) === null;
}

// realpath(3)
function realPath(path: string): string | null {
  const resolved = new Uint8Array(PATH_MAX);
  const found = libcWait().realpath(cString(path), resolved);
  return found === null ? null : readCString(resolved);
}

// Of a file that is to be created.
function realParent(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  const parent = realPath(path.slice(0, slash) || ".");
  return `${parent === "/" ? "" : parent ?? ""}/${path.slice(slash)}`;
}
