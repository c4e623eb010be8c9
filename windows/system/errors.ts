/**
 * Errors of the Windows backend, with the words and classes of `Deno.Command`.
 *
 * @module
 */

import { systemError } from "../../backend/errors.ts";
import {
  ERROR_BAD_EXE_FORMAT,
  ERROR_FILENAME_EXCED_RANGE,
  errorClass,
  errorName,
} from "./error_codes.ts";
import { MAX_COMMAND_LINE } from "./command_line.ts";
import { errorText } from "../last_error.ts";

/** What else is known about a failed call. */
export interface FailureContext {
  /** The program that was to be started. */
  readonly command?: string;
  /** The process the call was about. */
  readonly pid?: number;
}

/**
 * The error for a call that failed.
 *
 * @param code What `GetLastError` gave, read as the very next native call.
 * @param syscall The call.
 * @param context What else is known.
 * @returns The error, to be thrown.
 */
export function windowsError(
  code: number,
  syscall: string,
  context: FailureContext = {},
): Error {
  return systemError(
    errorClass(code),
    `${syscall} failed: ${errorText(code)} (os error ${code})`,
    { code: errorName(code), errno: code, syscall, ...context },
  );
}

/**
 * The error for a program that could not be started.
 *
 * @param code What `GetLastError` gave after `CreateProcessW`.
 * @param command The program as the caller wrote it.
 * @returns The error, to be thrown.
 */
export function spawnError(code: number, command: string): Error {
  return systemError(
    errorClass(code),
    `Failed to spawn '${command}': ${explain(code)} (os error ${code})`,
    { code: errorName(code), errno: code, syscall: "CreateProcessW", command },
  );
}

function explain(code: number): string {
  if (code === ERROR_BAD_EXE_FORMAT) {
    return "it is not a Windows program";
  }
  return errorText(code);
}

/**
 * The error for a program that is nowhere in the child's PATH.
 *
 * @param command The program as the caller wrote it.
 * @returns The error, to be thrown.
 */
export function notFound(command: string): Error {
  return systemError(
    Deno.errors.NotFound,
    `Failed to spawn '${command}': entity not found`,
    {
      code: "ERROR_FILE_NOT_FOUND",
      errno: 2,
      syscall: "CreateProcessW",
      command,
    },
  );
}

/**
 * The error for a working directory that is not there, or is none.
 *
 * @param command The program as the caller wrote it.
 * @param cwd The directory.
 * @param exists Whether something of that name exists.
 * @returns The error, to be thrown.
 */
export function cwdError(command: string, cwd: string, exists: boolean): Error {
  const what = exists ? "cwd is not a directory" : "No such cwd";
  return systemError(
    Deno.errors.NotFound,
    `Failed to spawn '${command}': ${what} '${cwd}'`,
    { code: "ERROR_DIRECTORY", errno: 267, syscall: "CreateProcessW", command },
  );
}

/**
 * The error for arguments that do not fit into one command line.
 *
 * @param command The program as the caller wrote it.
 * @param length The length that the command line would have.
 * @returns The error, to be thrown.
 */
export function tooLong(command: string, length: number): Error {
  return systemError(
    null,
    `Failed to spawn '${command}': the command line has ${length} characters and Windows takes at most ${
      MAX_COMMAND_LINE - 1
    }`,
    {
      code: errorName(ERROR_FILENAME_EXCED_RANGE),
      errno: ERROR_FILENAME_EXCED_RANGE,
      syscall: "CreateProcessW",
      command,
    },
  );
}
