/**
 * The POSIX backend: Linux and macOS.
 *
 * @module
 */

import type { Backend, NativeProcess, SpawnSpec } from "../backend.ts";
import { SIGNALS } from "./leader.ts";
import { PosixProcess } from "./native_process.ts";
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
    marksKills: false,
    spawn(spec: SpawnSpec): NativeProcess {
      return new PosixProcess(spawnProcess(spec));
    },
  };
}
