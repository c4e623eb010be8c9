/**
 * Containment by process group on Linux: whoever has the leader's number as
 * process group (setpgid(2)). A member that calls setsid or setpgid leaves it.
 *
 * @module
 */

import type { Containment } from "../../backend/containment.ts";
import { ESRCH } from "../system/errno.ts";
import { forgetGroup, guardGroup } from "./guard.ts";
import { lastPid, numbersFresh, procIsUsable } from "../system/proc_files.ts";
import {
  isLaterLeader,
  noteLeader,
  otherNumbers,
  quickEmpty,
} from "./quick_proof.ts";
import { errno, libcWait } from "../system/libc.ts";
import { Census } from "./census.ts";
import type { Belongs, Membership, Use } from "../tree/membership.ts";

// More numbers than these are not gone through: all of /proc is read instead.
const MAX_NUMBERS = 512;

// Who is in which group.
const census = new Census(numbersFresh);
const ours = new Set<number>();

/** The members of one tree, by process group. */
export class ProcessGroup implements Membership {
  readonly report: Containment;
  #pgid = 0;
  #turn = 0;
  #startedAt = 0;
  #leaderKilledAt = Infinity;

  /** @param notes Why nothing stronger is in force. */
  constructor(endsWithParent: boolean, notes: readonly string[]) {
    this.report = {
      mechanism: "process-group",
      holdsEscapees: false,
      endsWithParent,
      notes,
    };
  }

  beginSpawn(): void {}

  endSpawn(pid: number): void {
    this.#pgid = pid;
    this.#turn = noteLeader(pid);
    this.#startedAt = performance.now();
    if (pid > 1) ours.add(pid);
    if (pid > 1 && this.report.endsWithParent) guardGroup(pid);
  }

  belongs(pid: number): Belongs {
    if (this.#pgid <= 1) return "no";
    const group = libcWait().getpgid(pid);
    if (ours.has(group)) census.note(group, pid);
    if (group === this.#pgid) return "yes";
    if (group >= 0 || errno() !== ESRCH) return "no";
    census.gone(pid);
    return "gone";
  }

  numbers(newest: number): number[] | null {
    const young = numbersFresh(2 * (performance.now() - this.#startedAt));
    if (this.#pgid <= 1 || !young) return null;
    return otherNumbers(this.#pgid, newest, this.#turn, MAX_NUMBERS);
  }

  // A group that is no more asks for nobody: its look says nothing about others.
  beginLook(newest: number): void {
    if (this.#pgid > 1) census.begin(newest);
  }

  note(pid: number): void {
    census.note(this.#pgid, pid);
  }

  endLook(newest: number): boolean {
    if (this.#pgid > 1) census.end(newest);
    return true;
  }

  killing(newest: number): void {
    census.killing(newest);
  }

  killed(pid: number): void {
    if (pid === this.#pgid) {
      this.#leaderKilledAt = Math.min(this.#leaderKilledAt, performance.now());
    }
    census.killed(pid);
  }

  listed(newest: number, use: Use): number[] | null {
    if (this.#pgid <= 1) return null;
    return census.list(this.#pgid, newest, use);
  }

  quickEmpty(
    leader: number,
    ageMs: number,
    exitedAt: number,
    ended: (pid: number) => boolean,
  ): boolean | null {
    if (!procIsUsable()) return null;
    const last = lastPid();
    const deadSince = Math.min(exitedAt, this.#leaderKilledAt);
    const alone = census.isAlone(this.#pgid, leader, last, deadSince);
    if (alone !== null) return alone ? true : null;
    return quickEmpty(
      leader,
      ageMs,
      last,
      (pid) => this.belongs(pid),
      (pid) => isLaterLeader(pid, this.#turn) || ended(pid),
    );
  }

  abandon(): void {}

  // Never again: the number may be a stranger's group from now on.
  retire(): void {
    forgetGroup(this.#pgid);
    ours.delete(this.#pgid);
    this.#pgid = 0;
  }
}
