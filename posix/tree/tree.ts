/**
 * A tree of processes: looking for its members, signalling and ending them; and
 * groups of processes where nothing can be looked at.
 *
 * Knows a {@linkcode Membership} and a {@linkcode ProcessTable}, and decides
 * everything from these two, so that it can be tested with made-up ones.
 *
 * @module
 */

import {
  FEW_COMMANDS,
  type HardKill,
  type Survivor,
} from "../../backend/native.ts";
import type { Pidfds } from "../signal/signal_process.ts";
import { EPERM, ESRCH } from "../system/errno.ts";
import { errno, libc, libcWait } from "../system/libc.ts";
import {
  isDead,
  type ProcessTable,
  type ProcStat,
} from "../system/proc_files.ts";
import { type LookOptions, Looks, type Scan } from "./look.ts";
import {
  type LeaderGroup,
  type Members,
  type Signalled,
  Snapshot,
  type Telling,
  type Told,
  type TreeOperations,
  type Use,
} from "./membership.ts";

/** Sends a signal to a process that passes the check; 0 or an error number. */
export type SendSignal = (
  pid: number,
  signal: number,
  isOurs: (pid: number) => boolean,
) => number;

// A tree that runs away faster than this many looks is reported, not chased for ever.
const MAX_ROUNDS = 200;
// Nor for longer than this in one go, where looks take long: other work of this
// process must run as well. A few looks are made in any case.
const MAX_MS = 2000;
const FEWEST_ROUNDS = 5;
// The looks that a process may take to act on SIGSTOP.
const STOPPING_ROUNDS = 20;
// Fewer members of the group are killed one by one: cheaper than the look that a kill
// of the group calls for.
const FEWEST_IN_GROUP = 4;
// A forked process calls exec within this time even on a loaded host, measured by a
// clock of whole seconds.
const YOUNG_MS = 5000;

// A kill without a freeze before it; not complete when a process was created meanwhile.
interface DirectKill {
  readonly hard: HardKill;
  readonly complete: boolean;
}

/** The members of a tree, found anew at each call. */
export class ProcessTree implements TreeOperations {
  readonly #membership: Members;
  readonly #table: ProcessTable;
  readonly #send: SendSignal;
  readonly #looks: Looks;
  readonly #isOurs = (pid: number): boolean =>
    this.#membership.belongs(pid) === "yes";
  #killedListed = false;
  #killedGroup = false;
  // The members of the last direct kill, until numbers may come round.
  #snapshot: Snapshot | null = null;
  // Taken for the kill that comes next.
  #prepared: Snapshot | null = null;

  constructor(membership: Members, table: ProcessTable, send: SendSignal) {
    this.#membership = membership;
    this.#table = table;
    this.#send = send;
    this.#looks = new Looks(membership, table, (n) => this.#endedSnapshot(n));
  }

  /** One look at all processes. */
  look(options?: LookOptions): Scan {
    return this.#looks.look(options);
  }

  /** The living members. Looks again while nothing is seen and nothing is proved. */
  members(): ProcStat[] {
    return this.someMembers(Infinity);
  }

  /** The newest of them: a look that ends when it has found so many. */
  someMembers(count: number): ProcStat[] {
    return this.#members(count, "as proof");
  }

