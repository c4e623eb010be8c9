/**
 * Usage from time to time.
 *
 * @module
 */

import type { NativeProcess } from "../../backend/native.ts";
import type { Usage } from "../../backend/usage.ts";
import { duration } from "../validate.ts";

/** Options of {@linkcode ChildProcess.sample}. */
export interface SampleOptions {
  /**
   * Milliseconds between two looks.
   *
   * @default {1000}
   */
  interval?: number;
}

const DEFAULT_INTERVAL = 1000;

/**
 * Looks at once and then from time to time, until the tree has ended.
 *
 * @param native The child.
 * @param exited Resolves when the leader has been reaped.
 * @param options How often.
 * @returns The figures; the last are the final ones.
 * @throws {TypeError} when `interval` is no number.
 * @throws {RangeError} when `interval` is less than 1 millisecond.
 */
export function sample(
  native: NativeProcess,
  exited: Promise<unknown>,
  options: SampleOptions,
): AsyncIterableIterator<Usage> {
  const interval = duration(options.interval, "interval", DEFAULT_INTERVAL);
  if (interval < 1) {
    throw new RangeError(
      `Invalid interval: expected 1 millisecond or more, got ${interval}`,
    );
  }
  return looks(native, exited, interval);
}

async function* looks(
  native: NativeProcess,
  exited: Promise<unknown>,
  interval: number,
): AsyncGenerator<Usage, void, void> {
  let due = performance.now();
  for (;;) {
    if (native.treeIsEmpty()) break;
    yield native.usage("full");
    // In step with the clock, however long the receiver took.
    due = Math.max(due + interval, performance.now());
    const empty = await native.watchTree().wait(due - performance.now());
    await native.settled();
    if (empty) break;
  }
  await exited;
  yield native.usage("full");
}
