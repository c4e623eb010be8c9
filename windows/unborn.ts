/**
 * Processes that are never born (Wine). There a process is counted in its job as
 * soon as it begins to be made, before it has a thread. When who makes it is ended
 * in that moment it stays in the job for ever, with no program and no thread, and
 * `TerminateJobObject`, which ends threads, does nothing to it. Windows makes a
 * process and its first thread in one call.
 *
 * @module
 */

import { PROCESS_QUERY_INFORMATION, SYNCHRONIZE } from "./system/constants.ts";
import type { Handle } from "./system/handle.ts";
import { openProcess, parentId } from "./process_info.ts";
import { waitForSingleObject } from "./wait.ts";

// Who was ended may have done its part already: so long the thread may take.
const UNBORN_MS = 900;

/** What was seen of the unborn processes of one job. */
export class Unborn {
  // When each was first seen so.
  readonly #since = new Map<number, number>();

  /**
   * Looks at one process.
   *
   * @param pid Its id.
   * @param process The process, opened for queries and waits.
   * @param image Its program, or nothing.
   * @returns Whether it has been unborn for so long that it is never born.
   */
  has(pid: number, process: Handle, image: string): boolean {
    // Without a thread it counts as ended.
    const unborn = image === "" && waitForSingleObject(process, 0) &&
      !isRunning(parentId(process));
    if (!unborn) {
      this.#since.delete(pid);
      return false;
    }
    const now = performance.now();
    const since = this.#since.get(pid);
    if (since === undefined) this.#since.set(pid, now);
    return now - (since ?? now) >= UNBORN_MS;
  }
}

function isRunning(pid: number): boolean {
  const process = openProcess(pid, PROCESS_QUERY_INFORMATION | SYNCHRONIZE);
  if (process === null) return false;
  const running = !waitForSingleObject(process, 0);
  process.close();
  return running;
}
