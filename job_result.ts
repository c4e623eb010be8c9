/**
 * What a job came to.
 *
 * @module
 */

import type { ChildProcess } from "./process/child_process.ts";
import type { LimitName } from "./process/limits/limits.ts";
import type { CommandStatus, StopReport } from "./process/run/status.ts";

/** How one child of a job ended. */
export interface JobStatus {
  /** The program, as it was given. */
  readonly command: string;
  /** Process id that it had. */
  readonly pid: number;
  /** How it ended. */
  readonly status: CommandStatus;
}

/** What a job came to. */
export interface JobResult {
  /**
   * Whether the job did what its policy asks for: every child succeeded, or with
   * `"first-exit"` the first one that ended. False when it was ended by
   * timeout, abort, a limit, or a signal of `stopOn`.
   */
  readonly success: boolean;
  /** Whether its time was up. */
  readonly timedOut: boolean;
  /** Whether its `AbortSignal` fired. */
  readonly aborted: boolean;
  /** The limit of the whole job that it was ended for, or `null`. */
  readonly limit: LimitName | null;
  /** The signal of `stopOn` that stopped it, or `null`. */
  readonly signal: Deno.Signal | null;
  /** Every child, in the order in which they were started. */
  readonly statuses: readonly JobStatus[];
  /** The child whose end decided, or `null`. */
  readonly first: ChildProcess | null;
  /** The stop that ended what was left. */
  readonly report: StopReport;
}
