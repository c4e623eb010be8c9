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
 * every number still means whom it meant.
 *
 * @module
 */

// Questions between two readings of the last number.
const READ_EVERY = 256;

/** The numbers of processes in no tree of ours. */
export class Outsiders {
  readonly #pids = new Set<number>();
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
  }

  /** It has ended; false when a number may have been given twice since it began. */
  end(): boolean {
    this.#read();
    return this.#held;
  }

  /** The look has shown that this process is in no tree of ours. */
  add(pid: number): void {
    this.#pids.add(pid);
  }

  /** Whether this number is that of a process known to be in none. */
  has(pid: number): boolean {
    if (++this.#asked % READ_EVERY === 0) this.#read();
    return this.#pids.has(pid);
  }

  #read(): void {
    const newest = this.#last();
    const now = performance.now();
    if (
      newest < this.#newest || newest <= 0 || !this.#fresh(now - this.#readAt)
    ) {
      this.#pids.clear();
      this.#held = false;
    }
    this.#newest = newest;
    this.#readAt = now;
  }
}
