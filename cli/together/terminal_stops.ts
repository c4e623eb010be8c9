/**
 * Processes that the terminal has stopped. The commands of `together` have process
 * groups of their own: in the background of the terminal. One that reads it, or
 * changes its modes, gets SIGTTIN or SIGTTOU, and would wait for ever.
 *
 * Linux only: proc(5) says which signal stopped a process.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { SIGNALS } from "../arguments/signal_operand.ts";
import { isGranted } from "../is_granted.ts";

const TERMINAL_SIGNALS: readonly Deno.Signal[] = ["SIGTTIN", "SIGTTOU"];

/** A process that waits for a terminal it does not get. */
export interface TerminalStop {
  /** Its process id. */
  readonly pid: number;
  /** Its program. */
  readonly name: string;
  /** The signal that stopped it. */
  readonly signal: Deno.Signal;
}

/**
 * Whether this process has a controlling terminal, so that a look makes sense.
 *
 * @returns False also where that cannot be told.
 */
export function hasTerminal(): boolean {
  if (Deno.build.os !== "linux") return false;
  if (!isGranted({ name: "read", path: "/proc" })) return false;
  return terminalOf("self") !== 0;
}

/**
 * Finds them.
 *
 * @param members The living processes.
 * @returns Those that this process's terminal has stopped.
 */
export function terminalStops(
  members: readonly Pick<ProcessInfo, "pid" | "name" | "state">[],
): TerminalStop[] {
  const found: TerminalStop[] = [];
  for (const { pid, name, state } of members) {
    if (state !== "stopped") continue;
    const fields = statOf(String(pid));
    const number = Number(fields?.at(-1)) & 0x7f;
    const signal = TERMINAL_SIGNALS.find((one) => SIGNALS[one] === number);
    // Another terminal is that of a program which has one of its own for others.
    if (
      signal === undefined || terminalOf(String(pid)) !== terminalOf("self")
    ) {
      continue;
    }
    found.push({ pid, name, signal });
  }
  return found;
}

// The 7th field: `tty_nr`. The fields counted here begin with the third.
function terminalOf(pid: string): number {
  return Number(statOf(pid)?.[4] ?? 0);
}

function statOf(pid: string): string[] | null {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`).trimEnd();
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null; // It has ended.
  }
}
