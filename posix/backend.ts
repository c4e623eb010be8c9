/**
 * The POSIX backend: Linux and macOS.
 *
 * @module
 */

import type {
  Backend,
  Capabilities,
  NativeProcess,
  NativeTree,
  SpawnSpec,
} from "../backend.ts";
import { posixCapabilities } from "./capabilities.ts";
import { openForeignTree } from "./foreign_tree.ts";
import { SIGNALS } from "./leader.ts";
import { PosixProcess } from "./native_process.ts";
import { POSIX_LIMITS } from "./resource_limits.ts";
import { spawnProcess } from "./spawn.ts";

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
    spawn(spec: SpawnSpec): NativeProcess {
      return new PosixProcess(spawnProcess(spec));
    },
    openTree(pid: number): NativeTree {
      return openForeignTree(pid);
    },
    capabilities(): Capabilities {
      return posixCapabilities();
    },
  };
}