  #members(enough: number, use: Use): ProcStat[] {
    const began = performance.now();
    for (let round = 0; goesOn(round, began); round++) {
      const scan = this.look({ enough, use });
      if (scan.settled || scan.members.length > 0) return scan.members;
    }
    return [];
  }

  /**
   * The members that {@linkcode ProcessTree.kill}, called next, finds, newest first:
   * the snapshot that is taken for it is kept until then.
   */
  membersToKill(): ProcStat[] {
    this.#prepared?.close();
    this.#prepared = this.#killedListed || this.#snapshot !== null
      ? null
      : Snapshot.take(this.#membership, this.#table);
    if (this.#prepared === null) return this.members();
    const members: ProcStat[] = [];
    this.#prepared.forEach((pid) => {
      const stat = this.#table.stat(pid);
      if (stat !== null && !isDead(stat.state)) members[members.length] = stat;
    });
    return members.reverse();
  }

  // The snapshot taken for this kill, if no number has been given since.
  #takeSnapshot(): Snapshot | null {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared?.newest === this.#table.newest?.()) return prepared ?? null;
    prepared?.close();
    return Snapshot.take(this.#membership, this.#table);
  }

  /** The living members of the last kill, where they are held; otherwise `null`. */
  livingKilled(): Pidfds | null {
    return this.#snapshot?.living() ?? null;
  }

  /** Closes all pidfds: nothing more is asked of this tree. */
  close(): void {
    this.#snapshot?.close();
    this.#snapshot = null;
    this.#prepared?.close();
    this.#prepared = null;
  }

  /** Whether a number is known to be that of a process that has ended. */
  hasEnded(pid: number): boolean {
    return this.#snapshot?.has(pid) ?? false;
  }

  // The snapshot whose members have all ended; closed when numbers may mean other
  // processes by now.
  #endedSnapshot(newest: number): Snapshot | null {
    const snapshot = this.#snapshot;
    if (snapshot === null || snapshot.living() !== null) return null;
    if (
      newest > 0 && this.#looks.numbersHold(snapshot.newest, snapshot.takenAt)
    ) {
      return snapshot;
    }
    snapshot.close();
    this.#snapshot = null;
    return null;
  }

  /** True when no living member is left, proved by a look at which nothing moved. */
  isEmpty(): boolean {
    if (this.livingKilled() !== null) return false;
    const began = performance.now();
    for (let round = 0; goesOn(round, began); round++) {
      const scan = this.look();
      if (scan.members.length > 0) return false;
      if (scan.settled) return true;
    }
    return false;
  }

  /** Whether a look shows more than so many; it ends with the first too many. */
  hasMoreThan(count: number): boolean {
    return this.#looks.hasMoreThan(count);
  }

  /** Sends a signal to one member; 0 or an error number. */
  signal(pid: number, signal: number): number {
    return this.#send(pid, signal, this.#isOurs);
  }

  /**
   * Sends signals, in order, to every member, or to `only`, but not to `except` and those of `told`.
   * Oldest first: a shell that sees its child die before its own signal comes goes on with the
   * next command of its script.
   */
  signalAll(
    signals: readonly number[],
    except = 0,
    told?: Told,
    only = 0,
  ): Signalled {
    const members = this.#members(Infinity, "to signal");
    let count = 0;
    let refused = 0;
    for (let i = members.length - 1; i >= 0; i--) {
      const member = members[i] as ProcStat;
      const { pid } = member;
      if (only !== 0 && pid !== only) continue;
      if (pid === except || told !== undefined && hasHeard(told, member)) {
        continue;
      }
      // Before it gets the signal: a process that has ended has no command line.
      const telling = told && this.#telling(member, told.size < FEW_COMMANDS);
      let sent = false;
      let denied = false;
      for (let s = 0; s < signals.length; s++) {
        const error = this.signal(pid, signals[s] as number);
        if (error === 0) sent = true;
        else if (error === EPERM) denied = true;
      }
      const repeated = told?.get(pid)?.startTicks === member.startTicks;
      if ((sent || denied) && telling) told?.set(pid, telling);
      if (sent && !repeated) count++;
      else if (denied) refused++;
    }
    return { count, refused };
  }

  #telling(member: ProcStat, withCommand: boolean): Telling {
    const { pid, startTicks, name, forked = false } = member;
    const line = withCommand ? this.#table.commandLine(pid) : null;
    const age = Date.now() - this.#table.startTime(member);
    const young = forked && age < YOUNG_MS;
    return { startTicks, name, command: line || name, young };
  }

  /**
   * Freezes every member, looks again until a look finds no new one, and only
   * then kills: a supervisor cannot restart a process that it never saw die, and a
   * chain of forks ends because its next link is frozen before it can fork.
   *
   * Then it looks again. A process in the middle of a fork completes it before it
   * acts on SIGSTOP, maybe after the last look; but no fork completes after SIGKILL.
   *
   * @param stop SIGSTOP.
   * @param kill SIGKILL.
   * @param group Spares a call for each of its members.
   * @returns How many members it has killed, and those that it could not kill.
   */
  kill(stop: number, kill: number, group?: LeaderGroup): HardKill {
    const direct = this.#prepared === null
      ? this.#killListed(kill) ?? this.#killSnapshot(kill, group)
      : this.#killSnapshot(kill, group);
    if (direct?.complete) return direct.hard;
    // Between two forks of any of them: against a fork bomb, looking at one after
    // the other comes too late.
    group?.signal(stop);
    const frozen = new Map<number, ProcStat>();
    const refused = new Map<number, Survivor>();
    let count = 0;
    let pending: ProcStat[] = [];
    const began = performance.now();
    const newest = this.#table.newest?.() ?? 0;
    // Without those higher than the last: such a number is given again when its
    // turn comes.
    let known: Set<number> | undefined = new Set();
    let unsettled = true;
    for (let round = 0; goesOn(round, began); round++) {
      let fresh = 0;
      // At sight: while the look goes on, a chain of forks would be a link further.
      const freeze = (stat: ProcStat, isProcess: boolean): void => {
        const stopped = isProcess && stat.state === "T";
        const error = this.#freeze(stat, stopped ? 0 : stop, frozen, refused);
        if (error === null) return;
        fresh++;
        if (error !== 0) return;
        pending.push(stat);
        if (stat.pid <= newest) known?.add(stat.pid);
      };
      this.#looks.lookAtNewest(freeze);
      fresh = 0;
      const scan = this.look({ seen: freeze, known, use: "to freeze" });
      if (known !== undefined && !this.#looks.numbersHold(newest, began)) {
        // A number that was passed over may be another member's by now.
        known = undefined;
        continue;
      }
      if (fresh > 0 || !scan.settled) continue;
      if (pending.length === 0) {
        unsettled = false;
        break;
      }
      count += this.#killAll(pending, kill, refused, group);
      pending = [];
    }
    count += this.#killAll(pending, kill, refused, group);
    const list: Survivor[] = [];
    refused.forEach((one) => list.push(one));
    // Members that the direct kill has ended already were not found again.
    count = Math.max(count, direct?.hard.count ?? 0);
    return { count, refused: list, unsettled };
  }

  /**
   * Stops every member, and looks again until a look finds no new one, and all are
   * stopped: a process in the middle of a fork completes it before it stops. Not for
   * ever: a parent in vfork(2) does not stop.
   */
  stopAll(stop: number): void {
    const frozen = new Map<number, ProcStat>();
    const refused = new Map<number, Survivor>();
    const began = performance.now();
    for (let round = 0; goesOn(round, began); round++) {
      let fresh = 0;
      // At sight, as in kill().
      const freeze = (stat: ProcStat): void => {
        if (this.#freeze(stat, stop, frozen, refused) !== null) fresh++;
      };
      this.#looks.lookAtNewest(freeze);
      fresh = 0;
      const { members, settled } = this.look({ seen: freeze });
      if (fresh > 0 || !settled) continue;
      if (round >= STOPPING_ROUNDS || members.every(standsStill)) return;
    }
  }

  // Once only, as well.
  #killSnapshot(kill: number, group?: LeaderGroup): DirectKill | null {
    if (this.#killedListed || this.#snapshot !== null) return null;
    const snapshot = this.#takeSnapshot();
    if (snapshot === null) return null;
    this.#killedListed = true;
    this.#snapshot = snapshot;
    const hard = snapshot.kill(kill, group);
    if (hard === null) return null;
    return { hard, complete: this.#table.newest?.() === snapshot.newest };
  }

  // When no process can have come since an earlier look, there is nothing to look for
  // and nothing to freeze. Once only: a second call means that it was not enough.
  #killListed(kill: number): DirectKill | null {
    const newest = this.#table.newest?.() ?? 0;
    const listed = this.#membership.listed?.(newest, "to kill") ?? null;
    if (listed === null || this.#killedListed) return null;
    this.#killedListed = true;
    this.#membership.killing?.(newest);
    let count = 0;
    // Oldest first: a shell that saw its child die would go on with the next
    // command of its script.
    for (let i = listed.length - 1; i >= 0; i--) {
      const pid = listed[i] as number;
      // A zombie takes signals, too, and has ended by itself.
      const stat = this.#table.stat(pid);
      if (stat === null || isDead(stat.state)) continue;
      const error = this.signal(pid, kill);
      if (error === 0) {
        count++;
        this.#membership.killed?.(pid);
      } else if (error !== ESRCH) return null;
    }
    const hard = { count, refused: [], unproved: true };
    return { hard, complete: this.#table.newest?.() === newest };
  }

  #killAll(
    members: readonly ProcStat[],
    kill: number,
    refused: Map<number, Survivor>,
    group?: LeaderGroup,
  ): number {
    let count = 0;
    this.#membership.killing?.(this.#table.newest?.() ?? 0);
    const pgid = this.#killGroup(members, kill, group);
    // Oldest first, so that the newest, which is waited for next, ends last.
    for (let i = members.length - 1; i >= 0; i--) {
      const stat = members[i] as ProcStat;
      if (stat.pgrp === pgid) {
        count++;
        continue;
      }
      const error = this.signal(stat.pid, kill);
      if (error === 0) {
        count++;
        this.#looks.noteKilled(stat);
        this.#membership.killed?.(stat.pid);
      } else if (error !== ESRCH) {
        refused.set(stat.pid, survivor(stat, error));
      }
    }
    return count;
  }

  // All members of the leader's group in one call; the group's number, or -1. It does
  // not reach a member that was continued and has left the group meanwhile, or that
  // may not be signalled: so none counts as killed for certain, and the second time
  // each is killed by itself.
  #killGroup(
    members: readonly ProcStat[],
    kill: number,
    group?: LeaderGroup,
  ): number {
    if (group === undefined || this.#killedGroup) return -1;
    let inGroup = 0;
    for (let i = 0; i < members.length; i++) {
      if ((members[i] as ProcStat).pgrp === group.pgid) inGroup++;
    }
    if (inGroup < FEWEST_IN_GROUP) return -1;
    this.#killedGroup = true;
    return group.signal(kill) === 0 ? group.pgid : -1;
  }

  // An error number, or null when it was known already. `stop` is 0 for a stopped
  // process: its group was stopped in one call.
  #freeze(
    stat: ProcStat,
    stop: number,
    frozen: Map<number, ProcStat>,
    refused: Map<number, Survivor>,
  ): number | null {
    const known = frozen.get(stat.pid);
    if (known !== undefined && known.startTicks === stat.startTicks) {
      return null;
    }
    if (refused.has(stat.pid)) return null;
    const error = stop === 0 ? 0 : this.signal(stat.pid, stop);
    if (error === 0) frozen.set(stat.pid, stat);
    else if (error !== ESRCH) refused.set(stat.pid, survivor(stat, error));
    return error;
  }
}

