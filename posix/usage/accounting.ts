/**
 * Usage of a child and its tree, and the limits that the kernel held against them.
 * Nothing is read before a caller asks.
 *
 * @module
 */

import {
  type LimitName,
  type ResourceUsage,
  unknownUsage,
  type Usage,
  type UsageLook,
} from "../../backend/usage.ts";
import type { Leader } from "../wait/leader.ts";
import { DARWIN } from "../system/libc.ts";
import {
  isDead,
  lastPid,
  numbersHold,
  type ProcStat,
  readProcFile,
} from "../system/proc_files.ts";
import {
  ENDED,
  numberOf,
  ownPeak,
  type Present,
  TreeUsage,
  UNKNOWN,
  usageTable,
} from "./tree_usage.ts";
import { processTable } from "../system/process_table.ts";
import type { Spawned } from "../spawn/spawn.ts";

// At most so many new numbers are looked at one by one.
const FEW = 512;

// The members that a look found, and the number given last before it.
interface Roll {
  readonly newest: number;
  readonly time: number;
  readonly members: readonly ProcStat[];
}

// Shared by all children without an answer, as most are.
const NO_ROLL: Roll = { newest: -1, time: 0, members: [] };
const UNSEEN = unknownUsage("process");

// Threads have numbers of the same row, and files that the list of /proc hides.
function isThread(number: number): boolean {
  const status = readProcFile(`/proc/${number}/status`) ?? "";
  return numberOf(status, "Tgid") !== number;
}

/** The accounts of one child. */
export class Accounts {
  readonly #spawned: Spawned;
  readonly #leader: Leader;
  readonly #members: () => ProcStat[];
  readonly #startedAt: number;
  readonly #hasTreeEnded: () => boolean;
  #tree: TreeUsage | null = null;
  #rollAt: Roll = NO_ROLL;
  #lastLeader: ResourceUsage = UNSEEN;
  #atDescriptorLimit = false;

  /**
   * @param spawned The child.
   * @param leader Its leader.
   * @param members Looks for the living members.
   * @param hasTreeEnded Whether the tree is known to be empty.
   * @param startedAt When it was started, on the clock of `performance.now()`.
   */
  constructor(
    spawned: Spawned,
    leader: Leader,
    members: () => ProcStat[],
    hasTreeEnded: () => boolean,
    startedAt: number,
  ) {
    this.#spawned = spawned;
    this.#leader = leader;
    this.#members = members;
    this.#hasTreeEnded = hasTreeEnded;
    this.#startedAt = startedAt;
  }

  /** The leader has just been reaped. */
  leaderReaped(): void {
    this.#tree?.leaderReaped(this.#spawned.pid);
  }

  /** See {@linkcode NativeProcess.usage}. */
  usage(look: UsageLook): Usage {
    if (look !== "known") this.#look(look === "full");
    const now = look === "known" && this.#leader.reaped
      ? this.#leader.exitedAt
      : performance.now();
    const leader = this.#leaderUsage();
    return {
      elapsed: now - this.#startedAt,
      leader,
      tree: this.#treeUsage(leader, look !== "known"),
    };
  }

