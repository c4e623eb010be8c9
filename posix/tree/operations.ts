/**
 * The operations on the members of a tree, whatever finds the members.
 *
 * @module
 */

import type { HardKill } from "../../backend/native.ts";
import type { Pidfds } from "../signal/signal_process.ts";
import type { ProcStat } from "../system/proc_files.ts";
import type { LeaderGroup } from "./membership.ts";

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
   * Sends signals, in order, to every member, or to all but one, that is not among
   * those that have got them; they are added there.
   */
  signalAll(
    signals: readonly number[],
    except?: number,
    told?: Told,
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
