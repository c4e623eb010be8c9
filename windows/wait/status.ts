/**
 * What a Windows exit code tells.
 *
 * Windows has 32-bit exit codes and no "died by a signal". What we end gets
 * 128 + n from us, and STATUS_CONTROL_C_EXIT is what the default handler of a
 * console event leaves; both become a signal only when it was us.
 *
 * Pages: "GetExitCodeProcess function", "TerminateJobObject function",
 * "SetConsoleCtrlHandler function".
 *
 * @module
 */

import type { ExitStatus } from "../../backend/native.ts";
import { WINDOWS_SIGNALS } from "../../backend/signals.ts";

/** What the default handlers of CTRL_C and CTRL_BREAK exit with. */
export const STATUS_CONTROL_C_EXIT = 0xC000013A;

/** What we did to a process before it ended. */
export interface Deeds {
  /** The signals that our terminating it stood for: the first to arrive leaves its code. */
  readonly ended: readonly Deno.Signal[];
  /** The signal that the console event we sent stands for, or `null`. */
  readonly softSignal: Deno.Signal | null;
}

/**
 * The exit code that stands for a signal, on every operating system.
 *
 * @param signal The signal.
 * @returns 128 and its number.
 */
export function signalExitCode(signal: Deno.Signal): number {
  return 128 + (WINDOWS_SIGNALS[signal] ?? 0);
}

/**
 * The status that an exit code stands for.
 *
 * @param raw The code as `GetExitCodeProcess` gives it, unsigned.
 * @param deeds What we did to the process.
 * @returns The status; `code` is signed, as `Deno.Command` reports it.
 */
export function exitStatus(raw: number, deeds: Deeds): ExitStatus {
  const { ended, softSignal } = deeds;
  for (let i = 0; i < ended.length; i++) {
    const signal = ended[i] as Deno.Signal;
    if (raw === signalExitCode(signal)) {
      return { code: raw, signal, lost: false };
    }
  }
  if (softSignal !== null && raw === STATUS_CONTROL_C_EXIT) {
    const code = signalExitCode(softSignal);
    return { code, signal: softSignal, lost: false };
  }
  return { code: raw | 0, signal: null, lost: false };
}
