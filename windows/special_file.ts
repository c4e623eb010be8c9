/**
 * Paths that lead to devices or to other machines, and so to more than the files
 * of a drive. Which ones they are is Deno's decision (`check_special_file` in its
 * `runtime/permissions`).
 *
 * @module
 */

import { absolutePath } from "./system/file_system.ts";

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
