/**
 * Details of processes from proc(5).
 *
 * @module
 */

import { isGranted } from "../is_granted.ts";
import type { DetailsReading, ProcessDetails } from "./details.ts";

// Of the interface between kernel and programs on every Linux that Deno runs on
// (sysconf(_SC_CLK_TCK)).
const MS_PER_TICK = 10;

// --allow-read is not enough for /proc.
const MISSING = "Deno lets only --allow-all (-A) read them from /proc";

/**
 * Reads.
 *
 * @param pids Of which processes.
 * @returns Everything, or the reason why not.
 */
export function readProcDetails(pids: readonly number[]): DetailsReading {
  const details = new Map<number, ProcessDetails>();
  if (!isGranted({ name: "read" })) return { details, missing: MISSING };
  try {
    const users = readUsers();
    for (const pid of pids) {
      const one = readOne(pid, users);
      if (one !== null) details.set(pid, one);
    }
    return { details, missing: "" };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    return { details: new Map(), missing: MISSING };
  }
}

function readOne(
  pid: number,
  users: ReadonlyMap<string, string>,
): ProcessDetails | null {
  const stat = read(`/proc/${pid}/stat`);
  const status = read(`/proc/${pid}/status`);
  if (stat === null || status === null) return null;
  const uid = field(status, "Uid")?.split(/\s/)[0];
  const resident = field(status, "VmRSS")?.split(/\s/)[0];
  return {
    user: uid === undefined ? null : users.get(uid) ?? uid,
    cpuTime: cpuTime(stat),
    // A zombie has no memory, and no such line.
    memory: resident === undefined ? null : Number(resident) * 1024,
  };
}

/**
 * Processor time of a `/proc/<pid>/stat`.
 *
 * @param stat Its text.
 * @returns Milliseconds in user and system mode.
 */
export function cpuTime(stat: string): number {
  // The name is in parentheses and may hold anything: fields begin behind it,
  // with the third; utime is the 14th and stime the 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1];
}

/**
 * Names of users.
 *
 * @param passwd The text of `/etc/passwd`.
 * @returns Names by user id, as text.
 */
export function parseUsers(passwd: string): Map<string, string> {
  const users = new Map<string, string>();
  for (const line of passwd.split("\n")) {
    const [name, , uid] = line.split(":");
    if (uid !== undefined && !users.has(uid)) users.set(uid, name!);
  }
  return users;
}

// Users of a directory service are not in the file: their number is shown.
function readUsers(): Map<string, string> {
  return parseUsers(read("/etc/passwd") ?? "");
}

// Null for a process that has ended, and for another user's where it is hidden.
function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return null;
  }
}
