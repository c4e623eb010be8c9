/**
 * What a tree has used, summed over its members at each look.
 *
 * A process that was waited for by a member counts with that member (Linux adds
 * it to the figures of whoever waited). One that nobody of the tree waited for,
 * an orphan, counts with what it had used when it was last seen; on macOS, which
 * shows of each process its own figures alone, everyone who has ended does. So
 * sums are lower bounds, and they never fall.
 *
 * Knows a {@linkcode UsageTable} and a list of members, so that it can be tested
 * with made-up ones.
 *
 * @module
 */

import { type ResourceUsage, unknownUsage } from "../../backend/usage.ts";
import type { ProcStat } from "../system/proc_stat.ts";
import type { ProcessFigures, UsageTable } from "./process_usage.ts";

/** What is in use now, and by how many. */
export type Present = "seen" | {
  readonly memory: number | null;
  readonly processes: number | null;
};

/** Nothing any more. */
export const ENDED = { memory: 0, processes: 0 } as const;
/** Not looked at. */
export const UNKNOWN = { memory: null, processes: null } as const;

interface Seen {
  readonly stat: ProcStat;
  readonly figures: ProcessFigures;
}

interface Sums {
  userTime: number;
  systemTime: number;
  minorFaults: number;
  majorFaults: number;
  readBytes: number;
  writeBytes: number;
}

const COUNTERS = [
  "userTime",
  "systemTime",
  "minorFaults",
  "majorFaults",
  "readBytes",
  "writeBytes",
] as const;

function zero(): Sums {
  return {
    userTime: 0,
    systemTime: 0,
    minorFaults: 0,
    majorFaults: 0,
    readBytes: 0,
    writeBytes: 0,
  };
}

function add(sums: Sums, figures: ProcessFigures | ResourceUsage): void {
  for (let i = 0; i < COUNTERS.length; i++) {
    const name = COUNTERS[i] as keyof Sums;
    sums[name] += figures[name] ?? 0;
  }
}

/** The sums of one tree. */
export class TreeUsage {
  readonly #table: UsageTable;
  #seen = new Map<number, Seen>();
  // Of members that are gone and that no member has waited for.
  readonly #lost: Sums = zero();
  // The same one by one, where a process looks gone while its user is another
  // (proc_security_policy() of xnu): it may come back.
  readonly #lostOnes = new Map<number, Seen>();
  readonly #most: Sums = zero();
  #peak = 0;
  #memory = 0;
  #processes = 0;
  #sawIo = false;

  /** @param table How to ask for a process. */
  constructor(table: UsageTable) {
    this.#table = table;
  }

  /**
   * Looks at the members.
   *
   * @param members The living ones.
   * @param zombie The leader, when it has ended and is not yet reaped.
   * @param full Whether peaks and I/O are asked for, too.
   */
  look(
    members: readonly ProcStat[],
    zombie: ProcStat | null,
    full: boolean,
  ): void {
    const now = new Map<number, Seen>();
    let memory = 0;
    const count = members.length + (zombie === null ? 0 : 1);
    for (let i = 0; i < count; i++) {
      const stat = members[i] ?? zombie as ProcStat;
      const figures = this.#table.figures(stat.pid, full);
      if (figures === null) continue;
      now.set(stat.pid, { stat, figures });
      this.#takeBack(stat);
      memory += figures.memory;
      this.#peak = Math.max(this.#peak, figures.peakMemory ?? 0);
    }
    this.#sawIo ||= full;
    this.#countLost(now);
    this.#seen = now;
    this.#memory = memory;
    this.#peak = Math.max(this.#peak, memory);
    this.#processes = members.length;
  }

