/**
 * The inheritance of this program, which it hands on unchanged: the terminal with its
 * modes, and the soft limit of open files, which Deno raises when it starts.
 *
 * @module
 */

import type { ForegroundTerminal } from "../../posix/stdio/pty.ts";
import { isGranted } from "../is_granted.ts";
import { hasTerminal } from "../together/terminal_stops.ts";

const LINUX = Deno.build.os === "linux";
const RLIMIT_NOFILE = 7;

// Deno itself needs some descriptors to start a program.
const LEAST_OPEN_FILES = 64n;

/**
 * The terminal in whose foreground this program runs.
 *
 * @returns `null` when there is none, or this program is in the background.
 */
export async function ownTerminal(): Promise<ForegroundTerminal | null> {
  if (Deno.build.os === "windows") return null;
  // Where proc(5) can be read it is asked first: a library call costs more.
  if (LINUX && isGranted({ name: "read", path: "/proc" }) && !hasTerminal()) {
    return null;
  }
  try {
    const { ForegroundTerminal } = await import("../../posix/stdio/pty.ts");
    const terminal = ForegroundTerminal.open();
    terminal?.keepModes();
    return terminal;
  } catch {
    // Without --allow-ffi; the start of the command says so.
    return null;
  }
}

/**
 * Gives this process, and with it the command, the soft limit of open files that
 * its parent has: the limit that it was started with, as far as can be known.
 */
export async function handOnOpenFiles(): Promise<void> {
  if (!LINUX) return;
  const path = `/proc/${Deno.ppid}/limits`;
  if (!isGranted({ name: "read", path })) return;
  try {
    const soft = softLimit(await Deno.readTextFile(path));
    if (soft === null || soft < LEAST_OPEN_FILES) return;
    const { libcLinux } = await import("../../posix/system/libc.ts");
    const { prlimit } = libcLinux();
    const own = new BigUint64Array(2);
    const bytes = new Uint8Array(own.buffer);
    if (prlimit(0, RLIMIT_NOFILE, null, bytes) !== 0 || own[0]! <= soft) return;
    own[0] = soft;
    prlimit(0, RLIMIT_NOFILE, bytes, null);
  } catch {
    // The parent has gone, or is not ours to look at: nothing is known.
  }
}

/**
 * Finds the soft limit of open files.
 *
 * @param limits The text of a `limits` of proc(5).
 * @returns The number; `null` where there is none.
 */
export function softLimit(limits: string): bigint | null {
  const found = /^Max open files\s+(\d+)/m.exec(limits);
  return found === null ? null : BigInt(found[1]!);
}
