/**
 * How many handles this process has open.
 *
 * @module
 */

import { lazyLibrary } from "../../ffi/library.ts";
import { INVALID_HANDLE_VALUE } from "../../windows/system/win32.ts";

const kernel32 = lazyLibrary(["kernel32.dll"], {
  GetProcessHandleCount: { parameters: ["usize", "buffer"], result: "i32" },
  GetHandleInformation: { parameters: ["usize", "buffer"], result: "i32" },
});

// GetCurrentProcess is the pseudo handle -1.
const CURRENT_PROCESS = INVALID_HANDLE_VALUE;
/** Numbers of handles are multiples of 4, the smallest free one first. */
const LAST = 4 * 4096;

/** Counts them; opens its library when it is first called. */
export function handleCount(): number {
  const k = kernel32();
  const out = new Uint32Array(new ArrayBuffer(4));
  k.GetProcessHandleCount(CURRENT_PROCESS, out);
  // Wine says 0: there every number is tried.
  if (out[0] !== 0) return out[0]!;
  let count = 0;
  for (let handle = 4; handle <= LAST; handle += 4) {
    if (k.GetHandleInformation(BigInt(handle), out)) count++;
  }
  return count;
}
