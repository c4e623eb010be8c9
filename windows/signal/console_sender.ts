/**
 * A program of its own: the short-lived helper that sends a console event, run
 * with `deno run --allow-ffi console_sender.ts MARK EVENT PID…`. It is detached from
 * any console, so that it may attach to that of another process.
 *
 * What starts it imports this module too, so that it is in Deno's cache wherever
 * the library came from, and needs no network.
 *
 * @module
 */

import { consoles } from "../system/kernel32.ts";

/** Tells the helper from a program that this module was bundled into. */
const MARK = "@killable/process console event";

/**
 * The arguments that make this program send an event.
 *
 * @param pids Processes whose console is meant, the likeliest first.
 * @param event The event.
 * @returns The arguments of Deno.
 */
export function senderArguments(
  pids: readonly number[],
  event: number,
): string[] {
  // deno-fmt-ignore
  const args = [
    "run", "--quiet", "--no-prompt", "--no-lock", "--no-config", "--cached-only",
    "--allow-ffi", import.meta.url, MARK, String(event),
  ];
  for (let i = 0; i < pids.length; i++) args.push(String(pids[i]));
  return args;
}

function send(event: number, pids: readonly number[]): void {
  const k = consoles();
  for (let i = 0; i < pids.length; i++) {
    if (k.AttachConsole(pids[i] as number) === 0) continue;
    // It ignores CTRL_C itself, and may die of CTRL_BREAK.
    k.SetConsoleCtrlHandler(0n, 1);
    k.GenerateConsoleCtrlEvent(event, 0);
    return;
  }
}

if (import.meta.main && Deno.args[0] === MARK) {
  const numbers = Deno.args.slice(1).map(Number);
  send(numbers[0] as number, numbers.slice(1));
  // In a bundle, the program would come next.
  Deno.exit();
}
