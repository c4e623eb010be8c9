/**
 * Command interpreters that wait for an answer. After CTRL_C or CTRL_BREAK,
 * `cmd.exe` lets the command that a batch file runs end, and then asks on the
 * console "Terminate batch job (Y/N)?". There is no reader of that question in a
 * console without a window, so the answer is given here: what has been asked to
 * end and waits for nothing but the answer is ended.
 *
 * @module
 */

import type { JobObject } from "../system/job_object.ts";
import {
  PROCESS_QUERY_INFORMATION,
  PROCESS_TERMINATE,
  SYNCHRONIZE,
} from "../system/constants.ts";
import { terminateProcess } from "../system/handle.ts";
import { openProcess, parentId } from "../system/process_table.ts";
import { forEachMember } from "./members.ts";

/** So long an interpreter has no child before it is taken to ask, in milliseconds. */
const ASKING_MS = 200;
/** The shortest time between two looks, in milliseconds. */
const LOOK_MS = 50;

/** The interpreters of one tree that has been sent a console event. */
export class AskingShells {
  // When each was first seen without a child.
  readonly #since = new Map<number, number>();
  #lookedAt = -Infinity;

  /**
   * Ends the interpreters that have had no child for a while.
   *
   * @param job The tree.
   * @param exitCode What they exit with.
   * @param ended Called with the id of one before it is ended.
   */
  end(job: JobObject, exitCode: number, ended: (pid: number) => void): void {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const shells: number[] = [];
    const parents: number[] = [];
    forEachMember(job, ({ pid, handle, image }) => {
      if (isCommandInterpreter(image)) shells[shells.length] = pid;
      parents[parents.length] = parentId(handle);
      return false;
    });
    for (let i = 0; i < shells.length; i++) {
      const pid = shells[i] as number;
      const since = this.#since.get(pid);
      if (parents.includes(pid)) this.#since.delete(pid);
      else if (since === undefined) this.#since.set(pid, now);
      else if (now - since >= ASKING_MS) {
        ended(pid);
        terminate(pid, job, exitCode);
      }
    }
  }
}

function isCommandInterpreter(image: string): boolean {
  return /\\(system32|syswow64)\\cmd\.exe$/i.test(image);
}

function terminate(pid: number, job: JobObject, exitCode: number): void {
  const process = openProcess(
    pid,
    PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | SYNCHRONIZE,
  );
  if (process === null) return;
  // The id may be another process's by now.
  if (job.contains(process)) terminateProcess(process, exitCode);
  process.close();
}
