/**
 * Membership of a tree: the questions that a POSIX containment answers, the way down
 * from members to children without marks, the union of several trees, the snapshot
 * of all members that a kill is made from, and what can be done to the members,
 * whatever finds them.
 *
 * @module
 */

import type { Containment } from "../../backend/containment.ts";
import type { LimitName, Limits, ResourceUsage } from "../../backend/usage.ts";
import type { HardKill } from "../../backend/native.ts";
import { Pidfds } from "../signal/signal_process.ts";
import { EINVAL, ENOENT, ESRCH } from "../system/errno.ts";
import type { ProcessTable, ProcStat } from "../system/proc_files.ts";

/** The purpose of a list of members; one that proves nothing may still say what to freeze. */
export type Use = "to kill" | "to freeze" | "to signal" | "as proof";

/** The answer about one process number. */
export type Belongs = "yes" | "no" | "gone";

/** The members of a tree, and how to know them without a look at every process. */
export interface Members {
  /** Whether the process with this number is of the tree. */
  belongs(pid: number): Belongs;
  /**
   * The tree of the process with this number, where one look answers for all trees.
   */
  treeOf?(pid: number): Members | "gone" | null;
  /**
   * The numbers, in rising order, that all members must have; `null` when these
   * are too many, or may have come round. `newest` is the number given last, now.
   * Only where members are known by what they inherit, so that the death of one
   * leaves the others members.
   */
  numbers?(newest: number): number[] | null;
  /** A look at all processes begins; see {@linkcode Members.listed}. */
  beginLook?(newest: number): void;
  /** The look has passed over a process that is known to be of the tree. */
  note?(pid: number): void;
  /** A member was looked at, which may have ended. */
  met?(stat: ProcStat): void;
  /**
   * During a look: whether the process with this number is known to be in no tree
   * of ours, so that it needs no looking at.
   */
  isOutsider?(pid: number): boolean;
  /**
   * It has ended; `newest` is 0 when it was broken off. False when a number may
   * have been given twice meanwhile, so that an outsider's may be a member's.
   */
  endLook?(newest: number): boolean;
  /**
   * Takes in the child of a member that has no mark of the tree; false
   * when it is not that any more.
   */
  adopt?(pid: number, parent: number): boolean;
  /**
   * The same for all processes that are known to have lost what they inherited, and
   * descend from members; false when these are not known, so that the lists of
   * children have to be gone through.
   */
  adoptLost?(
    found: Set<number>,
    seen: (pid: number) => void,
    adopt?: (pid: number, parent: number) => boolean,
  ): boolean;
  /** Members are about to be killed; `newest` is the number given last. */
  killing?(newest: number): void;
  /** SIGKILL was sent to one. */
  killed?(pid: number): void;
  /**
   * All that may be of the tree, newest first, from an earlier look; `null` when
   * that may be incomplete by now. `newest` is the number given last, now.
   */
  listed?(newest: number, use: Use): number[] | null;
}

/** A leader that has exited and is not yet reaped. */
export interface LeaderExit {
  /** Its number. */
  readonly leader: number;
  /** How long ago it was started, in milliseconds. */
  readonly ageMs: number;
  /** When its exit was seen, on the clock of `performance.now()`. */
  readonly exitedAt: number;
  /** Whether a number needs no look, since its process is known to have ended. */
  readonly hasEnded: (pid: number) => boolean;
}

/** A way to know the members of one tree. */
export interface Membership extends Members {
  /** The report for the caller. */
  readonly report: Containment;
  /** Whether the child is held back until it is let in by {@linkcode Membership.admit}. */
  readonly joinsHeld?: boolean;
  /** Directory descriptor of the cgroup to be born in, where that is possible. */
  readonly cgroupDescriptor?: number;
  /** Stops (true) or continues all members at once, where the OS can. */
  freeze?(frozen: boolean): void;
  /** Takes a child in that is held back. Throws when it cannot. */
  admit?(pid: number): void;
  /** Ends all members at once, where the OS can; they are looked for besides. */
  killAll?(): void;
  /**
   * Sets the limits that the containment can hold for the whole tree; returns
   * their names. Throws when the kernel refuses one.
   */
  limit?(limits: Limits): LimitName[];
  /** A signal was sent to the tree (pid 0), or to this process of it. */
  asked?(signal: string, pid: number): void;
  /** Usage of the whole tree, where the kernel counts it. */
  usage?(): ResourceUsage;
  /** A limit of the containment that was held against the tree, or `null`. */
  limitReached?(): LimitName | null;
  /** Called right before posix_spawn. */
  beginSpawn(): void;
  /** Called right after it, with the child's pid, or 0 when it failed. */
  endSpawn(pid: number): void;
  /**
   * A proof that the tree is empty, cheaper than a look at every process;
   * `null` when there is none.
   */
  quickEmpty(exit: LeaderExit): boolean | null;
  /**
   * Why it is not proved that the tree is empty although no member was found; `null`
   * when it is.
   */
  doubt?(): string | null;
  /** The leader is about to be reaped: its number may be another process's then. */
  beforeReaping?(): void;
  /** The leader is reaped, and whether members are left was not asked. */
  abandon(): void;
  /** The tree is empty or was never started: its identity may be used again. */
  retire(): void;
}

