/**
 * Ending as the program that was looked after ended.
 *
 * @module
 */

import { isGranted } from "../is_granted.ts";
import type { SignalRelay } from "./signal_relay.ts";

// Those that only end: the others write a core file, which would be of Deno.
const PLAIN: readonly Deno.Signal[] = [
  "SIGHUP",
  "SIGINT",
  "SIGTERM",
  "SIGALRM",
  "SIGPIPE",
  "SIGUSR1",
  "SIGUSR2",
];

const LATE_MS = 2000;

/**
 * Ends this process by the signal that ended the program, so that a shell stops
 * its loop after Ctrl-C; otherwise gives the status that a shell would show.
 *
 * @param status How the program ended.
 * @param relay The relay that listens to signals.
 * @returns The exit status, where this process is still there.
 */
export function endLike(
  status: { readonly code: number; readonly signal: Deno.Signal | null },
  relay: SignalRelay,
): number {
  if (status.signal === null) return status.code;
  // Without --allow-run for everything the number has to do.
  // Process 1 has no default action that ends it.
  const able = Deno.build.os !== "windows" && Deno.pid !== 1 &&
    isGranted({ name: "run" });
  if (able && PLAIN.includes(status.signal)) {
    relay.giveBack();
    Deno.kill(Deno.pid, status.signal);
    // A thread of Deno gives the signal its default action, and may be late: an
    // exit meanwhile would have a code, after which a calling script goes on.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LATE_MS);
  }
  return status.code;
}
