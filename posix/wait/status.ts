/**
 * What the kernel says of an ended child, decoded: pure, tested on every OS.
 *
 * @module
 */

import type { ExitStatus } from "../../backend/backend.ts";
import { signalName, type SignalTable } from "../../backend/signals.ts";

/** How a child ended when somebody else reaped it (ECHILD). */
export const LOST: ExitStatus = { code: -1, signal: null, lost: true };

/** The exit with a code. */
export function exited(code: number): ExitStatus {
  return { code, signal: null, lost: false };
}

/** The death by a signal: `128 + n`, as shells and Deno have it. */
export function signalled(number: number, table: SignalTable): ExitStatus {
  return { code: 128 + number, signal: signalName(table, number), lost: false };
}

/**
 * Decodes the status word of wait4(2).
 *
 * @param word The word.
 * @param table The signals of the operating system.
 * @returns How the child ended.
 */
export function decodeWaitStatus(word: number, table: SignalTable): ExitStatus {
  const signal = word & 0x7f;
  return signal === 0 ? exited((word >> 8) & 0xff) : signalled(signal, table);
}

const CLD_EXITED = 1;

/**
 * Decodes `si_code` and `si_status` of waitid(2).
 *
 * @param code `si_code`: CLD_EXITED, CLD_KILLED or CLD_DUMPED.
 * @param status `si_status`: exit code or signal.
 * @param table The signals of the operating system.
 * @returns How the child ended.
 */
export function decodeSiginfo(
  code: number,
  status: number,
  table: SignalTable,
): ExitStatus {
  return code === CLD_EXITED
    ? exited(status & 0xff)
    : signalled(status & 0x7f, table);
}
