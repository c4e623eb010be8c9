/**
 * What a child and its tree have used, and the limits that the kernel held
 * against them. Nothing is looked at before somebody asks.
 *
 * @module
 */

import type { LimitName } from "../limits.ts";
import {
  type ResourceUsage,
  unknownUsage,
  type Usage,
  type UsageLook,
} from "../usage.ts";
import type { Leader } from "./leader.ts";
import { DARWIN } from "./libc.ts";
import type { ProcStat } from "./proc_stat.ts";
import { processTable } from "./process_table.ts";
import { usageTable } from "./process_usage.ts";
import { decodeRusage } from "./rusage.ts";
import type { Spawned } from "./spawn.ts";
import { TreeUsage } from "./tree_usage.ts";

/** The accounts of one child. */
export class Accounts {
  readonly #spawned: Spawned;
  readonly #leader: Leader;
  readonly #members: () => ProcStat[];
  readonly #startedAt: number;
  #tree: TreeUsage | null = null;
  #lastLeader: ResourceUsage = unknownUsage("process");
  #atDescriptorLimit = false;
  #endedAt = 0;

  /**
   * @param spawned The child.
   * @param leader Its leader.
   * @param members Looks for the living members.
   * @param startedAt When it was started, on the clock of `performance.now()`.
   */
  constructor(
    spawned: Spawned,
    leader: Leader,
    members: () => ProcStat[],
    startedAt: number,
  ) {
    this.#spawned = spawned;
    this.#leader = leader;
    this.#members = members;
    this.#startedAt = startedAt;
  }

  /** The leader has just been reaped. */
  leaderReaped(): void {
    this.#endedAt = performance.now();
    this.#tree?.leaderReaped(this.#spawned.pid);
  }

  /** See {@linkcode NativeProcess.usage}. */
  usage(look: UsageLook): Usage {
    if (look !== "known") this.#look(look === "full");
    const now = look === "known" && this.#endedAt > 0
      ? this.#endedAt
      : performance.now();
    const leader = this.#leaderUsage();
    return {
      elapsed: now - this.#startedAt,
      leader,
      tree: this.#treeUsage(leader),
    };
  }

  #look(full: boolean): void {
    this.#tree ??= new TreeUsage(usageTable());
    const { pid } = this.#spawned;
    const members = this.#members();
    let zombie: ProcStat | null = null;
    if (!this.#leader.reaped) {
      this.#lookAtLeader(full);
      const listed = members.some((one) => one.pid === pid);
      if (!listed) zombie = processTable().stat(pid);
    }
    this.#tree.look(members, zombie, full);
    this.#lookAtDescriptors(members);
  }

  #lookAtLeader(full: boolean): void {
    const figures = usageTable().figures(this.#spawned.pid, full);
    if (figures === null) return;
    this.#lastLeader = { ...unknownUsage("process"), ...figures, processes: 1 };
  }

  // The lowest free number is the one that is given, so the last allowed number
  // is in use exactly when the limit is reached.
  #lookAtDescriptors(members: readonly ProcStat[]): void {
    const limit = this.#spawned.limits?.openFiles;
    if (limit === undefined || this.#atDescriptorLimit) return;
    for (let i = 0; i < members.length; i++) {
      const { pid } = members[i] as ProcStat;
      if (!usageTable().hasDescriptor(pid, limit - 1)) continue;
      this.#atDescriptorLimit = true;
      return;
    }
  }

  #leaderUsage(): ResourceUsage {
    const { rusage } = this.#leader;
    if (rusage !== null) {
      return { ...decodeRusage(rusage, DARWIN), processes: 0 };
    }
    // Somebody else reaped it: what was seen last is all there is.
    return this.#leader.reaped
      ? { ...this.#lastLeader, memory: 0, processes: 0 }
      : this.#lastLeader;
  }

  #treeUsage(leader: ResourceUsage): ResourceUsage {
    const final = this.#leader.rusage === null ? null : leader;
    const sampled = this.#tree?.total(final) ?? null;
    const counted = this.#spawned.membership.usage?.() ?? null;
    if (counted !== null) return overlay(counted, sampled);
    return sampled ?? (final === null ? unknownUsage("sampled") : {
      ...final,
      processes: null,
    });
  }

  /** See {@linkcode NativeProcess.exactMemory}. */
  exactMemory(): number | null {
    const members = this.#members();
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
