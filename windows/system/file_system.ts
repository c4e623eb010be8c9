/**
 * The file system calls that come before the start of a program, made without Deno's
 * read permission, as `Deno.Command` makes them.
 *
 * Pages: "GetFileAttributesW function", "GetFullPathNameW function",
 * "Maximum Path Length Limitation".
 *
 * @module
 */

import { readWide, wideString } from "../../ffi/memory.ts";
import { FILE_ATTRIBUTE_DIRECTORY, INVALID_FILE_ATTRIBUTES } from "./win32.ts";
import { windowsError } from "./errors.ts";
import { processes } from "./kernel32.ts";

/** The questions to the file system, so that the search is tested anywhere. */
export interface FileSystem {
  /** Whether the path names a file (not a directory). */
  isFile(path: string): boolean;
  /** An absolute path without `.` and `..`, from a directory or the current one. */
  absolute(path: string): string;
}

const MAX_PATH = 260;

function attributes(path: string): number {
  return processes().GetFileAttributesW(wideString(extended(path)));
}

/** Whether anything has this name. */
export function exists(path: string): boolean {
  return attributes(path) !== INVALID_FILE_ATTRIBUTES;
}

/** Whether the path names a directory. */
export function isDirectory(path: string): boolean {
  const found = attributes(path);
  return found !== INVALID_FILE_ATTRIBUTES &&
    (found & FILE_ATTRIBUTE_DIRECTORY) !== 0;
}

/**
 * The form of an absolute path that may be longer than 259 characters.
 *
 * @param path The path, absolute and without `.` and `..`.
 * @returns The path, with `\\?\` in front when it is long.
 */
export function extended(path: string): string {
  if (path.length < MAX_PATH || path.startsWith("\\\\?\\")) return path;
  return path.startsWith("\\\\")
    ? "\\\\?\\UNC" + path.slice(1)
    : "\\\\?\\" + path;
}

/**
 * An absolute path without `.` and `..`, and without the dots and blanks at the
 * end that Windows would ignore (CVE-2024-43402).
 *
 * @param path The path.
 * @returns The absolute path.
 * @throws {SystemError} when Windows refuses it.
 */
export function absolutePath(path: string): string {
  const k = processes();
  const wide = wideString(path);
  for (let units = 512;;) {
    const out = new Uint8Array(new ArrayBuffer(units * 2));
    const length = k.GetFullPathNameW(wide, units, out, null);
    const code = length === 0 ? k.GetLastError() : 0;
    if (code !== 0) throw windowsError(code, "GetFullPathNameW");
    if (length < units) return readWide(out, length);
    units = length;
  }
}

/** The file system of this machine. */
export const fileSystem: FileSystem = {
  isFile(path: string): boolean {
    const found = attributes(path);
    return found !== INVALID_FILE_ATTRIBUTES &&
      (found & FILE_ATTRIBUTE_DIRECTORY) === 0;
  },
  absolute: absolutePath,
};
