/**
 * Every process that can be seen: for `tree` without a process id, and for what
 * this process descends from. The library looks at trees that can be ended.
 *
 * @module
 */

import type { ProcessInfo } from "../../backend/containment.ts";
import { isGranted } from "../is_granted.ts";
import { UsageError } from "../arguments/operands.ts";

/**
 * Lists.
 *
 * @returns The processes, oldest first; threads of the kernel are left out.
 * @throws {UsageError} where there is no way to list them.
 */
export async function allProcesses(): Promise<ProcessInfo[]> {
  if (Deno.build.os === "windows") {
    throw new UsageError(
      "missing PID: on Windows the tree of one process is shown",
    );
  }
  const list = Deno.build.os === "linux"
    ? await fromProc()
    : await (await import("./details_from_ps.ts")).listPs();
  return list.sort((a, b) => a.startTime - b.startTime || a.pid - b.pid);
}

/**
 * Lists a process and its present descendants, by the parents in the process table.
 *
 * @param pid The process.
 * @returns The processes, oldest first; none when it is not there.
 * @throws {UsageError} where there is no way to list them.
 */
export async function descendantsOf(pid: number): Promise<ProcessInfo[]> {
  const all = await allProcesses();
  const found = new Set([pid]);
  // A parent may be younger than its child, where numbers were used again.
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const one of all) if (found.has(one.ppid)) found.add(one.pid);
  }
  return all.filter((one) => found.has(one.pid));
}

async function fromProc(): Promise<ProcessInfo[]> {
  const { listProc } = await import("./processes_from_proc.ts");
  try {
    if (isGranted({ name: "read" })) return listProc();
  } catch (error) {
    // --allow-read is not enough for /proc.
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
  throw new Deno.errors.NotCapable(
    "Deno lets only --allow-all (-A) list all processes; with a PID --allow-ffi is enough",
  );
}
