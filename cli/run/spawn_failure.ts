/**
 * Why a program could not be started, in the words and with the status of env,
 * nohup and timeout.
 *
 * @module
 */

import { SystemError } from "../../backend/errors.ts";

/** The program that was run did not start because of us. */
export const STATUS_OWN_FAILURE = 125;
/** It was found and cannot be executed. */
export const STATUS_CANNOT_INVOKE = 126;
/** It was not found. */
export const STATUS_NOT_FOUND = 127;

// strerror(3).
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "No such file or directory",
  ENOTDIR: "Not a directory",
  EACCES: "Permission denied",
  EPERM: "Operation not permitted",
  ENOEXEC: "Exec format error",
  E2BIG: "Argument list too long",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
};

/** The message and the exit status. */
export interface SpawnFailure {
  /** After the name of the program that says it. */
  readonly message: string;
  /** The exit status. */
  readonly status: number;
}

/**
 * Explains.
 *
 * @param command The program as it was written.
 * @param error The error of spawn().
 * @returns Message and status.
 */
export function spawnFailure(command: string, error: unknown): SpawnFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Deno.errors.NotCapable) {
    return {
      message: `${message} (deno run --allow-ffi --allow-run, or -A)`,
      status: STATUS_OWN_FAILURE,
    };
  }
  // The library's words: Deno has one class for both.
  if (/: (No such cwd|cwd is not a directory) '/.test(message)) {
    return { message, status: STATUS_OWN_FAILURE };
  }
  if (command === "." || command === "..") return directory(command);
  const missing = error instanceof Deno.errors.NotFound;
  const refused = error instanceof Deno.errors.PermissionDenied;
  if (!missing && !refused && !(error instanceof SystemError)) {
    return { message, status: STATUS_OWN_FAILURE };
  }
  const code = error instanceof SystemError ? error.code : "";
  const words = WORDS[code] ?? message;
  return {
    message: `failed to run command '${command}': ${words}`,
    status: missing ? STATUS_NOT_FOUND : STATUS_CANNOT_INVOKE,
  };
}

// In every folder of PATH there is something of this name, which execvp(3)
// finds and may not execute; Deno does not look for it.
function directory(command: string): SpawnFailure {
  return {
    message: `failed to run command '${command}': ${WORDS["EACCES"]}`,
    status: STATUS_CANNOT_INVOKE,
  };
}
