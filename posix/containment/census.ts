/**
 * Who is in which of our trees, kept from a look at all processes for as long as
 * it is certainly complete (Linux).
 *
 * A tree only grows when a process is created, and `/proc/loadavg` tells the
 * number that was given last: while that stays, a list can lose members but gain
 * none. So a thousand trees that are ended in one go need one look, not a
 * thousand.
 *
 * One thing escapes it. A fork has its number some microseconds before the new
 * process can be seen: a list made in between has who forks and misses who comes,
 * and by the time it is used the one may have exited. But no fork ends after
 * SIGKILL. So any list may say whom to kill, and it proves that a tree is empty
 * only when all that it names were killed before it was begun, and nobody else
 * ended while it was made.
 *
 * @module
 */

import type { Use } from "../tree/membership.ts";

// So long after a look it says whom to send a signal that is not followed up by
// another look: who was forking at the look could be seen right afterwards.
const ONE_GO_MS = 100;

/** The lists of all trees of this isolate. */
export class Census {
  #trees: Map<number, Set<number>> | null = null;
  #growing: Map<number, Set<number>> | null = null;
  #newest = 0;
  #began = 0;
  #killed = false;
  #doubtful = false;
  // Who was sent SIGKILL, and when. None whose number can be given again before
  // numbers wrap: a higher one than the last.
  readonly #dying = new Map<number, number>();
  #latest = 0;
  readonly #fresh: (ageMs: number) => boolean;

  /** @param fresh Whether no number can have been given twice in that many milliseconds. */
  constructor(fresh: (ageMs: number) => boolean) {
    this.#fresh = fresh;
  }

  /** A look at all processes begins; `newest` is the number given last. */
  begin(newest: number): void {
    this.#growing = new Map();
    this.#trees = null;
    this.#newest = newest;
    this.#began = performance.now();
    this.#see(newest);
    this.#killed = false;
    this.#doubtful = false;
    this.#dying.forEach((when, pid) => {
      if (!this.#fresh(this.#began - when)) this.#dying.delete(pid);
    });
  }

  /** The look has shown a process of a tree. */
  note(tree: number, pid: number): void {
    if (this.#growing === null) return;
    const pids = this.#growing.get(tree);
    if (pids !== undefined) pids.add(pid);
    else this.#growing.set(tree, new Set<number>().add(pid));
  }

  /** The look has come to a process that has ended meanwhile, whosever it was. */
  gone(pid: number): void {
    if (this.#growing !== null && !this.#dying.has(pid)) this.#doubtful = true;
  }

  /** The look is over; kept when no process was created during it. */
  end(newest: number): void {
    if (newest > 0 && newest === this.#newest) this.#trees = this.#growing;
    this.#growing = null;
  }

  /** Members of some tree are about to be killed; `newest` is the number given last. */
  killing(newest: number): void {
    this.#killed = true;
    this.#see(newest);
  }

  /** SIGKILL has been sent to one, who was this process for certain. */
  killed(pid: number): void {
    if (pid <= this.#latest) this.#dying.set(pid, performance.now());
  }

  // When numbers have wrapped, those of the dead are given again.
  #see(newest: number): void {
    if (newest < this.#latest) this.#dying.clear();
    this.#latest = newest;
  }

  /**
   * All that may be in a tree.
   *
   * @param tree Its number.
   * @param newest The number given last, now.
   * @param use What the list is for.
   * @returns The pids, newest first; `null` when the list may be incomplete.
   */
  list(tree: number, newest: number, use: Use): number[] | null {
    if (!this.#holds(newest, use)) return null;
    const pids: number[] = [];
    let dying = true;
    this.#trees?.get(tree)?.forEach((pid) => {
      pids[pids.length] = pid;
      dying &&= this.#isDying(pid);
    });
    if (use === "as proof" && !dying) return null;
    return pids.sort((a, b) => b - a);
  }

  /**
   * Whether a tree has no member but its leader, which has exited.
   *
   * @param tree Its number.
   * @param leader Its leader.
   * @param newest The number given last, now.
   * @param deadSince When the leader was sent SIGKILL, or seen to have exited. Its
   * number cannot have been given again, however long ago: it is not reaped.
   * @returns `null` when the list may be incomplete.
   */
  isAlone(
    tree: number,
    leader: number,
    newest: number,
    deadSince = Infinity,
  ): boolean | null {
    if (this.#isOnly(tree, leader, newest) && deadSince < this.#began) {
      return true;
    }
    const pids = this.list(tree, newest, "as proof");
    if (pids === null) return null;
    return pids.length === 0 || pids.length === 1 && pids[0] === leader;
  }

  // Whether nobody has come since, and what was done since does not matter.
  #holds(newest: number, use: Use): boolean {
    if (this.#trees === null || newest !== this.#newest) return false;
    if (use !== "to kill" && this.#killed) return false;
    if (use === "as proof" && this.#doubtful) return false;
    const age = performance.now() - this.#began;
    return this.#fresh(age) && (use !== "to signal" || age < ONE_GO_MS);
  }

  #isOnly(tree: number, pid: number, newest: number): boolean {
    const pids = this.#trees?.get(tree);
    if (pids === undefined || pids.size !== 1 || !pids.has(pid)) return false;
    return this.#holds(newest, "as proof");
  }

  #isDying(pid: number): boolean {
    const when = this.#dying.get(pid);
    return when !== undefined && this.#fresh(performance.now() - when);
  }
}

// Processes that were seen to be in no tree of ours.
//
// Nobody comes into a tree but by birth. So who was outside at one look is outside
// at the next, and when it ends, it has left nobody behind who matters. On a busy
// host there is no look during which no stranger ends; only the few that were never
// looked at make another look necessary, and that one has next to nothing to do.
//
// A number may be given again when all others have been. `/proc/loadavg` tells the
// last one: as long as it only rises, and is read often enough to see it fall,
// every number up to it still means whom it meant. A higher one is of somebody who
// has lived since before numbers wrapped; when he ends, it is given again as soon
// as its turn comes.

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
