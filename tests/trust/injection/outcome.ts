/**
 * What came of one injection, and whether that is right.
 *
 * @module
 */

/** What the host saw. */
export interface Outcome {
  readonly kind: "done" | "error" | "hang";
  /** What the scenario returned, as JSON. */
  readonly result: string;
  /** Name and message of what it threw. */
  readonly error: string;
  /** The error's `syscall`. */
  readonly call: string;
  /** Processes that were there when the call had returned; unhandled errors. */
  readonly left: readonly string[];
  /** Descriptors, guards, changes of this process. */
  readonly leaked: readonly string[];
  /** How often the call was made to fail. */
  readonly hits?: number;
  /** What the scenario returns when nothing fails. */
  readonly expected?: string;
}
