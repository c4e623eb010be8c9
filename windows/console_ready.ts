/**
 * Whether a process has come so far as to have its console.
 *
 * A process makes its console while its libraries are loaded. Attaching to it in
 * that moment waits for a console server that may never answer (seen with Wine,
 * where it blocks for ever), so it is asked first: the process environment block
 * points to the start parameters, in which the wish for a console (-1 to -3) is
 * replaced by its handle once there is one.
 *
 * Pages: "PEB structure", "RTL_USER_PROCESS_PARAMETERS structure",
 * "ReadProcessMemory function".
 *
 * @module
 */

import {
  PROCESS_QUERY_INFORMATION,
  PROCESS_VM_READ,
} from "./system/constants.ts";
import type { Handle } from "./system/handle.ts";
import { consoles, nt } from "./system/kernel32.ts";
import { openProcess } from "./process_info.ts";

// PROCESS_BASIC_INFORMATION (winternl.h): 48 bytes, PebBaseAddress at 8.
const BASIC_SIZE = 48;
const PEB_ADDRESS = 8;
// PEB.ProcessParameters, 64-bit.
const PARAMETERS = 0x20n;
// RTL_USER_PROCESS_PARAMETERS.ConsoleHandle, 64-bit.
const CONSOLE_HANDLE = 0x10n;
// -1 (detached), -2 (a new one), -3 (a new one without a window).
const WISHES = 0xFFFFFFFFFFFFFFFDn;

/**
 * Looks.
 *
 * @param pid The process.
 * @returns False while it starts, for one without a console, and for one that
 * may not be looked at.
 */
export function hasConsoleReady(pid: number): boolean {
  const process = openProcess(pid, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ);
  if (process === null) return false;
  try {
    const peb = pebOf(process);
    const parameters = peb === 0n ? 0n : pointerAt(process, peb + PARAMETERS);
    if (parameters === 0n) return false;
    const handle = pointerAt(process, parameters + CONSOLE_HANDLE);
    return handle !== 0n && handle < WISHES;
  } finally {
    process.close();
  }
}

function pebOf(process: Handle): bigint {
  const bytes = new Uint8Array(new ArrayBuffer(BASIC_SIZE));
  const status = nt().NtQueryInformationProcess(
    process.value,
    0,
    bytes,
    BASIC_SIZE,
    null,
  );
  if (status !== 0) return 0n;
  return new DataView(bytes.buffer).getBigUint64(PEB_ADDRESS, true);
}

function pointerAt(process: Handle, address: bigint): bigint {
  const out = new BigUint64Array(new ArrayBuffer(8));
  const ok = consoles().ReadProcessMemory(
    process.value,
    address,
    out,
    8n,
    null,
  );
  return ok ? out[0] as bigint : 0n;
}
