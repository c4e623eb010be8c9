/**
 * The POSIX calls that this library is made of, as typed functions, for programs that
 * call `killpg` or `waitpid` themselves; `windows/mod.ts` is the same for Win32.
 * {@link https://jsr.io/@killable/process | The main module} asks for none of it.
 *
 * Needs `--allow-ffi`. Linux and macOS.
 *
 * @example A signal to a process group
 * ```ts
 * import { Command } from "@killable/process";
 * import { getpgid, killpg } from "@killable/process/posix";
 *
 * const child = new Command(Deno.execPath(), {
 *   args: ["eval", "setInterval(() => {}, 1000)"],
 * }).spawn();
 * killpg(getpgid(child.pid), "SIGTERM");
 * console.log((await child.status).signal); // SIGTERM
 * ```
 *
 * @module
 */

import { bindErrno, DARWIN, errno, libc, libcWait } from "./system/libc.ts";
import { posixError } from "./system/errno.ts";
import { SIGNALS } from "./signal/signal_process.ts";
import { signalNumber } from "../backend/signals.ts";
import { decodeWaitStatus } from "./wait/leader.ts";
import type { ExitStatus } from "../backend/native.ts";

export type { ExitStatus } from "../backend/native.ts";

function checked(result: number, syscall: string, pid: number): number {
  if (result >= 0) return result;
  throw posixError(syscall, errno(), { pid });
}

function refuseReserved(number: number, what: string): void {
  if (Number.isInteger(number) && number > 1) return;
  throw new RangeError(
    `Cannot signal ${what} ${number}: 0, 1 and negative numbers stand for this group, init, or all processes`,
  );
}

/**
 * Sends a signal to a process: kill(2).
 *
 * @param pid The process; greater than 1. It must not have been reaped: another
 * process may have its number since.
 * @param signal Name or number; 0 only asks.
 * @throws {RangeError} for a pid of 1 or less.
 * @throws {Deno.errors.NotFound} when there is no such process.
 * @throws {Deno.errors.PermissionDenied} when it is not yours to signal.
 * @category POSIX
 */
export function kill(pid: number, signal: Deno.Signal | number): void {
  refuseReserved(pid, "process");
  bindErrno();
  checked(libc().kill(pid, signalNumber(SIGNALS, signal)), "kill", pid);
}

/**
 * Sends a signal to a process group: killpg(3).
 *
 * macOS answers EPERM for a group that holds only zombies.
 *
 * @param pgid The group; greater than 1.
 * @param signal Name or number; 0 only asks.
 * @throws {RangeError} for a group of 1 or less.
 * @throws {Deno.errors.NotFound} when there is no such group.
 * @throws {Deno.errors.PermissionDenied} when no member may be signalled.
 * @category POSIX
 */
export function killpg(pgid: number, signal: Deno.Signal | number): void {
  refuseReserved(pgid, "process group");
  bindErrno();
  checked(
    libcWait().killpg(pgid, signalNumber(SIGNALS, signal)),
    "killpg",
    pgid,
  );
}

/**
 * Puts a process into a group: setpgid(2).
 *
 * @param pid This process (0), or a child of it that has not called exec.
 * @param pgid The group; 0 makes the process the leader of a new one.
 * @throws {Deno.errors.PermissionDenied} EACCES after the child's exec, EPERM across sessions.
 * @category POSIX
 */
export function setpgid(pid: number, pgid: number): void {
  bindErrno();
  checked(libcWait().setpgid(pid, pgid), "setpgid", pid);
}

/**
 * The process group of a process: getpgid(2).
 *
 * @param pid The process; 0 is this one.
 * @returns The group.
 * @throws {Deno.errors.NotFound} when there is no such process.
 * @category POSIX
 */
export function getpgid(pid: number): number {
  bindErrno();
  return checked(libcWait().getpgid(pid), "getpgid", pid);
}

/**
 * What {@linkcode waitpid} found.
 *
 * @category POSIX
 */
export interface WaitResult extends ExitStatus {
  /** The child that ended. It is reaped: its number is no longer yours. */
  readonly pid: number;
}

/**
 * Asks for the end of a child without waiting, and reaps it:
 * `waitpid(pid, &status, WNOHANG)`, waitpid(2).
 *
 * @param pid A child of this process that no other code waits for; greater than 1.
 * With -1 it would reap the children of `Deno.Command` too, so that is refused.
 * @returns How it ended, or `null` while it runs.
 * @throws {RangeError} for a pid of 1 or less.
 * @throws {SystemError} ECHILD when it is no child, or already reaped.
 * @category POSIX
 */
export function waitpid(pid: number): WaitResult | null {
  if (!Number.isInteger(pid) || pid <= 1) {
    throw new RangeError(`Cannot wait for ${pid}: name one child`);
  }
  bindErrno();
  const word = new Int32Array(1);
  const WNOHANG = 1;
  const status = new Uint8Array(word.buffer);
  const found = checked(
    libc().wait4(pid, status, WNOHANG, null),
    "waitpid",
    pid,
  );
  if (found === 0) return null;
  return { pid: found, ...decodeWaitStatus(word[0] as number, SIGNALS) };
}

/**
 * The signals of this operating system, names to numbers: signal(7).
 *
 * @category POSIX
 */
export const signals: Readonly<Record<string, number>> = SIGNALS;

/**
 * Whether this module's system is macOS; otherwise Linux.
 *
 * @category POSIX
 */
export const darwin: boolean = DARWIN;
