/**
 * Errors of the Windows backend, with the words and classes of `Deno.Command`.
 *
 * @module
 */

import { systemError } from "../../backend/errors.ts";
import { readWide } from "../../ffi/wide_string.ts";
import { MAX_COMMAND_LINE } from "./command_line.ts";
import {
  ERROR_BAD_EXE_FORMAT,
  ERROR_FILENAME_EXCED_RANGE,
  errorClass,
  errorName,
} from "./error_codes.ts";
import { messages } from "./kernel32.ts";

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

// The system's words for an error code.
//
// Reading `GetLastError` itself is not here: it has to be the very next native
// call after the one that failed, so it stands beside each of them.
//
// Page: "FormatMessageW function".

const FORMAT_MESSAGE_IGNORE_INSERTS = 0x200;
const FORMAT_MESSAGE_FROM_SYSTEM = 0x1000;
const UNITS = 512;

/**
 * What the system says about an error, in the user's language.
 *
 * @param code The error code.
 * @returns One line of text, as `Deno.errors` have it.
 */
export function errorText(code: number): string {
  if (Deno.build.os !== "windows") return "Unknown error";
  const text = new Uint8Array(new ArrayBuffer(UNITS * 2));
  const units = messages().FormatMessageW(
    FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
    0n,
    code,
    0,
    text,
    UNITS,
    0n,
  );
  return units === 0 ? "Unknown error" : readWide(text, units).trim();
}
