/**
 * Every process that can be seen: for `tree` without a process id. The library
 * looks at trees only.
 *
 * @module
 */

import type { ProcessInfo } from "../backend.ts";
import { isGranted } from "./is_granted.ts";
import { UsageError } from "./usage_error.ts";

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