  #look(full: boolean): void {
    this.#tree ??= new TreeUsage(usageTable());
    const { pid } = this.#spawned;
    const members = this.#roll();
    let zombie: ProcStat | null = null;
    if (!this.#leader.reaped) {
      this.#lookAtLeader(full);
      const listed = members.some((one) => one.pid === pid);
      if (!listed) zombie = processTable().stat(pid);
    }
    this.#tree.look(members, zombie, full);
    this.#lookAtDescriptors(members);
  }

  // The members, without a look at every process of the host when few were started
  // since the last time: numbers are given in rising order, so a new process has one
  // of the numbers since then.
  #roll(): ProcStat[] {
    const newest = DARWIN ? -1 : lastPid();
    const before = this.#rollAt;
    const now = performance.now();
    const started = newest - before.newest;
    const members = before.newest >= 0 && started >= 0 && started < FEW &&
        numbersHold(before.newest, now - before.time)
      ? this.#rollSince(before, newest)
      : this.#members();
    this.#rollAt = { newest, time: now, members };
    return members;
  }

  #rollSince(before: Roll, newest: number): ProcStat[] {
    const members: ProcStat[] = [];
    const { membership } = this.#spawned;
    const table = processTable();
    for (let pid = newest; pid > before.newest; pid--) {
      if (membership.belongs(pid) !== "yes" || isThread(pid)) continue;
      const stat = table.stat(pid);
      if (stat !== null && !isDead(stat.state)) members.push(stat);
    }
    for (let i = 0; i < before.members.length; i++) {
      const known = before.members[i] as ProcStat;
      // Started while that look went on: seen above.
      if (known.pid > before.newest) continue;
      const stat = table.stat(known.pid);
      const same = stat?.startTicks === known.startTicks;
      if (stat !== null && same && !isDead(stat.state)) members.push(stat);
    }
    return members;
  }

  #lookAtLeader(full: boolean): void {
    const figures = usageTable().figures(this.#spawned.pid, full);
    if (figures === null) return;
    this.#lastLeader = { ...unknownUsage("process"), ...figures, processes: 1 };
  }

  #lookAtDescriptors(members: readonly ProcStat[]): void {
    const limit = this.#spawned.limits?.openFiles;
    if (limit === undefined || this.#atDescriptorLimit) return;
    for (let i = 0; i < members.length; i++) {
      const { pid } = members[i] as ProcStat;
      if (!usageTable().hasAllDescriptors(pid, limit)) continue;
      this.#atDescriptorLimit = true;
      return;
    }
  }

  #leaderUsage(): ResourceUsage {
    const final = this.#leader.usage;
    if (final !== null) {
      return { ...final, peakMemory: this.#peakOf(final), processes: 0 };
    }
    // Reaped by other code of this process: the last figures seen are all there is.
    return this.#leader.reaped
      ? { ...this.#lastLeader, memory: 0, processes: 0 }
      : { ...this.#lastLeader };
  }

  // posix_spawn shares this process's memory until exec, and Linux has the child
  // inherit the peak of it (setmax_mm_hiwater_rss in exec_mmap): ru_maxrss is the
  // child's own only where it is larger than ours.
  #peakOf(final: ResourceUsage): number | null {
    const peak = final.peakMemory ?? 0;
    if (DARWIN || peak > ownPeak()) return peak;
    return this.#lastLeader.peakMemory;
  }

  // Present use: 0 when all have ended, not known without a look.
  #present(looked: boolean): Present {
    if (this.#hasTreeEnded()) return ENDED;
    return looked || !this.#leader.reaped ? "seen" : UNKNOWN;
  }

  #treeUsage(leader: ResourceUsage, looked: boolean): ResourceUsage {
    const final = this.#leader.usage === null ? null : leader;
    const sampled = this.#tree?.total(final, this.#present(looked)) ?? null;
    const counted = this.#spawned.membership.usage?.() ?? null;
    if (counted !== null) return overlay(counted, sampled);
    if (sampled !== null) return sampled;
    if (final === null) return unknownUsage("sampled");
    return { ...final, ...(this.#hasTreeEnded() ? ENDED : UNKNOWN) };
  }

  /** See {@linkcode NativeProcess.exactMemory}. */
  exactMemory(): number | null {
    const members = this.#roll();
    let sum = 0;
    for (let i = 0; i < members.length; i++) {
      const { pid } = members[i] as ProcStat;
      const bytes = usageTable().proportional(pid) ??
        usageTable().figures(pid, false)?.memory ?? 0;
      sum += bytes;
    }
    return sum;
  }

  /** See {@linkcode NativeProcess.limitReached}. */
  limitReached(): LimitName | null {
    const { membership, limits } = this.#spawned;
    if (limits === null) return null;
    return membership.limitReached?.() ??
      (this.#atDescriptorLimit ? "openFiles" : null);
  }
}

// The kernel's figures where it has them, else ours.
function overlay(
  counted: ResourceUsage,
  sampled: ResourceUsage | null,
): ResourceUsage {
  if (sampled === null) return counted;
  const names = Object.keys(counted) as (keyof ResourceUsage)[];
  const all: Record<string, unknown> = { ...sampled };
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as keyof ResourceUsage;
    if (counted[name] !== null) all[name] = counted[name];
  }
  return all as unknown as ResourceUsage;
}