function hasHeard(told: Told, { pid, startTicks, name }: ProcStat): boolean {
  const telling = told.get(pid);
  return telling !== undefined && telling.startTicks === startTicks &&
    (!telling.young || telling.name === name);
}

function goesOn(round: number, began: number): boolean {
  if (round < FEWEST_ROUNDS) return true;
  return round < MAX_ROUNDS && performance.now() - began < MAX_MS;
}

// Stopped, or stopped by a debugger.
function standsStill({ state }: ProcStat): boolean {
  return state === "T" || state === "t";
}

function survivor(stat: ProcStat, error: number): Survivor {
  return {
    pid: stat.pid,
    name: stat.name,
    reason: error === EPERM
      ? "it runs as another user, and this process may not signal it"
      : `the signal failed with error ${error}`,
  };
}

const NAMELESS: Telling = {
  startTicks: 0,
  name: "",
  command: "",
  young: false,
};

/**
 * The group that a leader leads, where there is no process table to look at: Linux
 * without a usable `/proc`. Its members cannot be listed, but signalled all at once.
 */
export class BlindGroup implements TreeOperations {
  readonly #pgid: number;

  /** @param pgid The group; greater than 1, and ours as long as this object is used. */
  constructor(pgid: number) {
    this.#pgid = pgid;
  }

