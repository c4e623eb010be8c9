/**
 * Containment by lineage (Linux): the tree's tag in the soft limit of
 * RLIMIT_LOCKS, which every descendant inherits through fork and exec.
 *
 * The limit has had no effect since Linux 2.4.24 (getrlimit(2)), needs no
 * privilege to set below the hard limit, and is not touched by setsid, setpgid,
 * double fork, setuid or a wiped environment. It is set on this process for the
 * moment of the spawn, so that the child has it from birth.
 *
 * @module
 */

import type { Containment } from "../../backend/containment.ts";
import {
  EINVAL,
  ENOENT,
  errnoMeaning,
  ESRCH,
  posixError,
} from "../system/errno.ts";
import { errno, libcLinux, libcWait } from "../system/libc.ts";
import {
  isHidden,
  lastPid,
  listPids,
  numbersFresh,
  pidMax,
  readProcFile,
  readStat,
  recentLastPid,
} from "../system/proc_files.ts";
import { Census, CensusTree, otherNumbers, Outsiders } from "./census.ts";
import {
  childOfHost,
  isForkedElsewhere,
  reapOrphans,
  unwatchOrphans,
  watchOrphans,
} from "./orphans.ts";
import type { Belongs, Membership } from "../tree/membership.ts";
import {
  clearDetector,
  clearMark,
  detectorObstacle,
  isDetected,
  MarkBlocks,
  markOf,
  rangePattern,
  setDetector,
  setMark,
  sliceObstacle,
  sliceOfMark,
} from "./slice.ts";
import {
  forgetLeader,
  forgetMarks,
  guardAsked,
  guardLeader,
  guardMain,
  guardMark,
  guardMarks,
  guardTree,
  type Terms,
} from "./guard.ts";
import {
  decodeTag,
  isWithin,
  knownOwner,
  limitOf,
  MAX_INNER_TREE,
  MAX_TREE,
  type Owner,
  ownership,
  STRAYED,
  type Tag,
  tagOf,
  tagOfTree,
  treeDigits,
  WINDOW,
  windowOf,
  writeLimit,
} from "./owner.ts";
import { Pidfds } from "../signal/signal_process.ts";
import { hiddenDoubt, Untagged } from "./untagged.ts";

// How old the number given last before a spawn may be: processes forked at the same
// time are looked for among those that came since.
const RECENT_MS = 10;

// A range of pids this small is probed number by number.
const MAX_PROBES = 2048;
const census = new Census(numbersFresh);
const outsiders = new Outsiders(lastPid, numbersFresh);
const untagged = new Untagged<Lineage>({
  markOf,
  groupOf: (pid) => libcWait().getpgid(pid),
  sessionOf: (pid) => libcLinux().getsid(pid),
  isDetected,
  stat: readStat,
  isOthers(pid) {
    const tag = tagOf(pid);
    const own = knownOwner();
    if (tag === null || own === null) return null;
    const ours = isOfOwner(tag, own);
    // What a strayed owner has started may be of any tree that it may be of.
    return !ours && tag.root >= STRAYED ? null : !ours;
  },
});

// Marks of trees that end with this isolate, and of those that outlive it.
const guardedMarks = new MarkBlocks({
  begins: ({ low, high }) => guardMarks(low, high, rangePattern(low, high)),
  ends: ({ low }) => forgetMarks(low),
});
const sparedMarks = new MarkBlocks(null);

function isOfOwner(tag: Tag, own: Owner): boolean {
  if (tag.root !== own.root) return false;
  return own.outer === null ||
    tag.tree === own.outer.tree && tag.innerOwner === own.innerOwner;
}

function freeNumber(own: Owner): number {
  const max = own.outer === null ? MAX_TREE : MAX_INNER_TREE;
  if (own.used.size >= max) reclaim(own);
  for (let tries = 0; tries < max; tries++) {
    const number = own.next;
    own.next = number === max ? 1 : number + 1;
    if (!own.used.has(number)) return number;
  }
  return 0;
}

// Trees with a reaped leader that no caller asked to be empty keep their number until
// all numbers are in use; then one look settles it for all of them.
function reclaim(own: Owner): void {
  const living = new Set<number>();
  const pids = listPids() ?? [];
  for (let i = 0; i < pids.length; i++) {
    const tag = tagOf(pids[i] as number);
    if (tag === null || tag.root !== own.root) continue;
    living.add(own.outer === null ? tag.tree : tag.innerTree);
  }
  own.used.forEach((lineage, number) => {
    if (lineage.abandoned && !living.has(number)) lineage.retire();
  });
}

// More numbers than these are not gone through: all of /proc is read instead.
const MAX_NUMBERS = 512;

