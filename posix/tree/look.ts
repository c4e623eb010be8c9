/**
 * One look at all processes: which of them are members of a tree, and whether the
 * look proves that it has missed none.
 *
 * A look has a beginning, the number that was given last and the time, and an end,
 * at which it is settled or not. {@linkcode Looks} keeps what one look of a tree
 * leaves for the next one.
 *
 * @module
 */

import {
  isDead,
  type ProcessTable,
  type ProcStat,
} from "../system/proc_files.ts";
import {
  descend,
  type Members,
  type Snapshot,
  type Use,
} from "./membership.ts";

/** The result of a look. */
export interface Scan {
  /** The living members. */
  readonly members: ProcStat[];
  /**
   * False when a listed process was gone before its turn, or was a member that has
   * died since the look before: it may have left a successor that is not in the
   * list, so the look does not prove that the tree is empty. Neither does a look
   * that was broken off.
   */
  readonly settled: boolean;
}

/**
 * Called with a member as soon as the look comes to it. `isProcess` tells whether it
 * stood in the list of processes: a number that was only tried may be a thread's.
 */
export type Seen = (stat: ProcStat, isProcess: boolean) => void;

/** Options of a look. */
export interface LookOptions {
  /** Called with each living member as soon as it is seen. */
  readonly seen?: Seen | undefined;
  /**
   * Numbers that are passed over: their processes are known members, and the numbers
   * cannot have been given again.
   */
  readonly known?: ReadonlySet<number> | undefined;
  /** The look is broken off with so many members found; by default never. */
  readonly enough?: number;
  /** The purpose of the look; by default `"as proof"`. */
  readonly use?: Use;
}

// The beginning of a look: the number given last, and the time.
interface Beginning {
  readonly newest: number;
  readonly began: number;
}

// At most so many processes created during a look are looked at one by one, in at
// most so many rounds.
const YOUNGER = 512;
const YOUNGER_ROUNDS = 8;
// Processes outside the tree fork as well: the last few numbers, not the last alone.
const NEWEST = 4;

/** The looks at one tree. */
export class Looks {
  readonly #membership: Members;
  readonly #table: ProcessTable;
  readonly #ended: (newest: number) => Snapshot | null;
  // Dead members of the last look, and when they were started.
  #zombies: ReadonlyMap<number, number> = new Map();
  // Members that the tree has killed: their children were there before that.
  #killed: Map<number, number> | null = null;
  // The beginning of the last look that found no living member.
  #previous: Beginning | null = null;

  /**
   * @param membership Decides which processes are members.
   * @param table The process table.
   * @param ended The last kill's members where all have ended, as long as their
   * numbers are theirs; otherwise `null`.
   */
  constructor(
    membership: Members,
    table: ProcessTable,
    ended: (newest: number) => Snapshot | null,
  ) {
    this.#membership = membership;
    this.#table = table;
    this.#ended = ended;
  }

  /** SIGKILL was sent to a member. */
  noteKilled({ pid, startTicks }: ProcStat): void {
    (this.#killed ??= new Map()).set(pid, startTicks);
  }

  /** Whether every number up to `newest` still means the process that it meant then. */
  numbersHold(newest: number, since: number): boolean {
    const age = performance.now() - since;
    return this.#table.numbersHold?.(newest, age) ?? false;
  }

  /** Looks once. */
  look(options: LookOptions = {}): Scan {
    const began = performance.now();
    const newest = this.#table.newest?.() ?? 0;
    const { use = "as proof" } = options;
    const listed = this.#membership.listed?.(newest, use);
    if (listed) return this.#lookAtListed(listed, newest, options);
    this.#membership.beginLook?.(newest);
    const pids = this.#table.pids();
    // A table that cannot be read, for want of a descriptor, proves nothing.
    if (pids === null) return { members: [], settled: false };
    return this.#lookAtAll(pids, { newest, began }, options);
  }

  #lookAtAll(
    pids: readonly number[],
    present: Beginning,
    { seen, known, enough = Infinity, use = "as proof" }: LookOptions,
  ): Scan {
    const ended = this.#ended(present.newest);
    const members: ProcStat[] = [];
    const zombies = new Map<number, number>();
    const found = new Set<number>();
    let settled = true;
    let passed = false;
    for (let i = 0; i < pids.length; i++) {
      const pid = pids[i] as number;
      // Never this process, whatever the table says.
      if (pid <= 1 || pid === Deno.pid) continue;
      if (known?.has(pid)) {
        this.#membership.note?.(pid);
        found.add(pid);
        continue;
      }
      if (ended?.has(pid)) continue;
      if (this.#membership.isOutsider?.(pid)) {
        passed = true;
        continue;
      }
      const belongs = this.#membership.belongs(pid);
      if (belongs === "gone") settled = false;
      if (belongs !== "yes") continue;
      const stat = this.#table.stat(pid);
      if (stat !== null) this.#membership.met?.(stat);
      if (stat === null) settled = false;
      else if (!isDead(stat.state)) {
        members.push(stat);
        found.add(pid);
        seen?.(stat, true);
        if (members.length < enough) continue;
        this.#membership.endLook?.(0);
        return { members, settled: false };
      } else {
        zombies.set(pid, stat.startTicks);
        const before = this.#zombies.get(pid) ?? this.#killed?.get(pid);
        if (before !== stat.startTicks) settled = false;
      }
    }
    this.#zombies = zombies;
    this.#descend(found, members, seen);
    const last = this.#table.newest?.() ?? 0;
    const held = this.#membership.endLook?.(last) ?? true;
    // The list is made in rising order. When numbers wrapped meanwhile, a link of
    // a chain was behind it before, and its successor below it afterwards.
    if (last < present.newest || passed && !held) {
      return { members, settled: false };
    }
    // No process at all was created since the kill: no member has left a successor.
    if (ended?.newest === last && last > 0) return { members, settled: true };
    // Before a kill, a member that is overlooked costs another round only.
    const since = use === "as proof" ? this.#previous : present;
    if (members.length === 0 && known === undefined) this.#previous = present;
    if (!settled && since !== null) {
      settled = this.#lookAtYounger(since, members, seen);
    }
    return { members, settled };
  }