  #send(signal: number): number {
    if (this.#pgid <= 1) return ESRCH;
    return libcWait().killpg(this.#pgid, signal) === 0 ? 0 : errno();
  }

  members(): ProcStat[] {
    return [];
  }

  someMembers(): ProcStat[] {
    return [];
  }

  /** Nothing can be counted. */
  hasMoreThan(): boolean {
    return false;
  }

  /** Right only after the leader was reaped: a zombie answers as well. */
  isEmpty(): boolean {
    return this.#send(0) === ESRCH;
  }

  signal(_pid: number, signal: number): number {
    return this.#send(signal);
  }

  signalAll(
    signals: readonly number[],
    _except?: number,
    told?: Told,
    only = 0,
  ): Signalled {
    let count = 0;
    // The leader, whose number is the group's, before the others.
    if (only === this.#pgid) return this.#signalLeader(signals, told);
    // Its members cannot be told apart: all of them got the signal the first time.
    if (told?.has(this.#pgid)) return { count, refused: 0 };
    told?.set(this.#pgid, NAMELESS);
    for (let i = 0; i < signals.length; i++) {
      if (this.#send(signals[i] as number) === 0) count = 1;
    }
    return { count, refused: 0 };
  }

  #signalLeader(signals: readonly number[], told?: Told): Signalled {
    // Under a number that is no process's: the group is still to be told.
    const key = -this.#pgid;
    let count = 0;
    if (told?.has(key)) return { count, refused: 0 };
    for (let i = 0; i < signals.length; i++) {
      if (libc().kill(this.#pgid, signals[i] as number) === 0) count = 1;
    }
    if (count === 1) told?.set(key, NAMELESS);
    return { count, refused: 1 - count };
  }

  stopAll(stop: number): void {
    this.#send(stop);
  }

  kill(_stop: number, kill: number): HardKill {
    return { count: this.#send(kill) === 0 ? 1 : 0, refused: [] };
  }
}

/** Several of them. */
export class BlindGroups implements TreeOperations {
  /** The groups; each ours as long as it is in here. */
  groups: BlindGroup[] = [];

  members(): ProcStat[] {
    return [];
  }

  someMembers(): ProcStat[] {
    return [];
  }

  hasMoreThan(): boolean {
    return false;
  }

  isEmpty(): boolean {
    return this.groups.every((group) => group.isEmpty());
  }

  signal(pid: number, signal: number): number {
    let error = ESRCH;
    this.groups.forEach((group) => {
      if (group.signal(pid, signal) === 0) error = 0;
    });
    return error;
  }

  signalAll(
    signals: readonly number[],
    except?: number,
    told?: Told,
    only?: number,
  ): Signalled {
    let count = 0;
    this.groups.forEach((group) =>
      count += group.signalAll(signals, except, told, only).count
    );
    return { count, refused: 0 };
  }

  stopAll(stop: number): void {
    this.groups.forEach((group) => group.stopAll(stop));
  }

  kill(stop: number, kill: number): HardKill {
    let count = 0;
    // All stand still before the first one ends: see ProcessTree.
    this.stopAll(stop);
    this.groups.forEach((group) => count += group.kill(stop, kill).count);
    return { count, refused: [] };
  }
}
