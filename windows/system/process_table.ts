/**
 * The system's process table, as one snapshot.
 *
 * Page: "CreateToolhelp32Snapshot function".
 *
 * @module
 */

import { Struct } from "../../ffi/struct.ts";
import { readWide } from "../../ffi/wide_string.ts";
import { INVALID_HANDLE_VALUE, TH32CS_SNAPPROCESS } from "./constants.ts";
import { windowsError } from "./errors.ts";
import { Handle } from "./handle.ts";
import { table } from "./kernel32.ts";
import { PROCESSENTRY32W } from "./structs.ts";

/** One line of the process table. */
export interface ProcessEntry {
  /** Process id. */
  readonly pid: number;
  /** Id of the process that started it, which may be somebody else's by now. */
  readonly ppid: number;
  /** File name of the program. */
  readonly name: string;
  /** How many threads it has. */
  readonly threads: number;
}

/**
 * All processes at one moment.
 *
 * @returns One entry each.
 * @throws {SystemError} when Windows refuses the snapshot.
 */
export function processSnapshot(): ProcessEntry[] {
  const k = table();
  const value = k.CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
  const code = value === INVALID_HANDLE_VALUE ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "CreateToolhelp32Snapshot");
  const snapshot = new Handle(value);
  try {
    const found: ProcessEntry[] = [];
    const entry = new Struct(PROCESSENTRY32W);
    entry.set("dwSize", PROCESSENTRY32W.size);
    let more = k.Process32FirstW(snapshot.value, entry.bytes);
    while (more !== 0) {
      found.push({
        pid: entry.number("th32ProcessID"),
        ppid: entry.number("th32ParentProcessID"),
        name: readWide(entry.part("szExeFile")),
        threads: entry.number("cntThreads"),
      });
      more = k.Process32NextW(snapshot.value, entry.bytes);
    }
    return found;
  } finally {
    snapshot.close();
  }
}
