/**
 * The numbers of the leaders that this isolate has started last (Linux).
 *
 * With many short commands at a time, or a thousand that are ended in one go,
 * nearly all numbers that were given since a tree began are those of leaders of
 * other trees: that is known without a system call.
 *
 * @module
 */

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
