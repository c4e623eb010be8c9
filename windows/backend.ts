/**
 * The Windows backend.
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
import { WINDOWS_SIGNALS } from "../signals.ts";
import { ForeignTree } from "./foreign_tree.ts";
import { WINDOWS_LIMITS } from "./job_limits.ts";
import { WindowsProcess } from "./native_process.ts";
import { spawnProcess } from "./spawn.ts";

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
    spawn(spec: SpawnSpec): NativeProcess {
      return new WindowsProcess(spawnProcess(spec));
    },
    openTree(pid: number): NativeTree {
      return new ForeignTree(pid);
    },
    capabilities(): Capabilities {
      return {
        containment: "job-object",
        mechanisms: [{
          mechanism: "job-object",
          available: true,
          holdsEscapees: true,
          endsWithParent: true,
          why: "",
        }],
      };
    },
  };
}
