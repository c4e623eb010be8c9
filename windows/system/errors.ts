/**
 * Errors of the Windows backend, with the words and classes of `Deno.Command`: the
 * names, classes and texts of Win32 error codes.
 *
 * @module
 */

import { argumentsHint, systemError } from "../../backend/errors.ts";
import { readWide } from "../../ffi/memory.ts";
import { MAX_COMMAND_LINE } from "./command_line.ts";
import { messages } from "./kernel32.ts";

/**
 * The circumstances of a failed call.
 *
 * @category Windows
 */
export interface FailureContext {
  /** The program that was to be started. */
  readonly command?: string;
  /** The process the call was about. */
  readonly pid?: number;
}

/**
 * The error for a call that failed.
 *
 * @param code The result of `GetLastError`, called as the very next native call.
 * @param syscall The call.
 * @param context The circumstances of the call.
 * @returns The error, to be thrown.
 * @category Windows
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
 * @param code The result of `GetLastError` after `CreateProcessW`.
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
    `Failed to spawn '${command}': entity not found${argumentsHint(command)}`,
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

/**
 * The error for arguments that `cmd.exe` would cut off.
 *
 * @param command The batch file as the caller wrote it.
 * @param length The length that the command line would have.
 * @returns The error, to be thrown.
 */
export function batchTooLong(command: string, length: number): Error {
  return systemError(
    null,
    `Failed to spawn '${command}': the command line has ${length} characters, and cmd.exe, which runs batch files, takes at most 8191. Pass the arguments in a file, or start the program that the batch file starts`,
    {
      code: errorName(ERROR_FILENAME_EXCED_RANGE),
      errno: ERROR_FILENAME_EXCED_RANGE,
      syscall: "CreateProcessW",
      command,
    },
  );
}

// The text of the system for an error code.
//
// Reading `GetLastError` itself is not here: it has to be the very next native
// call after the one that failed, so it stands beside each of them.
//
// Page: "FormatMessageW function".

const FORMAT_MESSAGE_IGNORE_INSERTS = 0x200;

const FORMAT_MESSAGE_FROM_SYSTEM = 0x1000;
const UNITS = 512;

/**
 * The text of the system for an error, in the user's language.
 *
 * @param code The error code.
 * @returns One line of text, as `Deno.errors` have it.
 * @category Windows
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

// Win32 error codes: names, and Deno's class for each.
//
// Page: "System Error Codes" (winerror.h). The classes are those that Deno
// itself throws for the same codes.

/** A class of `Deno.errors`. */
export type ErrorClass = new (
  message?: string,
  options?: ErrorOptions,
) => Error;

/** Codes that the code tests for. */
export const ERROR_INVALID_FUNCTION = 1;

export const ERROR_FILE_NOT_FOUND = 2;

export const ERROR_PATH_NOT_FOUND = 3;

/** The right is missing, or the process is ending. */
export const ERROR_ACCESS_DENIED = 5;

/** The handle is not one, or not open. */
export const ERROR_INVALID_HANDLE = 6;

/** The writing end of a pipe is closed. */
export const ERROR_BROKEN_PIPE = 109;

/** The buffer is too small. */
export const ERROR_INSUFFICIENT_BUFFER = 122;

/** A parameter is wrong; of `OpenProcess`: no such process. */
export const ERROR_INVALID_PARAMETER = 87;

/** The file is not a Windows program. */
export const ERROR_BAD_EXE_FORMAT = 193;

/** The name, or the command line, is too long. */
export const ERROR_FILENAME_EXCED_RANGE = 206;

/** The reading end of a pipe is closed. */
export const ERROR_NO_DATA = 232;

/** There is more than the buffer holds. */
export const ERROR_MORE_DATA = 234;

/** A limit of the job is reached; the exit code of members when its time is up. */
export const ERROR_NOT_ENOUGH_QUOTA = 1816;

/** The time of a wait was up. */
export const WAIT_TIMEOUT = 258;

/** The directory's name is invalid. */
export const ERROR_DIRECTORY = 267;

/** The operation goes on in the background. */
export const ERROR_IO_PENDING = 997;

