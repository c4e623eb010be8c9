/**
 * All members of a tree at one moment, each held by a pidfd (Linux).
 *
 * Somebody who is created has a number, and `/proc/loadavg` tells the last one
 * that was given. When it is the same before and after a look, then nobody was
 * created during it, and it has shown everybody. So they can be killed at once:
 * that they stand still first would only be of use against those who are not seen.
 * One call ends the group of the leader, between two forks of any of them.
 *
 * One thing escapes it, as it does the census: a fork has its number some
 * microseconds before the new process can be seen. In the group, the signal ends
 * that one as well, or the fork fails (fork(2) is not completed with a SIGKILL
 * pending). Outside of it, it is found afterwards: that all of a snapshot have
 * ended is no proof that the tree is empty, but the others need no second look.
 *
 * @module
 */

import type { HardKill } from "../../backend/native.ts";
import type { Members } from "./membership.ts";
import { EINVAL, ENOENT, ESRCH } from "../system/errno.ts";
import { libcWait } from "../system/libc.ts";
import { Pidfds } from "../signal/pidfds.ts";
import type { ProcessTable } from "../system/proc_stat.ts";

// Descriptors that are spent on one.
const MAX_MEMBERS = 1024;
// A tree that forks all the time is not looked at to the end.
const LOOK_EVERY = 32;

/** The process group of a tree's leader, while its number is certainly ours. */
export interface LeaderGroup {
  /** Its number. */
  readonly pgid: number;
  /** Signals all its members in one call; 0 or an error number. */
  signal(signal: number): number;
}

/** The members of a tree. */
export class Snapshot {
  /** The number that was given last when it was taken. */
  readonly newest: number;
  /** When that was, on the clock of `performance.now()`. */
  readonly takenAt: number = performance.now();
  readonly #members: Members;
  readonly #held = new Pidfds();
  readonly #pids = new Set<number>();

  private constructor(members: Members, newest: number) {
    this.#members = members;
    this.newest = newest;
  }

  /**
   * Takes one.
   *
   * @param members Who belongs to the tree.
   * @param table The process table.
   * @returns The snapshot, or `null` when it would not be complete.
   */
  static take(members: Members, table: ProcessTable): Snapshot | null {
    const newest = table.newest?.() ?? 0;
    if (members.numbers === undefined || newest <= 0) return null;
    const snapshot = new Snapshot(members, newest);
    const few = members.numbers(newest);
    const complete = few === null
      ? snapshot.#lookAtAll(table)
      : snapshot.#fill(few, table);
    if (complete && table.newest?.() === newest) return snapshot;
    snapshot.close();
    return null;
  }

  #lookAtAll(table: ProcessTable): boolean {
    this.#members.beginLook?.(this.newest);
    // In rising order: who forks a successor and ends is looked at before it.
    const pids = table.pids()?.reverse();
    const complete = pids !== undefined && this.#fill(pids, table);
    const held = this.#members.endLook?.(complete ? this.newest : 0) ?? true;
    return complete && held;
  }

  #fill(pids: readonly number[], table: ProcessTable): boolean {
    for (let i = 0; i < pids.length; i++) {
      const pid = pids[i] as number;
      if (pid <= 1 || pid === Deno.pid) continue;
      if (this.#members.isOutsider?.(pid)) continue;
      if (this.#members.belongs(pid) !== "yes") continue;
      if (!this.#take(pid)) return false;
      const { size } = this.#pids;
      if (size > MAX_MEMBERS) return false;
      if (size % LOOK_EVERY === 0 && table.newest?.() !== this.newest) {
        return false;
      }
    }
    return true;
  }

  #take(pid: number): boolean {
    const error = this.#held.hold(pid);
    if (error === 0) this.#pids.add(pid);
    // Gone, or a thread's number.
    return error === 0 || error === ESRCH || error === EINVAL ||
      error === ENOENT;
  }

  /**
   * Kills all of it.
   *
   * @param kill SIGKILL.
   * @param group Spares a call for each of its members.
   * @returns What was done, or `null` when one of them was not to be killed.
   */
  kill(kill: number, group: LeaderGroup | undefined): HardKill | null {
    const count = this.#held.look(0);
    this.#members.killing?.(this.newest);
    const rest = group === undefined
      ? this.#living(() => true)
      : this.#killGroup(kill, group);
    // Oldest first: a shell that saw its child die would go on with the next
    // command of its script.
    for (let i = 0; i < rest.length; i++) {
      const index = rest[i] as number;
      const error = this.#held.signal(index, kill);
      if (error === 0) this.#members.killed?.(this.#held.pid(index));
      else if (error !== ESRCH) return null;
    }
    return { count, refused: [], unproved: true };
  }

  // Who is left to be killed. That the others are members of the group is asked
  // before: afterwards it would be the dead who are asked.
  #killGroup(kill: number, { pgid, signal }: LeaderGroup): number[] {
    const apart = this.#living((pid) => libcWait().getpgid(pid) !== pgid);
    return signal(kill) === 0 ? apart : this.#living(() => true);
  }

  #living(test: (pid: number) => boolean): number[] {
    const found: number[] = [];
    for (let i = 0; i < this.#held.count; i++) {
      if (!this.#held.lives(i) || !test(this.#held.pid(i))) continue;
      found[found.length] = i;
    }
    return found;
  }

  /** Whether this number is that of one of them, as long as numbers hold. */
  has(pid: number): boolean {
    return this.#pids.has(pid);
  }

  /** Those who live. */
  living(): Pidfds | null {
    return this.#held.look(0) > 0 ? this.#held : null;
  }

  /** Lets them go. */
  close(): void {
    this.#held.close();
    this.#pids.clear();
  }
}
