/**
 * Trees that another program started, listed, explained and ended by process id; and
 * the capabilities of this host.
 *
 * @module
 */

import { backend } from "../backend/backend.ts";
import type {
  Capabilities,
  Explanation,
  ProcessInfo,
} from "../backend/containment.ts";
import type { StopReport } from "../backend/native.ts";
import { checkForeignTreePermission } from "../backend/permissions.ts";
import {
  DEFAULT_GRACE,
  runStop,
  STOP_OPTIONS,
  type StopOptions,
} from "./run/stop.ts";
import { checkOptions, duration, flag, stopSignal } from "./validate.ts";

/**
 * The living processes of the tree under a process, the process itself first.
 *
 * Read from the process table: no `ps`, no `pgrep`, no `tasklist`. A daemon
 * whose parents are all gone is not found; of trees that {@linkcode Command}
 * started, `descendants()` finds it.
 *
 * Needs `--allow-run` for every program: command lines of others are what `ps`
 * would show, and may hold secrets.
 *
 * @param pid The process; greater than 1, neither this process nor an ancestor of it.
 * @returns The tree, oldest first.
 * @throws {RangeError} for a pid that is refused.
 * @throws {Deno.errors.NotFound} when there is no such process.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi` or `--allow-run`.
 *
 * @category Trees of other programs
 * @example
 * ```ts
 * import { Command, processTree } from "@killable/process";
 *
 * await using child = new Command(Deno.execPath(), {
 *   args: ["eval", "setInterval(() => {}, 1000)"],
 * }).spawn();
 * console.log(processTree(child.pid)[0]?.pid === child.pid); // true
 * ```
 */
export function processTree(pid: number): ProcessInfo[] {
  checkForeignTreePermission();
  return backend().openTree(pid).members();
}

/**
 * Ends the tree under a process that another program started: soft signal, grace,
 * hard kill; resolves when all of it is gone. On Windows the soft signal is a
 * request to its windows to close.
 *
 * Needs `--allow-run` for every program, as `Deno.kill` does.
 *
 * @param pid The process; greater than 1, neither this process nor an ancestor of it.
 * @param options Signal and grace, in milliseconds (default 5000).
 * @returns What it took.
 * @throws {RangeError} for a pid that is refused.
 * @throws {Deno.errors.NotFound} when there is no such process.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi` or `--allow-run`.
 * @throws {SurvivorsError} when something could not be ended; it names it.
 *
 * @category Trees of other programs
 * @example
 * ```ts
 * import { killTree } from "@killable/process";
 *
 * const stray = new Deno.Command(Deno.execPath(), {
 *   args: ["eval", "setInterval(() => {}, 1000)"],
 * }).spawn();
 * const report = await killTree(stray.pid, { grace: 1000 });
 * console.log(report.survivors); // 0
 * await stray.status;
 * ```
 */
export async function killTree(
  pid: number,
  options: StopOptions = {},
): Promise<StopReport> {
  checkOptions(options, "killTree()", STOP_OPTIONS);
  const grace = duration(options.grace, "grace", DEFAULT_GRACE);
  const signal = stopSignal(options.signal, "SIGTERM");
  checkForeignTreePermission();
  const tree = backend().openTree(pid);
  const state = { deadline: performance.now() + grace, watch: null };
  const mainFirst = flag(options.mainFirst, "mainFirst", false);
  const request = { command: `process ${pid}`, signal, grace, mainFirst };
  try {
    return await runStop(tree, request, state);
  } finally {
    tree.close?.();
  }
}

/**
 * What this host can guarantee, before anything is started.
 *
 * @returns What `containment: "auto"` gives, and every mechanism with what it
 * holds and why it is not available.
 *
 * @category Containment
 * @example
 * ```ts
 * import { capabilities } from "@killable/process";
 *
 * console.log(capabilities().containment); // lineage (Linux), process-group (macOS), job-object (Windows)
 * ```
 */
export function capabilities(): Capabilities {
  return backend().capabilities();
}

/**
 * Explains why a process does not end: it ignores, blocks or handles the signal, is
 * stopped, traced, frozen, in an uninterruptible wait, another user's, or a zombie
 * that its parent has not reaped. A look, which changes nothing.
 *
 * Needs `--allow-run` for every program, as {@linkcode processTree} does. Linux tells
 * all of it. macOS tells state, parent and whether it may be signalled; the rest is
 * `null`. Windows, which has no signals, is not supported.
 *
 * @param pid The process, of any program; also this one.
 * @returns The facts, and the reasons that follow from them.
 * @throws {RangeError} for a number that is no process id.
 * @throws {Deno.errors.NotFound} when there is no such process.
 * @throws {Deno.errors.NotSupported} on Windows.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi` or `--allow-run`.
 *
 * @category Trees of other programs
 * @example
 * ```ts
 * import { Command, explain } from "@killable/process";
 *
 * await using child = new Command(Deno.execPath(), {
 *   args: ["eval", "Deno.addSignalListener('SIGTERM', () => {}); console.log(1)"],
 *   stdout: "piped",
 * }).spawn();
 * await child.ready({ line: "1" });
 * const { reasons } = Deno.build.os === "windows" ? { reasons: [] } : explain(child.pid);
 * console.log(reasons); // on Linux [ "it handles SIGTERM itself" ]
 * ```
 */
export function explain(pid: number): Explanation {
  if (!Number.isInteger(pid) || pid < 1 || pid > 0x7fff_ffff) {
    throw new RangeError(
      `Cannot explain process ${pid}: expected a process id from 1`,
    );
  }
  checkForeignTreePermission();
  const found = backend().explain(pid);
  if (found !== null) return found;
  throw new Deno.errors.NotFound(
    `Cannot explain process ${pid}: there is no such process`,
  );
}
