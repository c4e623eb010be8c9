/**
 * Asking programs with windows to end.
 *
 * Pages: "FindWindowExW function", "PostMessageW function", "WM_CLOSE message".
 *
 * @module
 */

import { WM_CLOSE } from "./system/constants.ts";
import { windowing } from "./system/kernel32.ts";

// Windows may change their order while they are gone through.
const MOST = 10_000;

/**
 * Posts WM_CLOSE to the visible top-level windows of processes.
 *
 * @param pids The processes.
 * @returns How many windows there were.
 */
export function closeWindows(pids: readonly number[]): number {
  const k = windowing();
  const owner = new Uint32Array(new ArrayBuffer(4));
  let count = 0;
  let window = 0n;
  for (let i = 0; i < MOST; i++) {
    window = k.FindWindowExW(0n, window, null, null);
    if (window === 0n) break;
    k.GetWindowThreadProcessId(window, owner);
    if (!pids.includes(owner[0] as number)) continue;
    if (k.IsWindowVisible(window) === 0) continue;
    k.PostMessageW(window, WM_CLOSE, 0n, 0n);
    count++;
  }
  return count;
}
