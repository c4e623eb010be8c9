/**
 * Knowledge about process numbers that spares looks at all processes (Linux): the
 * census (the members of every tree at the last look), outsiders (processes in no
 * tree), the proof of emptiness by the numbers given since a leader, and the numbers
 * of later leaders.
 *
 * All of it rests on one fact: process numbers are given in rising order, and
 * `/proc/loadavg` tells the last one given.
 *
 * @module
 */

import {
  FORKS_PER_MS,
  isDead,
  lastPid,
  pidMax,
  type ProcStat,
  readStat,
} from "../system/proc_files.ts";
import type { Belongs, LeaderExit, Use } from "../tree/membership.ts";
import { noteSibling } from "./orphans.ts";

// The census: the members of every tree, kept from a look at all processes for as long
// as it is certainly complete.
//
// A tree only grows when a process is created: while the number given last stays, a
// list can lose members but gain none. So a thousand trees that are ended in one go
// need one look, not a thousand.
//
// A fork under way escapes it: the number is given some microseconds before the new
// process can be seen. A list made in between has the parent and misses the child, and
// by the time it is used the parent may have exited. But no fork completes after
// SIGKILL. So any list may say what to kill, and it proves that a tree is empty only
// when all of its processes were killed before it was begun, and no other process
// ended while it was made.

// So long after a look its list serves for a signal that no further look follows: the
// child of a fork under way at the look could be seen right afterwards.
const ONE_GO_MS = 100;

/** The lists of all trees of this isolate. */
export class Census {
  #trees: Map<number, Set<number>> | null = null;
  #growing: Map<number, Set<number>> | null = null;
  #newest = 0;
  #began = 0;
  #killed = false;
  #doubtful = false;
  // Killed processes, and when. None with a number that can be given again before
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

  /** The look has come to a process, of any tree or none, that has ended meanwhile. */
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

  /** SIGKILL has been sent to a process that certainly had this number. */
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
    deadSince: number = Infinity,
  ): boolean | null {
    if (this.#isOnly(tree, leader, newest) && deadSince < this.#began) {
      return true;
    }
    const pids = this.list(tree, newest, "as proof");
    if (pids === null) return null;
    return pids.length === 0 || pids.length === 1 && pids[0] === leader;
  }

  // Whether no process has come since, and what was done since does not matter.
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

// Outsiders: processes that were seen to be in no tree of ours.
//
// A process comes into a tree by birth only. So an outsider at one look is an outsider
// at the next, and leaves no member behind when it ends. On a busy host some stranger
// ends during every look; only the few that were never looked at make another look
// necessary, and that one has next to nothing to do.
//
// A number may be given again when all others have been. As long as the last one only
// rises, and is read often enough to see it fall, every number up to it still means
// the process that it meant. A higher one is of a process that has lived since before
// numbers wrapped; when that ends, the number is given again as soon as its turn comes.

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

  /** It is in one after all. */
  remove(pid: number): void {
    this.#pids.delete(pid);
    this.#ahead.delete(pid);
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

  // Their turn has come: other processes may have these numbers now.
  #forgetUpTo(newest: number): void {
    this.#lowestAhead = Infinity;
    this.#ahead.forEach((pid) => {
      if (pid <= newest) this.#ahead.delete(pid);
      else this.#lowestAhead = Math.min(this.#lowestAhead, pid);
    });
  }
}

// The quick proof of emptiness, without a look at every process.
//
// Every descendant of a leader was created after it, so only the numbers given since
// can be members'; and when no number was given since the last look, no process was
// forked meanwhile.

// More numbers than these are not tried one by one: all of /proc is read instead.
const MAX_PROBES = 2048;

// More numbers than these are not gone through at all.
const MAX_NUMBERS = 65_536;

/** The tree in question, and how its numbers are tested. */
export interface EmptyQuestion {
  /** The leader, which has exited and is not yet reaped. */
  readonly leader: number;
  /** How long ago it was started, in milliseconds. */
  readonly ageMs: number;
  /** The number that was given last, as {@linkcode lastPid} tells it now. */
  readonly newest: number;
  /** Whether the process with a number is of the tree. */
  readonly belongs: (pid: number) => Belongs;
  /** Whether a number is known, without a look, to be none of the tree's. */
  readonly isStranger?: (pid: number) => boolean;
}

/**
 * Tries to decide whether a tree is empty.
 *
 * @param question The tree.
 * @returns True or false when it is proved, `null` when it is not.
 */
export function quickEmpty(
  { leader, ageMs, newest, belongs, isStranger }: EmptyQuestion,
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
      if (stat.ppid === Deno.pid) noteSibling();
      if (!isDead(stat.state)) return false;
    }
    // No process was there that could have forked meanwhile.
    if (probes === before) return true;
    from = last;
    last = lastPid();
  }
  return null;
}

/** A tree in a census: the part of its membership that one look for all trees answers. */
export abstract class CensusTree {
  readonly #census: Census;
  #leader = 0;
  #turn = 0;
  #leaderKilledAt = Infinity;

  constructor(census: Census) {
    this.#census = census;
  }

  /** Its number; 0 when it is retired: its looks say nothing about other trees. */
  protected abstract get counted(): number;

  abstract belongs(pid: number): Belongs;

  /** The leader was started. */
  protected begins(leader: number): void {
    this.#turn = noteLeader(leader);
    this.#leader = leader;
  }

  /** As how many-eth of all trees of this isolate it was started. */
  protected get turn(): number {
    return this.#turn;
  }

  beginLook(newest: number): void {
    if (this.counted > 0) this.#census.begin(newest);
  }

  note(pid: number): void {
    if (this.counted > 0) this.#census.note(this.counted, pid);
  }

  met({ pid, ppid }: ProcStat): void {
    if (ppid === Deno.pid && pid !== this.#leader) noteSibling();
  }

  endLook(newest: number): boolean {
    if (this.counted > 0) this.#census.end(newest);
    return true;
  }

  killing(newest: number): void {
    this.#census.killing(newest);
  }

  killed(pid: number): void {
    if (pid === this.#leader) {
      this.#leaderKilledAt = Math.min(this.#leaderKilledAt, performance.now());
    }
    this.#census.killed(pid);
  }

  listed(newest: number, use: Use): number[] | null {
    return this.counted === 0
      ? null
      : this.#census.list(this.counted, newest, use);
  }

  quickEmpty(
    { leader, ageMs, exitedAt, hasEnded }: LeaderExit,
  ): boolean | null {
    const last = lastPid();
    const deadSince = Math.min(exitedAt, this.#leaderKilledAt);
    const alone = this.counted === 0
      ? null
      : this.#census.isAlone(this.counted, leader, last, deadSince);
    if (alone !== null) return alone ? true : null;
    return quickEmpty({
      leader,
      ageMs,
      newest: last,
      belongs: (pid) => this.belongs(pid),
      isStranger: (pid) => isLaterLeader(pid, this.#turn) || hasEnded(pid),
    });
  }
}

// Later leaders: the numbers of the leaders that this isolate has started last.
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
 * another one. It means that leader, living or reaped, as long as no number can have
 * been given twice since.
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