/**
 * Names the processes that are not held where there is no second mark.
 *
 * @param why Why there is none.
 * @returns A sentence.
 */
export function notHeld(why: string): string {
  return `what loses its tag (sudo, su, login) and its parent is not held: ${why}`;
}

/** The members of one tree, by tag. */
export class Lineage extends CensusTree implements Membership {
  readonly report: Containment;
  /** How the guard ends it; `null`: not at all. */
  readonly terms: Terms | null;
  readonly #owner: Owner;
  readonly #number: number;
  readonly #settled: bigint;
  readonly #window: bigint;
  // Taken apart when it is first needed.
  #tag: Tag | null = null;
  #lastBefore = -1;
  #leader = 0;
  #startedAt = 0;
  #mark = 0;
  #marked = false;
  // Forks of this machine up to the start, where /proc hides processes.
  #forks = 0;

  private constructor(
    own: Owner,
    number: number,
    terms: Terms | null,
    notes: readonly string[],
  ) {
    super(census);
    const why = sliceObstacle();
    this.report = {
      mechanism: "lineage",
      holdsEscapees: why === "",
      endsWithParent: terms !== null,
      notes: why === "" ? notes : notes.concat(notHeld(why)),
    };
    this.terms = terms;
    this.#owner = own;
    this.#number = number;
    const plain = terms !== null ? own.guarded : own.spared;
    this.#settled = tagOfTree(plain, number, own.outer !== null);
    this.#window = windowOf(this.#settled);
  }

