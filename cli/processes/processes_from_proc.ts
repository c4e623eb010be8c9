/**
 * The list of processes from proc(5), read with Deno's permission.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { parseStat, stateName } from "../../posix/system/proc_files.ts";

// sysconf(_SC_CLK_TCK), see details_from_proc.ts.
const MS_PER_TICK = 10;
// All threads of the kernel descend from it.
const KTHREADD = 2;

/**
 * Lists.
 *
 * @returns The processes, in no order.
 * @throws {Deno.errors.NotCapable} without --allow-all.
 */
export function listProc(): ProcessInfo[] {
  const btime = /^btime (\d+)$/m.exec(Deno.readTextFileSync("/proc/stat"));
  const boot = btime === null ? NaN : Number(btime[1]) * 1000;
  const found: ProcessInfo[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const one = readProcess(name, boot);
    if (one !== null) found.push(one);
  }
  return found;
}

function readProcess(pid: string, boot: number): ProcessInfo | null {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const line = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
    return parseProcess(stat, line, boot);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return null; // It has ended.
  }
}

/**
 * Reads one process.
 *
 * @param stat The text of its `stat`.
 * @param cmdline The text of its `cmdline`.
 * @param boot When the system was started, in milliseconds since the epoch.
 * @returns The process, or `null` for a thread of the kernel.
 */
export function parseProcess(
  stat: string,
  cmdline: string,
  boot: number,
): ProcessInfo | null {
  const read = parseStat(stat);
  if (read === null) return null;
  const { pid, ppid, name, state, startTicks } = read;
  const command = cmdline.replaceAll("\0", " ").trim();
  if (command === "" && (pid === KTHREADD || ppid === KTHREADD)) return null;
  return {
    pid,
    ppid,
    name,
    command: command || name,
    state: stateName(state),
    startTime: boot + startTicks * MS_PER_TICK,
  };
}
