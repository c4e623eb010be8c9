/**
 * The Windows backend.
 *
 * @module
 */

import {
  type Backend,
  type ChildPipe,
  type ListenRequest,
  type NativeListener,
  PLAIN_MEMORY,
} from "../backend/backend.ts";
import { windowsCapabilities } from "./containment/choose.ts";
import type { Capabilities, ProcessInfo } from "../backend/containment.ts";
import type {
  NativeJob,
  NativeProcess,
  NativeTree,
} from "../backend/native.ts";
import { ownEnvironment, variable } from "./spawn/executable.ts";
import type { SpawnSpec } from "../backend/spec.ts";
import { WINDOWS_SIGNALS } from "../backend/signals.ts";
import { openChildPipe } from "./stdio/pipe.ts";
import { ForeignTree, ownChildren } from "./foreign_tree.ts";
import { WindowsJob } from "./job.ts";
import { WINDOWS_LIMITS } from "./spawn/resource_limits.ts";
import { WindowsProcess } from "./process.ts";
import { openListener } from "./socket.ts";
import { spawnProcess } from "./spawn/spawn.ts";
import { isSpecialFile } from "./stdio/stdio.ts";

/**
 * The backend of Windows 10 and later. Opens nothing until it is used.
 *
 * @returns The backend.
 */
export function windowsBackend(): Backend {
  return {
    name: "windows",
    signals: WINDOWS_SIGNALS,
    limits: WINDOWS_LIMITS,
    memory: PLAIN_MEMORY,
    spawn(spec: SpawnSpec): NativeProcess {
      const job = spec.job as WindowsJob | undefined;
      const spawned = spawnProcess(spec, "job-list", job?.object ?? null);
      const { created, containment } = spawned;
      const outside = containment.mechanism === "ancestry"
        ? new ForeignTree(created.pid, true)
        : null;
      const child = new WindowsProcess(spawned, outside);
      job?.add(child);
      return child;
    },
    createJob(killOnParentExit: boolean): NativeJob {
      return new WindowsJob(killOnParentExit);
    },
    openChildPipe(): ChildPipe {
      return openChildPipe();
    },
    openTree(pid: number): NativeTree {
      return new ForeignTree(pid);
    },
    explain(pid: number): never {
      throw new Deno.errors.NotSupported(
        `Cannot explain process ${pid}: Windows has no signals that a process could ignore; killTree() and TerminateProcess end it`,
      );
    },
    children(): ProcessInfo[] {
      return ownChildren();
    },
    listen(request: ListenRequest): NativeListener {
      return openListener(request);
    },
    adoptListener(_fd: number): NativeListener {
      throw new Deno.errors.NotSupported(
        "Cannot inherit listeners on Windows: no socket activation there. Use adoptSocket() of '@killable/process/windows'",
      );
    },
    portHolders: () => null,
    permissionBroker(): string | null {
      const broker = variable(ownEnvironment(), "DENO_PERMISSION_BROKER_PATH");
      return broker === null ? null : "\\\\.\\NUL\\none";
    },
    // By its full name: a cmd.exe earlier in a search path is not meant.
    shell(): string {
      const root = variable(ownEnvironment(), "SYSTEMROOT") ?? "C:\\Windows";
      return `${root}\\System32\\cmd.exe`;
    },
    // Opening a named pipe fails at once where nothing listens.
    isFifo: () => false,
    isSpecialFile(path: string, reads: boolean): boolean {
      return isSpecialFile(path, reads);
    },
    capabilities(): Capabilities {
      return windowsCapabilities();
    },
  };
}