const NAMES: Readonly<Record<number, string>> = {
  1: "ERROR_INVALID_FUNCTION",
  2: "ERROR_FILE_NOT_FOUND",
  3: "ERROR_PATH_NOT_FOUND",
  4: "ERROR_TOO_MANY_OPEN_FILES",
  5: "ERROR_ACCESS_DENIED",
  6: "ERROR_INVALID_HANDLE",
  8: "ERROR_NOT_ENOUGH_MEMORY",
  12: "ERROR_INVALID_ACCESS",
  14: "ERROR_OUTOFMEMORY",
  15: "ERROR_INVALID_DRIVE",
  18: "ERROR_NO_MORE_FILES",
  24: "ERROR_BAD_LENGTH",
  31: "ERROR_GEN_FAILURE",
  32: "ERROR_SHARING_VIOLATION",
  33: "ERROR_LOCK_VIOLATION",
  38: "ERROR_HANDLE_EOF",
  50: "ERROR_NOT_SUPPORTED",
  53: "ERROR_BAD_NETPATH",
  67: "ERROR_BAD_NET_NAME",
  80: "ERROR_FILE_EXISTS",
  87: "ERROR_INVALID_PARAMETER",
  109: "ERROR_BROKEN_PIPE",
  120: "ERROR_CALL_NOT_IMPLEMENTED",
  121: "ERROR_SEM_TIMEOUT",
  122: "ERROR_INSUFFICIENT_BUFFER",
  123: "ERROR_INVALID_NAME",
  126: "ERROR_MOD_NOT_FOUND",
  127: "ERROR_PROC_NOT_FOUND",
  161: "ERROR_BAD_PATHNAME",
  183: "ERROR_ALREADY_EXISTS",
  193: "ERROR_BAD_EXE_FORMAT",
  206: "ERROR_FILENAME_EXCED_RANGE",
  216: "ERROR_EXE_MACHINE_TYPE_MISMATCH",
  225: "ERROR_VIRUS_INFECTED",
  231: "ERROR_PIPE_BUSY",
  232: "ERROR_NO_DATA",
  233: "ERROR_PIPE_NOT_CONNECTED",
  234: "ERROR_MORE_DATA",
  258: "WAIT_TIMEOUT",
  267: "ERROR_DIRECTORY",
  299: "ERROR_PARTIAL_COPY",
  577: "ERROR_INVALID_IMAGE_HASH",
  735: "ERROR_ABANDONED_WAIT_0",
  740: "ERROR_ELEVATION_REQUIRED",
  995: "ERROR_OPERATION_ABORTED",
  997: "ERROR_IO_PENDING",
  1168: "ERROR_NOT_FOUND",
  1260: "ERROR_ACCESS_DISABLED_BY_POLICY",
  1314: "ERROR_PRIVILEGE_NOT_HELD",
  1359: "ERROR_INTERNAL_ERROR",
  1450: "ERROR_NO_SYSTEM_RESOURCES",
  1455: "ERROR_COMMITMENT_LIMIT",
  1460: "ERROR_TIMEOUT",
  1816: "ERROR_NOT_ENOUGH_QUOTA",
  10013: "WSAEACCES",
  10022: "WSAEINVAL",
  10038: "WSAENOTSOCK",
  10048: "WSAEADDRINUSE",
  10049: "WSAEADDRNOTAVAIL",
  11001: "WSAHOST_NOT_FOUND",
};

/**
 * The name of an error.
 *
 * @param code The result of `GetLastError`.
 * @returns Its name in winerror.h, or `ERROR_` and the number.
 * @category Windows
 */
export function errorName(code: number): string {
  return NAMES[code] ?? `ERROR_${code}`;
}

/**
 * The class of Deno's that fits an error.
 *
 * @param code The result of `GetLastError`.
 * @returns The class, or `null` where Deno throws a plain `Error`.
 */
export function errorClass(code: number): ErrorClass | null {
  switch (code) {
    case 2:
    case 3:
    case 15:
    case 53:
    case 67:
      return Deno.errors.NotFound;
    case 5:
    case 10013:
      return Deno.errors.PermissionDenied;
    case 10048:
      return Deno.errors.AddrInUse;
    case 10049:
      return Deno.errors.AddrNotAvailable;
    case 80:
    case 183:
      return Deno.errors.AlreadyExists;
    case 109:
    case 232:
      return Deno.errors.BrokenPipe;
    case 32:
    case 33:
      return Deno.errors.Busy;
    case 121:
    case 258:
    case 1460:
      return Deno.errors.TimedOut;
    case 267:
      return Deno.errors.NotADirectory;
    default:
      return null;
  }
}
