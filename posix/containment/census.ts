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

/** What is done with a list; before anybody is killed it may say whom to freeze. */
export type Use = "to kill" | "to freeze" | "to signal" | "as proof";

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
