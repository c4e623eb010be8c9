/**
 * Processes that were seen to be in no tree of ours.
 *
 * Nobody comes into a tree but by birth. So who was outside at one look is outside
 * at the next, and when it ends, it has left nobody behind who matters. On a busy
 * host there is no look during which no stranger ends; only the few that were never
 * looked at make another look necessary, and that one has next to nothing to do.
 *
 * A number may be given again when all others have been. `/proc/loadavg` tells the
 * last one: as long as it only rises, and is read often enough to see it fall,
 * every number up to it still means whom it meant. A higher one is of somebody who
 * has lived since before numbers wrapped; when he ends, it is given again as soon
 * as its turn comes.
 *
 * @module
 */

// Questions between two readings of the last number.
const READ_EVERY = 256;

/** The numbers of processes in no tree of ours. */
export class Outsiders {
  // Not given again before numbers wrap.
  readonly #pids = new Set<number>();
  // Given again before that: higher than the last one when they were seen.
  readonly #ahead = new Set<number>();
  #lowestAhead = Infinity;
  // The lowest of these by which the present look was led.
  #relied = Infinity;
  readonly #last: () => number;
  readonly #fresh: (ageMs: number) => boolean;
  #newest = 0;
  #readAt = 0;
  #asked = 0;
  #held = true;

  /**
   * @param last Tells the number that was given last.
   * @param fresh Whether too little time has passed for numbers to come round.
   */
  constructor(last: () => number, fresh: (ageMs: number) => boolean) {
    this.#last = last;
    this.#fresh = fresh;
  }

  /** A look at all processes begins. */
  begin(): void {
    this.#read();
    this.#held = true;
    this.#relied = Infinity;
  }

  /** It has ended; false when a number may have been given twice since it began. */
  end(): boolean {
    this.#read();
    return this.#held;
  }

  /** The look has shown that this process is in no tree of ours. */
  add(pid: number): void {
    if (pid <= this.#newest) {
      this.#pids.add(pid);
      return;
    }
    this.#ahead.add(pid);
    this.#lowestAhead = Math.min(this.#lowestAhead, pid);
  }

  /** Whether this number is that of a process known to be in none. */
  has(pid: number): boolean {
    if (++this.#asked % READ_EVERY === 0) this.#read();
    if (this.#pids.has(pid)) return true;
    if (!this.#ahead.has(pid)) return false;
    this.#relied = Math.min(this.#relied, pid);
    return true;
  }

  #read(): void {
    const newest = this.#last();
    const now = performance.now();
    if (
      newest < this.#newest || newest <= 0 || !this.#fresh(now - this.#readAt)
    ) {
      this.#pids.clear();
      this.#ahead.clear();
      this.#lowestAhead = Infinity;
      this.#held = false;
    }
    if (newest >= this.#relied) this.#held = false;
    if (newest >= this.#lowestAhead) this.#forgetUpTo(newest);
    this.#newest = newest;
    this.#readAt = now;
  }

  // Their turn has come: it may be others who have these numbers now.
  #forgetUpTo(newest: number): void {
    this.#lowestAhead = Infinity;
    this.#ahead.forEach((pid) => {
      if (pid <= newest) this.#ahead.delete(pid);
      else this.#lowestAhead = Math.min(this.#lowestAhead, pid);
    });
  }
}
