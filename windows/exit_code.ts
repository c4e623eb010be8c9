/**
 * What a Windows exit code tells.
 *
 * Windows has 32-bit exit codes and no "died by a signal". A tree that we end
 * hard gets code 137 from us, and STATUS_CONTROL_C_EXIT is what the default
 * handler of a console event leaves; both become a signal only when we sent it.
 *
 * Pages: "GetExitCodeProcess function", "TerminateJobObject function",
 * "SetConsoleCtrlHandler function".
 *
 * @module
 */

import type { ExitStatus } from "../backend.ts";
import { WINDOWS_SIGNALS } from "../signals.ts";

/** The code that processes get which we end hard: 128 + SIGKILL. */
export const KILLED_EXIT_CODE = 137;

/** What the default handlers of CTRL_C and CTRL_BREAK exit with. */
export const STATUS_CONTROL_C_EXIT = 0xC000013A;

/** What we did to a process before it ended. */
export interface Deeds {
  /** Whether we terminated it while it was seen alive. */
  readonly killed: boolean;
  /** The signal that stands for the console event we sent, or `null`. */
  readonly softSignal: Deno.Signal | null;
}

/**
 * The status that an exit code stands for.
 *
 * @param raw The code as `GetExitCodeProcess` gives it, unsigned.
 * @param deeds What we did to the process.
 * @returns The status; `code` is signed, as `Deno.Command` reports it.
 */
export function exitStatus(raw: number, deeds: Deeds): ExitStatus {
  if (deeds.killed && raw === KILLED_EXIT_CODE) {
    return { code: KILLED_EXIT_CODE, signal: "SIGKILL", lost: false };
  }
  if (deeds.softSignal !== null && raw === STATUS_CONTROL_C_EXIT) {
    const number = WINDOWS_SIGNALS[deeds.softSignal] ?? 2;
    return { code: 128 + number, signal: deeds.softSignal, lost: false };
  }
  return { code: raw | 0, signal: null, lost: false };
}
