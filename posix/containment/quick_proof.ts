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

import {
  FORKS_PER_MS,
  lastPid,
  pidMax,
  readStat,
} from "../system/proc_files.ts";
import { isDead } from "../system/proc_stat.ts";
import type { Belongs } from "../tree/membership.ts";

// More numbers than these are not tried one by one: all of /proc is read instead.
const MAX_PROBES = 2048;

// Nor are so many gone through.
const MAX_NUMBERS = 65_536;

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

// The numbers of the leaders that this isolate has started last (Linux).
//
// With many short commands at a time, or a thousand that are ended in one go,
// nearly all numbers that were given since a tree began are those of leaders of
// other trees: that is known without a system call.

// Each leader at the end of its number, and when it was started.
const SLOTS = 8192;
const leaders = new Int32Array(SLOTS);
const turns = new Uint32Array(SLOTS);
let lastTurn = 0;

/**
 * Notes a leader that was just started.
 *
 * @param pid Its number.
 * @returns As how many-eth.
 */
export function noteLeader(pid: number): number {
  leaders[pid & (SLOTS - 1)] = pid;
  turns[pid & (SLOTS - 1)] = ++lastTurn;
  return lastTurn;
}

/**
 * Whether a number was given to the leader of a tree that was started later than
 * another one. That is whom it means, living or reaped, as long as no number can
 * have been given twice since.
 *
 * @param pid The number.
 * @param turn As how many-eth the other one was started.
 * @returns False when it is not known.
 */
export function isLaterLeader(pid: number, turn: number): boolean {
  const slot = pid & (SLOTS - 1);
  return leaders[slot] === pid && (turns[slot] as number) > turn;
}

/**
 * The numbers from one to another, in rising order, that are not those of later
 * leaders.
 *
 * @param first The first.
 * @param last The last.
 * @param turn As how many-eth the leader was started.
 * @param most When there are more, they are not told.
 * @returns The numbers, or `null`.
 */
export function otherNumbers(
  first: number,
  last: number,
  turn: number,
  most: number,
): number[] | null {
  if (last < first || last - first > SLOTS) return null;
  const numbers: number[] = [];
  for (let pid = first; pid <= last; pid++) {
    if (isLaterLeader(pid, turn)) continue;
    if (numbers.length === most) return null;
    numbers[numbers.length] = pid;
  }
  return numbers;
}
