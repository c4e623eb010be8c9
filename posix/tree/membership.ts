/**
 * What a POSIX containment must be able to tell: who belongs to a tree.
 *
 * @module
 */

import type { Containment } from "../../backend/containment.ts";
import type { LimitName, Limits } from "../../backend/limits.ts";
import type { ResourceUsage } from "../../backend/usage.ts";

/** What is done with a list; before anybody is killed it may say whom to freeze. */
export type Use = "to kill" | "to freeze" | "to signal" | "as proof";

/** What a look at a process number showed. */
export type Belongs = "yes" | "no" | "gone";

/** Who belongs to a tree, and how to know it without looking at everybody. */
export interface Members {
  /** Whether the process with this number is of the tree. */
  belongs(pid: number): Belongs;
  /**
   * Whose member the process with this number is, where one look answers for all
   * trees.
   */
  treeOf?(pid: number): Members | "gone" | null;
  /**
   * The numbers, in rising order, that all members must have; `null` when these
   * are too many, or may have come round. `newest` is the number given last, now.
   * Only where members are known by what they inherit: whoever dies, the others
   * remain members.
   */
  numbers?(newest: number): number[] | null;
  /** A look at all processes begins; see {@linkcode Members.listed}. */
  beginLook?(newest: number): void;
  /** The look has passed over a process that is known to be of the tree. */
  note?(pid: number): void;
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

/** A way to know the members of one tree. */
export interface Membership extends Members {
  /** What the caller is told. */
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
  /** What the whole tree has used, where the kernel counts it. */
  usage?(): ResourceUsage;
  /** A limit of the containment that was held against the tree, or `null`. */
  limitReached?(): LimitName | null;
  /** Called right before posix_spawn. */
  beginSpawn(): void;
  /** Called right after it, with the child's pid, or 0 when it failed. */
  endSpawn(pid: number): void;
  /**
   * A proof that the tree is empty, cheaper than a look at every process;
   * `null` when there is none. The leader has exited and is not yet reaped;
   * `exitedAt` is when that was seen; `ended` tells numbers that need no look, for
   * their processes have.
   */
  quickEmpty(
    leader: number,
    ageMs: number,
    exitedAt: number,
    ended: (pid: number) => boolean,
  ): boolean | null;
  /** The leader is reaped, and whether members are left was not asked. */
  abandon(): void;
  /** The tree is empty or was never started: its identity may be used again. */
  retire(): void;
}

/** Whoever belongs to one of several trees. */
export class JointMembership implements Members {
  /** The trees. */
  parts: Members[] = [];

  /** Who is in no tree of ours is in none of these. */
  beginLook(newest: number): void {
    this.parts[0]?.beginLook?.(newest);
  }

  isOutsider(pid: number): boolean {
    // Not by the word of one of them: a cgroup holds those who lost their tag.
    for (let i = 0; i < this.parts.length; i++) {
      if (!(this.parts[i] as Members).isOutsider?.(pid)) return false;
    }
    return this.parts.length > 0;
  }

  endLook(newest: number): boolean {
    return this.parts[0]?.endLook?.(newest) ?? true;
  }

  killing(newest: number): void {
    this.parts[0]?.killing?.(newest);
  }

  killed(pid: number): void {
    this.parts[0]?.killed?.(pid);
  }

  /** What a look at this number shows. */
  belongs(pid: number): Belongs {
    const tree = this.parts[0]?.treeOf?.(pid);
    if (tree === "gone") return "gone";
    if (tree !== undefined) {
      return tree !== null && this.parts.includes(tree) ? "yes" : "no";
    }
    for (let i = 0; i < this.parts.length; i++) {
      const belongs = (this.parts[i] as Members).belongs(pid);
      // Who is gone is gone for every tree.
      if (belongs !== "no") return belongs;
    }
    return "no";
  }
}