  #countLost(now: ReadonlyMap<number, Seen>): void {
    this.#seen.forEach((seen, pid) => {
      const same = now.get(pid)?.stat.startTicks === seen.stat.startTicks;
      const inherited = this.#table.inherits && this.#waitedFor(seen.stat, now);
      if (!same && !inherited) this.#lose(seen);
    });
  }

  #lose(seen: Seen): void {
    add(this.#lost, seen.figures);
    if (!this.#table.inherits) this.#lostOnes.set(seen.stat.pid, seen);
  }

  #takeBack({ pid, startTicks }: ProcStat): void {
    const lost = this.#lostOnes.get(pid);
    if (lost?.stat.startTicks !== startTicks) return;
    this.#lostOnes.delete(pid);
    for (let i = 0; i < COUNTERS.length; i++) {
      const name = COUNTERS[i] as keyof Sums;
      this.#lost[name] -= lost.figures[name] ?? 0;
    }
  }

  // Whether somebody who is still there has taken the figures over: the parent,
  // or, when that has gone as well, whoever waited for the parent.
  #waitedFor(stat: ProcStat, now: ReadonlyMap<number, Seen>): boolean {
    let ppid = stat.ppid;
    for (let depth = 0; depth < 64; depth++) {
      const parent = this.#seen.get(ppid);
      if (parent === undefined) return false;
      const still = now.get(ppid);
      if (still?.stat.startTicks === parent.stat.startTicks) return true;
      ppid = parent.stat.ppid;
    }
    return false;
  }

  /**
   * The leader has been reaped: its final figures stand for it from now on.
   *
   * @param pid Its number.
   */
  leaderReaped(pid: number): void {
    if (!this.#table.inherits) {
      this.#seen.forEach((seen, number) => {
        if (number !== pid && !this.#gone(number)) return;
        this.#lose(seen);
        this.#seen.delete(number);
      });
      return;
    }
    const leader = this.#seen.get(pid);
    if (leader === undefined) return;
    // Those that it had waited for are in its final figures: a parent that is
    // gone and never counted again keeps them from being counted twice.
    this.#seen.forEach((seen, number) => {
      if (number !== pid && this.#gone(number)) this.#seen.delete(number);
      else if (seen.stat.ppid === pid) {
        this.#seen.set(number, { ...seen, stat: { ...seen.stat, ppid: 1 } });
      }
    });
    this.#seen.delete(pid);
  }

  #gone(pid: number): boolean {
    return this.#table.figures(pid, false) === null;
  }

  // Where only a process's own figures are seen, those of the reaped leader include
  // an unknown part of those who have ended: with the living, a lower bound, too.
  #by(leader: ResourceUsage): Sums {
    const sums = zero();
    add(sums, leader);
    this.#seen.forEach(({ figures }) => add(sums, figures));
    return sums;
  }

  #raise(sums: Sums): void {
    for (let i = 0; i < COUNTERS.length; i++) {
      const name = COUNTERS[i] as keyof Sums;
      this.#most[name] = Math.max(this.#most[name], sums[name]);
    }
  }

  /**
   * The sums so far.
   *
   * @param leader The final figures of the reaped leader; `null` while it is
   * among the members.
   * @param present What is in use now, or that it is what was seen last.
   * @returns The figures.
   */
  total(leader: ResourceUsage | null, present: Present): ResourceUsage {
    const sums = { ...this.#lost };
    if (leader !== null && this.#table.inherits) add(sums, leader);
    this.#seen.forEach(({ figures }) => add(sums, figures));
    // A member that is a zombie at this moment is nobody's for as long.
    this.#raise(sums);
    if (leader !== null && !this.#table.inherits) this.#raise(this.#by(leader));
    const { readBytes, writeBytes } = this.#most;
    const io = this.#sawIo || leader?.readBytes != null;
    return {
      ...unknownUsage("sampled"),
      ...this.#most,
      readBytes: io ? readBytes : null,
      writeBytes: io ? writeBytes : null,
      peakMemory: Math.max(this.#peak, leader?.peakMemory ?? 0) || null,
      voluntarySwitches: leader?.voluntarySwitches ?? null,
      involuntarySwitches: leader?.involuntarySwitches ?? null,
      ...(present === "seen"
        ? { memory: this.#memory, processes: this.#processes }
        : present),
    };
  }
}
