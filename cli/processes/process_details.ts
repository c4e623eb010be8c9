/**
 * User, processor time and memory of processes: what the process table of the
 * library does not have. Each system's source is one file; a source that may not
 * be read gives nothing and says why.
 *
 * @module
 */

import type { DetailsReading } from "./details.ts";

/**
 * Reads.
 *
 * @param pids Of which processes.
 * @returns The details that could be read.
 */
export async function readDetails(
  pids: readonly number[],
): Promise<DetailsReading> {
  if (Deno.build.os === "windows") {
    return { details: new Map(), missing: "not known on Windows" };
  }
  if (Deno.build.os === "linux") {
    const { readProcDetails } = await import("./details_from_proc.ts");
    return readProcDetails(pids);
  }
  const { readPsDetails } = await import("./details_from_ps.ts");
  return await readPsDetails(pids);
}
