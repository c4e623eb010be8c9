/**
 * The short-lived helper that sends a console event for a process that has a
 * console of its own, which it could not get back after leaving it.
 *
 * The helper is a Deno that evaluates a few lines and needs no module: whether a
 * module is cached or vendored makes no difference. Its exit code tells whether
 * the event was sent.
 *
 * @module
 */

import { SystemError } from "../../backend/errors.ts";
import { readWide, wideString } from "../../ffi/c_string.ts";
import { commandLine } from "../system/command_line.ts";
import { DETACHED_PROCESS } from "../system/constants.ts";
import { createProcess } from "../system/create_process.ts";
import {
  getExitCodeProcess,
  type Handle,
  terminateProcess,
  waitForSingleObject,
} from "../system/handle.ts";
import { processes } from "../system/kernel32.ts";

/** The exit code of a process that is ended by the console event it has sent. */
const STATUS_CONTROL_C_EXIT = 0xC000013A;

// A program of its own, which cannot import `ffi/`.
const PROGRAM = `
const { args, dlopen } = Deno;
const [event, ...pids] = args.map(Number);
const { symbols } = dlopen("kernel32.dll", {
  AttachConsole: { parameters: ["u32"], result: "i32" },
  SetConsoleCtrlHandler: { parameters: ["usize", "i32"], result: "i32" },
  GenerateConsoleCtrlEvent: { parameters: ["u32", "u32"], result: "i32" },
});
for (const pid of pids) {
  if (!symbols.AttachConsole(pid)) continue;
  symbols.SetConsoleCtrlHandler(0n, 1);
  Deno.exit(symbols.GenerateConsoleCtrlEvent(event, 0) ? 0 : 1);
}
Deno.exit(1);
`;

/** The arguments of a Deno that sends an event. */
function senderArguments(pids: readonly number[], event: number): string[] {
  const args = ["eval", "--quiet", "--no-config", "--no-lock"];
  args.push(PROGRAM, String(event));
  for (let i = 0; i < pids.length; i++) args.push(String(pids[i]));
  return args;
}

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
 * A helper that was started.
 *
 * @category Windows
 */
export class ConsoleHelper {
  readonly #process: Handle;

  /**
   * Takes the helper over.
   *
   * @param process Its process.
   */
  constructor(process: Handle) {
    this.#process = process;
  }

  /**
   * Looks whether it has ended. Not to be asked again after an answer.
   *
   * @returns Whether it has sent the event; `null` while it runs.
   */
  sent(): boolean | null {
    if (!waitForSingleObject(this.#process, 0)) return null;
    const code = getExitCodeProcess(this.#process);
    this.#process.close();
    return code === 0 || code === STATUS_CONTROL_C_EXIT;
  }

  /** Ends it: the process that it was to ask is being ended. */
  cancel(): void {
    terminateProcess(this.#process, 1);
    this.#process.close();
  }
}

/**
 * Starts a helper.
 *
 * @param pids Processes whose console is meant, the likeliest first.
 * @param event The event.
 * @param deno The Deno to run it with.
 * @returns The helper; `null` when there is none: a stop must not fail for want of one,
 * and a process that cannot be asked is ended.
 */
export function startHelper(
  pids: readonly number[],
  event: number,
  deno: string = ownPath(),
): ConsoleHelper | null {
  if (!helperAvailable()) return null;
  try {
    const created = createProcess({
      application: deno,
      commandLine: commandLine(deno, senderArguments(pids, event), false),
      // No deno.json and no package.json of the user's is beside it.
      cwd: deno.slice(0, deno.lastIndexOf("\\") + 1),
      flags: DETACHED_PROCESS,
    });
    created.thread.close();
    return new ConsoleHelper(created.process.closeAtThreadEnd());
  } catch (error) {
    // Such as an outer job that allows no further process.
    if (error instanceof SystemError) return null;
    throw error;
  }
}

/** Page "GetModuleFileNameW function". */
function ownPath(): string {
  const text = wideString(" ".repeat(4096));
  const units = processes().GetModuleFileNameW(0n, text, 4096);
  return readWide(text, units);
}
