import type { Limits } from "../../backend/limits.ts";
import type { OutputPolicy } from "../stdio/capture.ts";
import type { TeeTarget } from "../stdio/tee.ts";

/** How a tree is to be ended and how much is to be kept. */
export interface RunControl {
  /** The program, for messages. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Milliseconds from the spawn, or Infinity. */
  readonly timeout: number;
  /** Milliseconds without output, or Infinity. */
  readonly idleTimeout: number;
  /** Where output goes besides, or `null`. */
  readonly tee: TeeTarget | null;
  /** Milliseconds. */
  readonly grace: number;
  /** The soft signal. */
  readonly stopSignal: Deno.Signal;
  /** What is fed to stdin, or `null`. */
  readonly input: Uint8Array | ReadableStream<Uint8Array> | null;
  /** Ends the tree. */
  readonly abortSignal: AbortSignal | null;
  /** Limits, or `null`. */
  readonly limits: Limits | null;
  /** Bytes per stream. */
  readonly maxOutput: number;
  /** Beyond it. */
  readonly outputPolicy: OutputPolicy;
}

/** The default grace, in milliseconds. */
export const DEFAULT_GRACE = 5000;

/** The default of `maxOutput`, in bytes. */
export const DEFAULT_MAX_OUTPUT: number = 256 * 1024 * 1024;
