/**
 * A proof that a tree is empty without looking at every process (Linux).
 *
 * Process numbers are given in rising order, and `/proc/loadavg` tells the last
 * one. Whatever descends from a leader was created after it, so only the numbers
 * in between can be members; and when no number was given since the last look,
 * nothing was forked meanwhile.
 *
 * @module
 */

import { lastPid, readProcFile, readStat } from "../system/proc_files.ts";
import { isDead } from "../system/proc_stat.ts";
import type { Belongs } from "../tree/membership.ts";

// More numbers than these are not tried one by one: all of /proc is read instead.
const MAX_PROBES = 2048;
// Nor are so many gone through.
const MAX_NUMBERS = 65_536;
// More forks per millisecond than any machine does: how soon numbers might wrap.
const FORKS_PER_MS = 100;

let pidMaximum = 0;

function pidMax(): number {
  if (pidMaximum === 0) {
    const path = "/proc/sys/kernel/pid_max";
    pidMaximum = Number(readProcFile(path) ?? "32768");
  }
  return pidMaximum;
}

/**
 * Whether every number still means the process that it meant.
 *
 * @param newest The number that was given last, some time ago.
 * @param ageMs How long ago, in milliseconds.
 * @returns False when numbers may have wrapped since, or cannot be read.
 */
export function numbersHold(newest: number, ageMs: number): boolean {
  return newest > 0 && lastPid() >= newest && numbersFresh(ageMs);
}

/**
 * Whether too little time has passed for numbers to come round.
 *
 * @param ageMs How long ago, in milliseconds.
 * @returns False when they may have.
 */
export function numbersFresh(ageMs: number): boolean {
  return ageMs * FORKS_PER_MS < pidMax();
}

/**
 * Tries to decide whether a tree is empty.
 *
 * @param leader The leader, which has exited and is not yet reaped.
 * @param ageMs How long ago it was started, in milliseconds.
 * @param newest The number that was given last, as {@linkcode lastPid} tells it now.
 * @param belongs Whether the process with a number is of the tree.
 * @param isStranger Whether a number is known, without a look, to be nobody's of the tree.
 * @returns True or false when it is proved, `null` when it is not.
 */
export function quickEmpty(
  leader: number,
  ageMs: number,
  newest: number,
  belongs: (pid: number) => Belongs,
  isStranger?: (pid: number) => boolean,
): boolean | null {
  let from = leader;
  let last = newest;
  let probes = 0;
  for (let round = 0; round < 8; round++) {
    if (last < 0) return null;
    if (last === from) return true;
    if (last < from || last - leader > MAX_NUMBERS) return null;
    if (ageMs * FORKS_PER_MS > pidMax() / 2) return null;
    const before = probes;
    for (let pid = from + 1; pid <= last; pid++) {
      if (isStranger?.(pid)) continue;
      if (++probes > MAX_PROBES) return null;
      if (belongs(pid) !== "yes") continue;
      const stat = readStat(pid);
      // It has just gone, or cannot be read for want of a descriptor.
      if (stat === null) return null;
      if (!isDead(stat.state)) return false;
    }
    // Nobody was there who could have forked meanwhile.
    if (probes === before) return true;
    from = last;
    last = lastPid();
  }
  return null;
}
