/**
 * The Windows backend.
 *
 * @module
 */

import type { Backend, NativeProcess, SpawnSpec } from "../backend.ts";
import { WINDOWS_SIGNALS } from "../signals.ts";
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
    marksKills: false,
    spawn(spec: SpawnSpec): NativeProcess {
      return new WindowsProcess(spawnProcess(spec));
    },
  };
}
