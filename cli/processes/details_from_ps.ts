/**
 * Details of processes from ps(1), where there is no `/proc`.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { isGranted } from "../is_granted.ts";
import type { DetailsReading, ProcessDetails } from "./details.ts";

/**
 * Reads.
 *
 * @param pids Of which processes.
 * @returns Everything, or the reason why not.
 */
export async function readPsDetails(
  pids: readonly number[],
): Promise<DetailsReading> {
  const columns = "pid=,user=,time=,rss=";
  try {
    const text = await ps(["-o", columns, "-p", pids.join(",")]);
    return { details: parsePs(text), missing: "" };
  } catch (error) {
    const missing = `ps could not be run: ${(error as Error).message}`;
    return { details: new Map(), missing };
  }
}

async function ps(args: readonly string[]): Promise<string> {
  if (!isGranted({ name: "run", command: "ps" })) {
    throw new Deno.errors.NotCapable("it needs --allow-run=ps");
  }
  const { stdout } = await new Deno.Command("ps", {
    args: [...args],
    env: { LC_ALL: "C" },
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

/**
 * Lists all processes.
 *
 * @returns The processes, in no order.
 */
export async function listPs(): Promise<ProcessInfo[]> {
  const columns = "pid=,ppid=,state=,etime=,command=";
  return parsePsList(await ps(["-A", "-ww", "-o", columns]), Date.now());
}

const STATES: Readonly<Record<string, string>> = {
  R: "running",
  S: "sleeping",
  I: "idle",
  U: "waiting",
  T: "stopped",
  Z: "zombie",
};

/**
 * Reads a list of ps.
 *
 * @param text Lines of process id, parent, state, age, command line.
 * @param now When it was made, in milliseconds since the epoch.
 * @returns The processes.
 */
export function parsePsList(text: string, now: number): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const line of text.split("\n")) {
    const [, pid, ppid, state, age, command] =
      /^\s*(\d+)\s+(\d+)\s+(\w)\S*\s+([\d:-]+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined) continue;
    found.push({
      pid: Number(pid),
      ppid: Number(ppid),
      name: command!.split(" ")[0]!.replace(/.*\//, ""),
      command: command!,
      state: STATES[state!] ?? state!,
      startTime: now - parseTime(age!),
    });
  }
  return found;
}

/**
 * Reads the output of ps.
 *
 * @param text Lines of process id, user, processor time, KiB of resident memory.
 * @returns Details by process id.
 */
export function parsePs(text: string): Map<number, ProcessDetails> {
  const details = new Map<number, ProcessDetails>();
  for (const line of text.split("\n")) {
    const [, pid, user, time, rss] =
      /^\s*(\d+)\s+(\S+)\s+([\d:.,-]+)\s+(\d+)\s*$/.exec(line) ?? [];
    if (pid === undefined) continue;
    details.set(Number(pid), {
      user: user!,
      cpuTime: parseTime(time!),
      memory: Number(rss) * 1024,
    });
  }
  return details;
}

// `[[dd-]hh:]mm:ss[.cc]`.
function parseTime(text: string): number {
  const [days, clock] = text.includes("-") ? text.split("-") : ["0", text];
  let seconds = 0;
  for (const part of clock!.replace(",", ".").split(":")) {
    seconds = seconds * 60 + Number(part);
  }
  return Math.round((Number(days) * 86_400 + seconds) * 1000);
}
