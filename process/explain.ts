/**
 * The answer to "why does this process still live?".
 *
 * @module
 */

import { backend } from "../backend/backend.ts";
import type { Explanation } from "../backend/explanation.ts";
import { checkForeignTreePermission } from "../backend/permissions.ts";

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

/**
 * The reasons for an error message.
 *
 * @param pid The process.
 * @returns `: ` and the reasons; nothing where none is known.
 */
export function explained(pid: number): string {
  try {
    const reasons = backend().explain(pid)?.reasons ?? [];
    return reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
  } catch {
    // The error that this is a part of must be reported in any case.
    return "";
  }
}
