/**
 * A pipe(7) from one child to another: both ends block, as programs expect of
 * their standard streams.
 *
 * @module
 */

import type { ChildPipe } from "../backend/backend.ts";
import { libc } from "./system/libc.ts";
import { openPair } from "./stdio/pipe.ts";

/**
 * Opens a pipe whose ends are for two children.
 *
 * @returns The pipe; both ends close-on-exec.
 * @throws {SystemError} when no descriptor is left.
 */
export function openChildPipe(): ChildPipe {
  const { reading, writing } = openPair();
  const open = [true, true];
  const close = (end: number, fd: number): void => {
    // Once: the number is another file's afterwards.
    if (open[end]) libc().close(fd);
    open[end] = false;
  };
  return {
    reading,
    writing,
    closeReading: () => close(0, reading),
    closeWriting: () => close(1, writing),
  };
}
