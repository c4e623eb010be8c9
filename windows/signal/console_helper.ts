/**
 * The short-lived helper that sends a console event when this process has a
 * console of its own, which it could not get back after leaving it.
 *
 * @module
 */

import { readWide, wideString } from "../../ffi/wide_string.ts";
import { commandLine } from "../system/command_line.ts";
import { SystemError } from "../../backend/errors.ts";
import { senderArguments } from "./console_sender.ts";
import { DETACHED_PROCESS } from "../system/constants.ts";
import { createProcess } from "../system/create_process.ts";
import { processes } from "../system/kernel32.ts";

/**
 * Whether a helper can be had. A compiled program has no Deno to run one with:
 * its children share its console instead, where it has one.
 *
 * @returns False in a compiled program.
 */
export function helperAvailable(): boolean {
  return (Deno.build as { standalone?: boolean }).standalone !== true;
}

/**
 * Starts the helper and does not wait for it.
 *
 * @param pids Processes whose console is meant, the likeliest first.
 * @param event The event.
 * @param deno The Deno to run it with.
 * @returns Whether there is a helper. A stop must not fail for want of one: who
 * cannot be asked is ended.
 */
export function sendByHelper(
  pids: readonly number[],
  event: number,
  deno: string = ownPath(),
): boolean {
  if (!helperAvailable()) return false;
  try {
    const created = createProcess({
      application: deno,
      commandLine: commandLine(deno, senderArguments(pids, event), false),
      flags: DETACHED_PROCESS,
    });
    created.thread.close();
    created.process.close();
    return true;
  } catch (error) {
    // Such as a job of somebody else's that allows no further process.
    if (error instanceof SystemError) return false;
    throw error;
  }
}

/** Page "GetModuleFileNameW function". */
function ownPath(): string {
  const text = wideString(" ".repeat(4096));
  const units = processes().GetModuleFileNameW(0n, text, 4096);
  return readWide(text, units);
}
