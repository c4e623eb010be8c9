/**
 * The short-lived helper that sends a console event when this process has a
 * console of its own, which it could not get back after leaving it.
 *
 * @module
 */

import { readWide, wideString } from "../ffi/wide_string.ts";
import { commandLine } from "./command_line.ts";
import { DETACHED_PROCESS } from "./constants.ts";
import { createProcess } from "./create_process.ts";
import { processes } from "./kernel32.ts";

// What the helper runs. It ignores CTRL_C itself, and may die of CTRL_BREAK.
const SCRIPT = `
const k = Deno.dlopen("kernel32.dll", {
  AttachConsole: { parameters: ["u32"], result: "i32" },
  SetConsoleCtrlHandler: { parameters: ["usize", "i32"], result: "i32" },
  GenerateConsoleCtrlEvent: { parameters: ["u32", "u32"], result: "i32" },
}).symbols;
for (const pid of PIDS) {
  if (k.AttachConsole(pid) === 0) continue;
  k.SetConsoleCtrlHandler(0n, 1);
  k.GenerateConsoleCtrlEvent(EVENT, 0);
  break;
}`;

/**
 * Starts the helper and does not wait for it.
 *
 * @param pids Processes whose console is meant, the likeliest first.
 * @param event The event.
 * @returns False in a compiled program, which has no Deno to run the helper.
 */
export function sendByHelper(pids: readonly number[], event: number): boolean {
  if ((Deno.build as { standalone?: boolean }).standalone) return false;
  const deno = ownPath();
  const script = SCRIPT.replace("PIDS", `[${pids.join(",")}]`)
    .replace("EVENT", String(event));
  const created = createProcess({
    application: deno,
    commandLine: commandLine(deno, ["eval", "--no-config", script], false),
    flags: DETACHED_PROCESS,
  });
  created.thread.close();
  created.process.close();
  return true;
}

/** Page "GetModuleFileNameW function". */
function ownPath(): string {
  const text = wideString(" ".repeat(4096));
  const units = processes().GetModuleFileNameW(0n, text, 4096);
  return readWide(text, units);
}