/**
 * Goes down from members to those of their children that are not known as members:
 * they have lost what they inherited.
 *
 * @param found The numbers of the members; those of the children are added.
 * @param members Takes them in.
 * @param table Where children are listed.
 * @param seen Called with each child that was taken in.
 */
export function descend(
  found: Set<number>,
  members: Members,
  table: ProcessTable,
  seen: (pid: number) => void,
): void {
  if (members.adopt === undefined || table.children === undefined) return;
  if (members.adoptLost?.(found, seen)) return;
  // Numbers that are added meanwhile are visited as well.
  found.forEach((parent) => {
    const children = table.children?.(parent) ??
      childrenByParents(table, parent);
    for (let i = 0; i < children.length; i++) {
      const pid = children[i] as number;
      if (pid <= 1 || pid === Deno.pid || found.has(pid)) continue;
      if (members.belongs(pid) !== "yes" && !members.adopt?.(pid, parent)) {
        continue;
      }
      found.add(pid);
      seen(pid);
    }
  });
}

// Where the kernel does not list children.
function childrenByParents(table: ProcessTable, parent: number): number[] {
  const pids = table.pids() ?? [];
  return pids.filter((pid) => table.stat(pid)?.ppid === parent);
}

/** The union of several trees. */
export class JointMembership implements Members {
  /** The trees. */
  parts: Members[] = [];

  /** A process in no tree of this isolate is in none of these. */
  beginLook(newest: number): void {
    this.parts[0]?.beginLook?.(newest);
  }

  isOutsider(pid: number): boolean {
    // All parts are asked: a cgroup holds processes that have lost their tag.
    for (let i = 0; i < this.parts.length; i++) {
      if (!(this.parts[i] as Members).isOutsider?.(pid)) return false;
    }
    return this.parts.length > 0;
  }

  endLook(newest: number): boolean {
    return this.parts[0]?.endLook?.(newest) ?? true;
  }

  adopt(pid: number, parent: number): boolean {
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i] as Members;
      if (part.belongs(parent) === "yes") {
        return part.adopt?.(pid, parent) ?? false;
      }
    }
    return false;
  }

  adoptLost(found: Set<number>, seen: (pid: number) => void): boolean {
    if (found.size === 0) return true;
    const first = this.parts[0];
    return first?.adoptLost?.(found, seen, (p, q) => this.adopt(p, q)) ?? false;
  }

  killing(newest: number): void {
    this.parts[0]?.killing?.(newest);
  }

  killed(pid: number): void {
    this.parts[0]?.killed?.(pid);
  }

  /** Whether the process with this number is in one of the trees. */
  belongs(pid: number): Belongs {
    const tree = this.parts[0]?.treeOf?.(pid);
    if (tree === "gone") return "gone";
    if (tree !== undefined) {
      return tree !== null && this.parts.includes(tree) ? "yes" : "no";
    }
    for (let i = 0; i < this.parts.length; i++) {
      const belongs = (this.parts[i] as Members).belongs(pid);
      // A process that is gone is gone for every tree.
      if (belongs !== "no") return belongs;
    }
    return "no";
  }
}

// Snapshots: all members of a tree at one moment, each held by a pidfd (Linux).
//
// Every new process is given a number, and `/proc/loadavg` tells the last one given.
// When it is the same before and after a look, no process was created during the look,
// and it has shown all members. They can be killed at once: freezing them first only
// helps against members that the look has missed. One call ends the leader's group,
// between two forks of any of its members.
//
// A fork under way escapes it, as it escapes the census: the number is given some
// microseconds before the new process can be seen. In the group, the signal ends that
// process as well, or the fork fails (fork(2) is not completed with a SIGKILL
// pending). Outside the group it is found afterwards: the end of all processes of a
// snapshot does not prove that the tree is empty, but they need no second look.

