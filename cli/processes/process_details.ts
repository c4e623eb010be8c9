/**
 * User, processor time and memory of processes: what the process table of the
 * library does not have. Each system's source is one file; a source that may not
 * be read gives nothing and says why.
 *
 * @module
 */

/** What is known of a process besides its place in the tree. */
export interface ProcessDetails {
  /** Its user. */
  readonly user: string | null;
  /** Processor time used, in milliseconds. */
  readonly cpuTime: number | null;
  /** Resident memory, in bytes. */
  readonly memory: number | null;
}

/** Details of several processes. */
export interface DetailsReading {
  /** By process id; one that has ended is not in it. */
  readonly details: ReadonlyMap<number, ProcessDetails>;
  /** Why there are none, with the way out; empty when there are. */
  readonly missing: string;
}

/**
 * Reads.
 *
 * @param pids Of which processes.
 * @returns What could be read.
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
