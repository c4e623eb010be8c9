/**
 * Several children as one tree, on POSIX: one look at all processes finds the
 * members of all, and one round of signals or one kill reaches all of them.
 *
 * @module
 */

import {
  FEW_COMMANDS,
  type HardKill,
  type NativeJob,
  type SoftSignal,
  type TreeWatch,
} from "../backend/native.ts";
import type { ProcessInfo, TreeMechanism } from "../backend/containment.ts";
import { signalName, signalNumber } from "../backend/signals.ts";
import { BlindGroups, ProcessTree } from "./tree/tree.ts";
import { JointMembership, type TreeOperations } from "./tree/membership.ts";
import {
  SIGCONT,
  SIGKILL,
  signalProcess,
  SIGNALS,
  SIGSTOP,
} from "./signal/signal_process.ts";
import { DARWIN } from "./system/libc.ts";
import { jointSignal, sendSoftly } from "./tree/signal_delivery.ts";
import { MemberWatch } from "./tree/watch.ts";
import type { PosixProcess } from "./process.ts";
import { lastPid, type ProcStat } from "./system/proc_files.ts";
import { describeAll, processTable } from "./system/process_table.ts";

/** The children of a job and everything they start. */
export class PosixJob implements NativeJob {
  readonly namesReached = true;
  #children: PosixProcess[] = [];
  // Retired ones that were not proved to be empty.
  readonly #doubtful: PosixProcess[] = [];
  #tree: TreeOperations | null = null;
  // The one that every POSIX system has, until there is a child.
  #mechanism: TreeMechanism = "process-group";
  readonly #joint = new JointMembership();
  readonly #blind = new BlindGroups();

  /** Takes in a child that was just started. */
  add(child: PosixProcess): void {
    this.#dropRetired();
    this.#children.push(child);
    this.#joint.parts.push(child.membership);
    this.#mechanism = child.mechanism;
    // Nothing is opened before there is a child.
    if (child.blindGroup !== null) this.#blind.groups.push(child.blindGroup);
    this.#tree ??= child.blindGroup !== null
      ? this.#blind
      : new ProcessTree(this.#joint, processTable(), signalProcess);
  }

  // A retired child is empty, and its numbers may be another tree's.
  #dropRetired(): void {
    const children = this.#children.filter((child) => !child.retired);
    if (children.length === this.#children.length) return;
    this.#children.forEach((child) => {
      if (child.retired && child.doubt() !== null) this.#doubtful.push(child);
    });
    this.#children = children;
    this.#joint.parts = children.map((child) => child.membership);
    this.#blind.groups = [];
    for (let i = 0; i < children.length; i++) {
      const group = (children[i] as PosixProcess).blindGroup;
      if (group !== null) this.#blind.groups.push(group);
    }
  }

  get #members(): ProcStat[] {
    this.#dropRetired();
    return this.#tree?.members() ?? [];
  }

  get mechanism(): TreeMechanism {
    return this.#mechanism;
  }

  #living(): TreeOperations | null {
    this.#dropRetired();
    return this.#tree;
  }

  signalTree(
    signal: Deno.Signal | number,
    wake: boolean,
    mainFirst = false,
  ): SoftSignal {
    const number = signalNumber(SIGNALS, signal);
    const method = signalName(SIGNALS, number) ?? String(number);
    if (mainFirst) {
      this.#dropRetired();
      // Each has a main process of its own.
      const sent = this.#children.map((one) =>
        one.signalTree(signal, wake, true)
      );
      return jointSignal(sent, method);
    }
    const wakes = wake && number !== SIGKILL && number !== SIGSTOP;
    const sent = sendSoftly(() => this.#living(), {
      signals: wakes ? [number, SIGCONT] : [number],
      method,
      lasting: wake,
    });
    // A frozen cgroup cannot act on a signal either.
    if (wake) this.#children.forEach((one) => one.membership.freeze?.(false));
    return sent;
  }

  killTree(): HardKill {
    const freezable = this.#children.some((one) => one.membership.killAll);
    // Counted before: a process that dies of it at once is not counted after it.
    const found = freezable ? this.#members.length : 0;
    this.#dropRetired();
    this.#children.forEach((one) => one.membership.killAll?.());
    if (this.#tree === null) return { count: 0, refused: [] };
    this.#children.forEach((child) => child.stopGroup());
    const hard = this.#tree.kill(SIGSTOP, SIGKILL);
    return { ...hard, count: Math.max(found, hard.count) };
  }

  suspendTree(): void {
    this.#children.forEach((child) => child.suspendTree());
  }

  resumeTree(): void {
    this.#children.forEach((child) => child.resumeTree());
  }

  treeIsEmpty(): boolean {
    let ended = true;
    // All are asked: a leader that is seen to have ended reports it.
    this.#children.forEach((child) => {
      if (child.exitStatus(true) === null) ended = false;
    });
    if (!ended) return false;
    this.#dropRetired();
    if (this.#children.length === 0 || this.#tree === null) return true;
    return this.#tree === this.#blind
      ? this.#children.every((child) => child.treeIsEmpty())
      : this.#tree.isEmpty();
  }

  newest(): number | null {
    const newest = DARWIN ? -1 : lastPid();
    return newest < 0 ? null : newest;
  }

  hasMoreThan(count: number): boolean {
    this.#dropRetired();
    return this.#tree?.hasMoreThan(count) ?? false;
  }

  doubt(): string | null {
    this.#dropRetired();
    const asked = this.#children.concat(this.#doubtful);
    for (let i = 0; i < asked.length; i++) {
      const doubt = (asked[i] as PosixProcess).doubt();
      if (doubt !== null) return doubt;
    }
    return null;
  }

  isUnreachable(): boolean {
    this.#dropRetired();
    const sent = this.#tree?.signalAll([0]);
    return sent !== undefined && sent.count === 0 && sent.refused > 0;
  }

  members(): ProcessInfo[] {
    return describeAll(this.#members, processTable());
  }

  membersToKill(): ProcessInfo[] {
    return describeAll(this.#members, processTable(), FEW_COMMANDS);
  }

  watchTree(): TreeWatch {
    return new MemberWatch(
      this.#tree ?? this.#blind,
      () => this.treeIsEmpty(),
    );
  }

  close(): void {
    this.#children.forEach((child) => child.retire());
    this.#dropRetired();
  }
}
