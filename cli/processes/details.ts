/**
 * The details of a process that a listing shows.
 *
 * @module
 */

/** The details of a process besides its place in the tree. */
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