// The descriptors spent on one snapshot.
const MAX_MEMBERS = 1024;

// After so many members the number given last is compared: a look at a tree that
// forks all the time is broken off.
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
   * @param members Decides which processes belong to the tree.
   * @param table The process table.
   * @returns The snapshot, or `null` when it would not be complete.
   */
  static take(members: Members, table: ProcessTable): Snapshot | null {
    const newest = table.newest?.() ?? 0;
    if (members.numbers === undefined || newest <= 0) return null;
    const snapshot = new Snapshot(members, newest);
    const few = members.numbers(newest);
    const complete =
      (few === null
        ? snapshot.#lookAtAll(table)
        : snapshot.#fill(few, table)) && snapshot.#descend(table);
    if (complete && table.newest?.() === newest) return snapshot;
    snapshot.close();
    return null;
  }

  #lookAtAll(table: ProcessTable): boolean {
    this.#members.beginLook?.(this.newest);
    // In rising order: a process that forks a successor and ends comes before it.
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

  #descend(table: ProcessTable): boolean {
    let complete = true;
    descend(this.#pids, this.#members, table, (pid) => {
      complete &&= this.#take(pid) && this.#pids.size <= MAX_MEMBERS;
    });
    return complete;
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
   * @param group Ends its members at once, before each is signalled by itself.
   * @returns How many were killed, or `null` when one of them could not be.
   */
  kill(kill: number, group: LeaderGroup | undefined): HardKill | null {
    const count = this.#held.look(0);
    this.#members.killing?.(this.newest);
    // kill(2) of a group succeeds when one process of it took the signal: which may not be
    // signalled, or has left the group, only a signal to each tells.
    group?.signal(kill);
    const rest = this.#living();
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

  #living(): number[] {
    const found: number[] = [];
    for (let i = 0; i < this.#held.count; i++) {
      if (this.#held.lives(i)) found[found.length] = i;
    }
    return found;
  }

  /** Calls a function with the number of each. */
  forEach(receiver: (pid: number) => void): void {
    this.#pids.forEach(receiver);
  }

  /** Whether this number is that of one of them, as long as numbers hold. */
  has(pid: number): boolean {
    return this.#pids.has(pid);
  }

  /** The pidfds while one of the processes lives; otherwise `null`. */
  living(): Pidfds | null {
    return this.#held.look(0) > 0 ? this.#held : null;
  }

  /** Closes the pidfds. */
  close(): void {
    this.#held.close();
    this.#pids.clear();
  }
}

/** A process that has got a signal. */
export interface Telling {
  readonly startTicks: number;
  readonly name: string;
  /** Its command line, where it was read; otherwise the name. */
  readonly command: string;
  /**
   * Whether it had been forked a moment before. Until exec it has its parent's
   * handlers, so that a shell's child may have taken the signal for the shell's:
   * once it is another program it gets it again.
   */
  readonly young: boolean;
}

/** Processes that have got a signal, by their numbers. */
export type Told = Map<number, Telling>;

/** To how many members a signal was sent. */
export interface Signalled {
  /** So many have got it. */
  readonly count: number;
  /** So many may not be signalled by this process. */
  readonly refused: number;
}

/** Operations on the members of a tree. */
export interface TreeOperations {
  /** The living members, newest first. */
  members(): ProcStat[];
  /** The members that `kill()`, called next, finds, newest first: it needs no further look. */
  membersToKill?(): ProcStat[];
  /** So many of them at most: a look that ends when it has found them. */
  someMembers(count: number): ProcStat[];
  /** Whether none is left. */
  isEmpty(): boolean;
  /** Whether a look shows more than so many; it ends with the first too many. */
  hasMoreThan(count: number): boolean;
  /** Sends a signal to one member; 0 or an error number. */
  signal(pid: number, signal: number): number;
  /**
   * Sends signals, in order, to every member, or to all but one, or to one only, that
   * is not among those that have got them; they are added there.
   */
  signalAll(
    signals: readonly number[],
    except?: number,
    told?: Told,
    only?: number,
  ): Signalled;
  /** Stops every member. */
  stopAll(stop: number): void;
  /** The members of the last kill that live, where they are held; otherwise `null`. */
  livingKilled?(): Pidfds | null;
  /** Whether a number is known to be that of a process that has ended. */
  hasEnded?(pid: number): boolean;
  /** Nothing more is asked. */
  close?(): void;
  /** Stops, looks again, kills. */
  kill(stop: number, kill: number, group?: LeaderGroup): HardKill;
}
