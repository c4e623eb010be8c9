/**
 * The POSIX backend: Linux and macOS.
 *
 * @module
 */

import type {
  Backend,
  ChildPipe,
  ListenRequest,
  NativeListener,
} from "../backend/backend.ts";
import type { Capabilities, ProcessInfo } from "../backend/containment.ts";
import type {
  NativeJob,
  NativeProcess,
  NativeTree,
} from "../backend/native.ts";
import type { SpawnSpec } from "../backend/spec.ts";
import { cString } from "../ffi/memory.ts";
import { isFifo } from "./system/file_system.ts";
import { libc } from "./system/libc.ts";
import { explainProcess } from "./system/process_table.ts";
import { posixMemory } from "./stdio/memory.ts";
import { posixCapabilities } from "./containment/choose.ts";
import { openChildPipe } from "./stdio/pipe.ts";
import { openForeignTree, ownChildren } from "./foreign_tree.ts";
import { PosixJob } from "./job.ts";
import { SIGNALS } from "./signal/signal_process.ts";
import { PosixProcess } from "./process.ts";
import { POSIX_LIMITS } from "./spawn/resource_limits.ts";
import { adoptListener, openListener, portHolders } from "./socket.ts";
import { spawnProcess } from "./spawn/spawn.ts";
import { isSpecialFile } from "./stdio/stdio.ts";

const BROKER = cString("DENO_PERMISSION_BROKER_PATH");

/**
 * The backend of Linux and macOS. Opens nothing until it is used.
 *
 * @returns The backend.
 */
export function posixBackend(): Backend {
  return {
    name: "posix",
    signals: SIGNALS,
    limits: POSIX_LIMITS,
    memory: posixMemory(),
    spawn(spec: SpawnSpec): NativeProcess {
      const job = spec.job as PosixJob | undefined;
      const child = new PosixProcess(spawnProcess(spec), job !== undefined);
      job?.add(child);
      return child;
    },
    createJob(): NativeJob {
      // Each tree is known to the guard: nothing more is needed for the job.
      return new PosixJob();
    },
    openChildPipe(): ChildPipe {
      return openChildPipe();
    },
    openTree(pid: number): NativeTree {
      return openForeignTree(pid);
    },
    explain: explainProcess,
    children(): ProcessInfo[] {
      return ownChildren();
    },
    listen(request: ListenRequest): NativeListener {
      return openListener(request);
    },
    adoptListener(fd: number): NativeListener {
      return adoptListener(fd);
    },
    portHolders,
    permissionBroker(): string | null {
      return libc().getenv(BROKER) === null ? null : "/dev/null/none";
    },
    shell: () => "/bin/sh",
    isFifo,
    isSpecialFile(path: string, reads: boolean): boolean {
      return isSpecialFile(path, reads);
    },
    capabilities(): Capabilities {
      return posixCapabilities();
    },
  };
}