  #descend(found: Set<number>, members: ProcStat[], seen?: Seen): void {
    descend(found, this.#membership, this.#table, (pid) => {
      const stat = this.#table.stat(pid);
      if (stat === null || isDead(stat.state)) return;
      members.push(stat);
      seen?.(stat, true);
    });
  }

  // On a busy host some process ends during every look. One that ended may have left
  // a successor; but a process born since a look began has a higher number than the
  // last one of then, and these few are looked at instead of all again.
  //
  // As a proof, since the look before, which found no living member: a fork has its
  // number some microseconds before the new process can be seen, so that the
  // successor's may be lower than the last one at the beginning of this look. But
  // then its parent lived during the look before, or was itself born since.
  #lookAtYounger(
    { newest, began }: Beginning,
    members: ProcStat[],
    seen?: Seen,
  ): boolean {
    const listed = new Set<number>();
    members.forEach(({ pid }) => listed.add(pid));
    let from = newest;
    for (let round = 0; round < YOUNGER_ROUNDS; round++) {
      if (!this.numbersHold(newest, began)) return false;
      const last = this.#table.newest?.() ?? 0;
      if (last === from) return true;
      if (last - newest > YOUNGER) return false;
      for (let pid = from + 1; pid <= last; pid++) {
        if (listed.has(pid)) continue;
        const stat = this.#livingMember(pid);
        if (stat === null) continue;
        members.push(stat);
        seen?.(stat, false);
      }
      from = last;
    }
    return false;
  }

  // At the members alone that an earlier look has listed: none was created since.
  #lookAtListed(
    pids: readonly number[],
    newest: number,
    { seen, known }: LookOptions,
  ): Scan {
    const members: ProcStat[] = [];
    for (let i = 0; i < pids.length; i++) {
      const pid = pids[i] as number;
      const stat = known?.has(pid) ? null : this.#livingMember(pid);
      if (stat === null) continue;
      members.push(stat);
      seen?.(stat, true);
    }
    return { members, settled: this.#table.newest?.() === newest };
  }

  /**
   * Looks at the last few numbers only: among thousands of processes the list alone
   * takes longer than a link of a chain of forks lives.
   */
  lookAtNewest(seen: Seen): void {
    const newest = this.#table.newest?.() ?? 0;
    for (let pid = newest; pid > newest - NEWEST && pid > 1; pid--) {
      const stat = this.#livingMember(pid);
      if (stat !== null) seen(stat, false);
    }
  }

  /** Whether a look finds more than so many members; it ends with the first too many. */
  hasMoreThan(count: number): boolean {
    const pids = this.#table.pids() ?? [];
    let found = 0;
    for (let i = 0; i < pids.length; i++) {
      if (this.#livingMember(pids[i] as number) === null) continue;
      if (++found > count) return true;
    }
    return false;
  }

  #livingMember(pid: number): ProcStat | null {
    if (pid <= 1 || pid === Deno.pid) return null;
    if (this.#membership.belongs(pid) !== "yes") return null;
    const stat = this.#table.stat(pid);
    return stat === null || isDead(stat.state) ? null : stat;
  }
}
