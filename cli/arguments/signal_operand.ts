/**
 * Signals as people write them: `TERM`, `SIGTERM`, `term`, `15`.
 *
 * @module
 */

import {
  DARWIN_SIGNALS,
  LINUX_SIGNALS,
  signalName,
  type SignalTable,
  WINDOWS_SIGNALS,
} from "../../backend/signals.ts";
import { UsageError } from "./operands.ts";

/** The signals of this system. */
export const SIGNALS: SignalTable = {
  darwin: DARWIN_SIGNALS,
  windows: WINDOWS_SIGNALS,
}[Deno.build.os as string] ?? LINUX_SIGNALS;

// glibc keeps 32 and 33 for itself.
const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal, 0 included, as kill(1) and GNU timeout read it.
 *
 * @param text The operand.
 * @returns The number.
 * @throws {UsageError} when there is no such signal.
 */
export function parseSignalNumber(text: string): number {
  if (/^\d+$/.test(text)) {
    // A status that a shell shows for a signal is understood, too.
    const number = Number(text) > 128 ? Number(text) - 128 : Number(text);
    if (number <= RTMAX) return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  if (name === "EXIT") return 0;
  const number = SIGNALS[`SIG${name}`] ?? realTime(name);
  if (number === undefined) throw new UsageError(`'${text}': invalid signal`);
  return number;
}

function realTime(name: string): number | undefined {
  const [, base, offset = "0"] = /^(RTMIN|RTMAX)([+-]\d+)?$/.exec(name) ?? [];
  if (base === undefined || SIGNALS !== LINUX_SIGNALS) return undefined;
  const number = (base === "RTMIN" ? RTMIN : RTMAX) + Number(offset);
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}

/**
 * A signal with a name, for a stop.
 *
 * @param text The operand.
 * @returns Its name.
 * @throws {UsageError} when there is no such signal, or it has no name.
 */
export function parseSignal(text: string): Deno.Signal {
  const name = signalName(SIGNALS, parseSignalNumber(text));
  if (name === null) {
    throw new UsageError(`'${text}': a stop needs a signal with a name`);
  }
  return name;
}

/**
 * A signal without its prefix, for messages.
 *
 * @param number Its number.
 * @returns `TERM`, `RTMIN+1`, `0`.
 */
export function shortSignalName(number: number): string {
  const name = signalName(SIGNALS, number);
  if (name !== null) return name.slice(3);
  if (number < RTMIN) return String(number);
  return number === RTMIN ? "RTMIN" : `RTMIN+${number - RTMIN}`;
}