  /** A new tree's identity, or `null` when all numbers are in use. */
  static create(
    terms: Terms | null,
    notes: readonly string[],
  ): Lineage | null {
    const found = ownership();
    if ("obstacle" in found) return null;
    const { owner } = found;
    const number = freeNumber(owner);
    if (number === 0) return null;
    detectorObstacle(owner.outer !== null);
    const lineage = new Lineage(owner, number, terms, notes);
    if (sliceObstacle() === "") lineage.#mark = lineage.#marks.take();
    if (terms !== null && guardTree(lineage.#digits(), terms)) {
      lineage.#nameMark();
    }
    owner.used.set(number, lineage);
    return lineage;
  }

  // As the number stands in the tag, which is how the guard knows the tree.
  #digits(): string {
    return treeDigits(this.#number, this.#owner.outer !== null);
  }

  asked(signal: string, pid: number): void {
    if (signal !== this.terms?.signal) return;
    guardAsked(this.#digits(), pid);
    this.#nameMark();
  }

  // Of a tree with terms of its own the guard has to know the mark.
  #nameMark(): void {
    if (this.#mark > 0) guardMark(sliceOfMark(this.#mark), this.#digits());
  }

  /** Whether the leader is reaped and the number may be taken back when it is needed. */
  abandoned = false;
  #retired = false;

  get bornTicks(): number {
    return this.#owner.ticksAt(this.#startedAt);
  }

  leadsGroup(): boolean {
    if (!this.abandoned) return true;
    // Its number is not given again as long as the group has members; whether it
    // has had any all the time is not known for longer than numbers take to wrap.
    return numbersFresh(2 * (performance.now() - this.#startedAt));
  }

  beginSpawn(): void {
    this.#lastBefore = recentLastPid(RECENT_MS);
    this.#beginMarks();
    if (writeLimit(0, this.#window, this.#owner.hard)) return;
    this.#endMarks();
    // The hard limit was lowered since the owner was found, or a filter refuses
    // the call now. A child without the tag would be in no tree.
    throw posixError("prlimit", errno(), {
      message: `Cannot mark the process tree: ${
        errnoMeaning(errno())
      }. Use containment "process-group"`,
    });
  }

  get #marks(): MarkBlocks {
    return this.report.endsWithParent ? guardedMarks : sparedMarks;
  }

  #beginMarks(): void {
    setDetector(true);
    this.#marked = this.#mark > 0 && setMark(this.#mark);
  }

  #endMarks(): void {
    setDetector(false);
    if (this.#marked) clearMark();
  }

  endSpawn(pid: number): void {
    writeLimit(0, this.#owner.base, this.#owner.hard);
    this.#endMarks();
    if (pid === 0) return;
    writeLimit(pid, this.#settled, this.#owner.hard);
    watchOrphans(reapOurOrphans);
    untagged.begin(this, pid, this.#marked ? this.#mark : 0);
    if (!this.#marked && this.terms !== null) guardLeader(pid, this.#digits());
    if (this.terms?.mainFirst) guardMain(this.#digits(), pid);
    this.begins(pid);
    this.#leader = pid;
    this.#startedAt = performance.now();
    if (hidesProcesses()) this.#forks = forkCount();
    this.#owner.latest?.retireIfAlone(pid, this.#startedAt);
    this.#owner.latest = this;
    const last = lastPid(this.#startedAt);
    if (last === pid && this.#lastBefore === pid - 1) return;
    this.#releaseStrangers(pid, last);
  }

  // Another process was forked while this process carried the tag. A thread of another
  // isolate may have been in Deno.Command: its child is our process's direct
  // child, yet not the one just started, and gets the limit back that it should
  // have inherited.
  #releaseStrangers(child: number, last: number): void {
    const from = this.#lastBefore;
    if (last >= from && last - from <= MAX_PROBES) {
      for (let pid = from + 1; pid <= last; pid++) this.#release(pid, child);
      return;
    }
    // Numbers have wrapped, or too many were given: all processes are tried.
    const pids = listPids() ?? [];
    for (let i = 0; i < pids.length; i++) {
      this.#release(pids[i] as number, child);
    }
  }

  #release(pid: number, child: number): void {
    if (pid === child || limitOf(pid) !== this.#window) return;
    if (!this.#releaseStranger(pid, child)) this.#settle(pid);
  }

  // A child that the leader forked before its own tag was settled has the tag of the
  // spawn under way, and an owner among them would wait for the end of that spawn.
  #settle(pid: number): void {
    writeLimit(pid, this.#settled, this.#owner.hard);
  }

  // A fork of another thread may have copied the tag during the spawn and come to
  // its end after it: such a child is released when it is met.
  #releaseStranger(pid: number, leader: number): boolean {
    if (this.#marked && markOf(pid) === this.#mark) return false;
    const root = childOfHost(pid, leader);
    if (root === 0 || !isForkedElsewhere(root, leader)) return false;
    writeLimit(pid, this.#owner.base, this.#owner.hard);
    clearDetector(pid);
    return true;
  }

  belongs(pid: number): Belongs {
    // The number may be another tree's by now.
    if (this.#retired) return "no";
    const value = limitOf(pid);
    if (value === "gone") {
      census.gone(pid);
      return "gone";
    }
    // Most that are asked for are of the tree, and it takes a tag apart for others.
    if (value === this.#settled) {
      census.note(this.#number, pid);
      return "yes";
    }
    const tag = value === null ? null : decodeTag(value);
    if (tag === null || !this.#takeCensus(tag, pid)) {
      return this.#belongsUntagged(pid, tag);
    }
    this.#tag ??= decodeTag(this.#settled) as Tag;
    if (!isWithin(tag, this.#tag)) return "no";
    if (value !== this.#window || pid === this.#leader) return "yes";
    if (this.#releaseStranger(pid, this.#leader)) return "no";
    this.#settle(pid);
    return "yes";
  }

  #belongsUntagged(pid: number, tag: Tag | null): Belongs {
    const foreign = tag !== null;
    const tree = untagged.treeOf(pid, foreign);
    if (tree === null) {
      // Of the same outer tree, and not of ours.
      const beside = tag?.root === this.#owner.root;
      const strayed = foreign && tag.root >= STRAYED;
      if (beside || !untagged.isLost(pid, foreign && !strayed)) {
        outsiders.add(pid);
      }
      return "no";
    }
    census.note(tree.#number, pid);
    return tree === this ? "yes" : "no";
  }

  adopt(pid: number, parent: number): boolean {
    if (this.#retired || !untagged.adopt(pid, parent, this)) return false;
    outsiders.remove(pid);
    census.note(this.#number, pid);
    return true;
  }

  adoptLost(
    found: Set<number>,
    seen: (pid: number) => void,
    adopt: (pid: number, parent: number) => boolean = (pid, parent) =>
      this.adopt(pid, parent),
  ): boolean {
    if (detectorObstacle(false) !== "") return false;
    untagged.adoptLost(found, adopt, seen);
    return true;
  }

  doubt(): string | null {
    return untagged.doubt(this) ?? this.#doubtHidden();
  }

  #doubtHidden(): string | null {
    if (!hidesProcesses()) return null;
    const since = forkCount() - this.#forks;
    const first = Math.min(this.#lastBefore + 1, this.#leader);
    return hiddenDoubt({
      first: this.#forks > 0 && since < pidMax() / 2 ? first : 0,
      last: lastPid(),
      max: pidMax(),
      sessionOf: (pid) => libcLinux().getsid(pid),
      isHidden: (pid) => isHidden(pid) && lives(pid),
    });
  }

  // Whatever tree of ours it is in; false when it is in none.
  #takeCensus(tag: Tag, pid: number): boolean {
    const own = this.#owner;
    if (tag.root !== own.root) return false;
    if (own.outer === null) {
      census.note(tag.tree, pid);
      return true;
    }
    if (tag.tree !== own.outer.tree || tag.innerOwner !== own.innerOwner) {
      return false;
    }
    census.note(tag.innerTree, pid);
    return true;
  }

  // A retired tree has no members.
  protected override get counted(): number {
    return this.#retired ? 0 : this.#number;
  }

  override beginLook(newest: number): void {
    super.beginLook(newest);
    outsiders.begin();
    floor = floorOf(this.#owner, newest);
  }

  isOutsider(pid: number): boolean {
    return pid <= floor || outsiders.has(pid);
  }

  override endLook(newest: number): boolean {
    super.endLook(newest);
    return outsiders.end();
  }

  /** The number that was given last before the tree began; 0 when numbers may have come round since. */
  firstNumber(newest: number): number {
    const first = Math.min(this.#lastBefore, this.#leader - 1);
    const age = performance.now() - this.#startedAt;
    return first > 0 && newest > first && numbersFresh(2 * age) ? first : 0;
  }

  numbers(newest: number): number[] | null {
    // A process whose fork copied the tag during the spawn may have a lower number
    // than the leader: it is released when it is met.
    const before = this.#lastBefore + 1;
    const first = before > 0 ? Math.min(before, this.#leader) : this.#leader;
    // Half of the time after which numbers might come round.
    if (!numbersFresh(2 * (performance.now() - this.#startedAt))) return null;
    return otherNumbers(first, newest, this.turn, MAX_NUMBERS);
  }

  beforeReaping(): void {
    forgetLeader(this.#leader);
    if (this.terms?.mainFirst) guardMain(this.#digits(), 0);
  }

  abandon(): void {
    this.abandoned = true;
  }

  /**
   * Gives the number up when the tree must be empty although no caller has asked: its
   * leader is reaped, and no process was created between it and the next leader.
   *
   * @param next The number of the next leader.
   * @param now When that was started.
   */
  retireIfAlone(next: number, now: number): void {
    if (!this.abandoned || next !== this.#leader + 1) return;
    if (numbersFresh(now - this.#startedAt)) this.retire();
  }

  retire(): void {
    if (this.#retired) return;
    reapOurOrphans();
    this.#retired = true;
    this.#owner.used.delete(this.#number);
    if (this.#owner.used.size === 0) unwatchOrphans();
    untagged.end(this, this.#leader, this.#mark);
    if (this.#mark > 0) this.#marks.give(this.#mark);
    forgetLeader(this.#leader);
  }
}

function reapOurOrphans(): void {
  reapOrphans(isOrphanOfOurs);
}

// Where orphans of its trees become children of this process, their zombies are
// its to reap; the children of Deno.Command are not.
function isOrphanOfOurs(pid: number): boolean {
  const own = knownOwner();
  if (own === null || untagged.hasLeader(pid)) return false;
  const tag = tagOf(pid);
  if (tag !== null && !isOfOwner(tag, own)) return false;
  // A child of Deno.Command may have the tag of a spawn under way.
  if (tag !== null && (tag.flags & WINDOW) === 0) return true;
  if (untagged.treeOf(pid, false) !== null) return true;
  // This isolate starts nothing else during a spawn; another one may.
  return tag !== null && !IN_WORKER && !isForkedElsewhere(pid, 0);
}

const IN_WORKER = "WorkerGlobalScope" in globalThis;

// During a look: no number up to this is a member's.
let floor = 0;

// The numbers that were given before the oldest tree began, while it is certain that
// none of them has been given again.
function floorOf(own: Owner, newest: number): number {
  const oldest = own.used.values().next().value;
  return oldest?.firstNumber(newest) ?? 0;
}

// How long a hidden process may take that is about to end.
const ENDING_MS = 20;

let hides: boolean | null = null;

// Whether /proc hides processes of other users: process 1 is always there, and for
// process 1 itself the mount says so.
function hidesProcesses(): boolean {
  return hides ??= Deno.pid !== 1
    ? isHidden(1)
    : /\bhidepid=/.test(readProcFile("/proc/self/mountinfo") ?? "");
}

// Threads have numbers as well, for which getsid(2) answers and pidfd_open(2) fails; and
// what is just ending is waited for, for a moment: most that come and go are short.
function lives(pid: number): boolean {
  const held = new Pidfds();
  const error = held.hold(pid);
  const living = error !== 0 || held.look(ENDING_MS) > 0;
  held.close();
  return living && error !== ESRCH && error !== EINVAL && error !== ENOENT;
}

// Forks of this machine since it began, threads included (proc(5), /proc/stat).
function forkCount(): number {
  const match = /^processes (\d+)/m.exec(readProcFile("/proc/stat") ?? "");
  return match === null ? 0 : Number(match[1]);
}
