/**
 * Files that are opened for a child.
 *
 * Page: "CreateFileW function".
 *
 * @module
 */

import { systemError } from "../../backend/errors.ts";
import type { StdioFile } from "../../backend/spec.ts";
import { wideString } from "../../ffi/wide_string.ts";
import {
  CREATE_ALWAYS,
  FILE_APPEND_DATA,
  FILE_READ_ATTRIBUTES,
  FILE_SHARE_DELETE,
  FILE_SHARE_READ_WRITE,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  OPEN_ALWAYS,
  OPEN_EXISTING,
  SYNCHRONIZE,
} from "../system/constants.ts";
import {
  ERROR_ACCESS_DENIED,
  errorClass,
  errorName,
} from "../system/error_codes.ts";
import { errorText } from "../system/errors.ts";
import { absolutePath, extended, isDirectory } from "../system/file_system.ts";
import { Handle } from "../system/handle.ts";
import { io } from "../system/kernel32.ts";

/** What a file is to the child. */
export interface FileUse {
  /** Whether the child reads it; it writes otherwise. */
  readonly reads: boolean;
  /** The option that it was given with, for the message. */
  readonly name: string;
  /** The program, for the message. */
  readonly command: string;
}

/**
 * Opens a file for a child, shared with everybody, as Deno does.
 *
 * @param file The file; permission was asked for.
 * @param use What it is to the child.
 * @returns The handle, not inheritable.
 * @throws {Deno.errors.NotFound} when the file, or its directory, is missing.
 * @throws {Deno.errors.IsADirectory} when it is a directory.
 * @throws {Deno.errors.PermissionDenied} when Windows does not allow it.
 */
export function openForChild(
  file: StdioFile,
  { reads, name, command }: FileUse,
): Handle {
  const path = absolutePath(file.path);
  const wide = wideString(extended(path));
  const { access, disposition } = howToOpen(file, reads);
  const share = FILE_SHARE_READ_WRITE | FILE_SHARE_DELETE;
  const k = io();
  const value = k.CreateFileW(wide, access, share, null, disposition, 0, 0n);
  const code = value === INVALID_HANDLE_VALUE ? k.GetLastError() : 0;
  if (code === 0) return new Handle(value);
  // Windows denies access to a directory that is opened as a file.
  const directory = code === ERROR_ACCESS_DENIED && isDirectory(path);
  const why = directory ? "it is a directory" : errorText(code);
  throw systemError(
    directory ? Deno.errors.IsADirectory : errorClass(code),
    `Failed to spawn '${command}': cannot open '${file.path}' as ${name}: ${why} (os error ${code})`,
    { code: errorName(code), errno: code, syscall: "CreateFileW", command },
  );
}

function howToOpen(
  file: StdioFile,
  reads: boolean,
): { access: number; disposition: number } {
  if (reads) return { access: GENERIC_READ, disposition: OPEN_EXISTING };
  if (!file.append) {
    const access = (GENERIC_WRITE | FILE_READ_ATTRIBUTES) >>> 0;
    return { access, disposition: CREATE_ALWAYS };
  }
  // Without FILE_WRITE_DATA every write goes to the end, whoever else writes.
  const access = FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
  return { access, disposition: OPEN_ALWAYS };
}

// Paths that lead to devices or to other machines, and so to more than the files
// of a drive. Which ones they are is Deno's decision (`check_special_file` in its
// `runtime/permissions`).

const DRIVE = /^(?:\\\\\?\\)?[A-Za-z]:\\/;
const NUL = /^\\\\\.\\nul$/i;

/**
 * Whether a path leads to such a file.
 *
 * @param path The path. GetFullPathNameW makes `\\.\CON` of the name `CON`.
 * @param _reads Makes no difference on Windows.
 * @returns False for a file on a drive, and for `NUL`.
 */
export function isSpecialFile(path: string, _reads: boolean): boolean {
  const absolute = absolutePath(path);
  return !DRIVE.test(absolute) && !NUL.test(absolute);
}
