/**
 * Details of processes from ps(1), where there is no `/proc`.
 *
 * @module
 */

import type { DetailsReading, ProcessDetails } from "./process_details.ts";

/**
 * Reads.
 *
 * @param pids Of which processes.
 * @returns Everything, or the reason why not.
 */
export async function readPsDetails(
  pids: readonly number[],
): Promise<DetailsReading> {
  try {
    const { stdout } = await new Deno.Command("ps", {
      args: ["-o", "pid=,user=,time=,rss=", "-p", pids.join(",")],
      env: { LC_ALL: "C" },
      stdin: "null",
      stderr: "null",
    }).output();
    return { details: parsePs(new TextDecoder().decode(stdout)), missing: "" };
  } catch (error) {
    const missing = `ps could not be run: ${(error as Error).message}`;
    return { details: new Map(), missing };
  }
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
