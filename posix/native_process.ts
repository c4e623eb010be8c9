/**
 * One started program and its tree on POSIX, as the OS-neutral modules see it.
 *
 * @module
 */

import type {
  Containment,
  ExitStatus,
  HardKill,
  NativeProcess,
  ProcessInfo,
  SoftSignal,
  SyncIo,
  SyncOutcome,
  TreeMechanism,
  TreeWatch,
} from "../backend.ts";
import { signalName, signalNumber } from "../signals.ts";
import { ESRCH, posixError } from "./errno.ts";
import { Leader, SIGNALS } from "./leader.ts";
import type { ProcStat } from "./proc_stat.ts";
import { describe, processTable } from "./process_table.ts";
import type { PipeSink, PipeSource } from "./pipe.ts";
import { signalProcess } from "./signal_process.ts";
import { reactor } from "./reactor.ts";
import type { Spawned } from "./spawn.ts";
import { drainPipes, pumpPipes } from "./sync_pump.ts";
import { ProcessTree, type TreeOperations } from "./tree.ts";
import { BlindGroup } from "./blind_group.ts";
import { DARWIN } from "./libc.ts";
import { procIsUsable } from "./proc_files.ts";
import { MemberWatch, waitForMembers } from "./member_wait.ts";

const SIGKILL = 9;
const SIGSTOP = SIGNALS.SIGSTOP as number;
const SIGCONT = SIGNALS.SIGCONT as number;

/** A running child and everything it starts. */
export class PosixProcess implements NativeProcess {
  readonly pid: number;
  readonly containment: Containment;
  readonly mechanism: TreeMechanism;
  readonly stdin: PipeSink | null;
  readonly stdout: PipeSource | null;
  readonly stderr: PipeSource | null;
  readonly #leader: Leader;
  readonly #tree: TreeOperations;
  // Without a process table: emptiness shows only once the leader is reaped.
  readonly #blind: boolean;
  readonly #spawned: Spawned;
  readonly #startedAt = performance.now();
  #onExit: ((status: ExitStatus) => void) | null = null;
  #suspensions: number;
  #retired = false;

  /** @param spawned The child; owned from now on. */
  constructor(spawned: Spawned) {
    this.pid = spawned.pid;
    this.#spawned = spawned;
    this.#suspensions = spawned.suspended ? 1 : 0;
    this.containment = spawned.membership.report;
    this.mechanism = this.containment.mechanism;
    this.stdin = spawned.stdin;
    this.stdout = spawned.stdout;
    this.stderr = spawned.stderr;
    this.#leader = new Leader(spawned.pid, () => {
      if (this.#leader.status !== null) this.#onExit?.(this.#leader.status);
    });
    this.#blind = !DARWIN && !procIsUsable();
    this.#tree = this.#blind
      ? new BlindGroup(spawned.pgid)
      : new ProcessTree(spawned.membership, processTable(), signalProcess);
  }

  get onExit(): ((status: ExitStatus) => void) | null {
    return this.#onExit;
  }

  set onExit(receiver: ((status: ExitStatus) => void) | null) {
    this.#onExit = receiver;
    if (receiver !== null) this.#leader.watch();
  }

  signalLeader(signal: Deno.Signal | number): boolean {
    const error = this.#leader.signal(signalNumber(SIGNALS, signal));
    if (error !== 0 && error !== ESRCH) {
      throw posixError("kill", error, { pid: this.pid });
    }
    return error === 0;
  }

  signalTree(signal: Deno.Signal | number, wake: boolean): SoftSignal {
    const number = signalNumber(SIGNALS, signal);
    const method = signalName(SIGNALS, number) ?? String(number);
    const signals = wake && number !== SIGKILL && number !== SIGSTOP
      ? [number, SIGCONT]
      : [number];
    const count = this.#tree.signalAll(signals);
    // A frozen cgroup cannot act on a signal either.
    if (wake) this.#spawned.membership.freeze?.(false);
    return { count, method };
  }

  killTree(): HardKill {
    const { membership } = this.#spawned;
    if (membership.killAll === undefined) {
      return this.#tree.kill(SIGSTOP, SIGKILL);
    }
    // Counted before: who dies of it at once is not there to be counted after.
    const found = this.#tree.members().length;
    membership.killAll();
    const hard = this.#tree.kill(SIGSTOP, SIGKILL);
    return { ...hard, count: Math.max(found, hard.count) };
  }

  suspendTree(): void {
    if (this.#suspensions++ > 0) return;
    const { freeze } = this.#spawned.membership;
    if (freeze !== undefined) {
      freeze.call(this.#spawned.membership, true);
      return;
    }
    // Until a look shows nobody new: a member may have forked before it stopped.
    const seen = new Set<number>();
    for (let fresh = true; fresh;) {
      fresh = false;
      const members = this.#tree.members();
      for (let i = 0; i < members.length; i++) {
        const { pid } = members[i] as ProcStat;
        if (seen.has(pid)) continue;
        seen.add(pid);
        fresh = true;
        this.#tree.signal(pid, SIGSTOP);
      }
    }
  }

  resumeTree(): void {
    if (this.#suspensions > 0 && --this.#suspensions > 0) return;
    this.#spawned.membership.freeze?.(false);
    // The leader by its number, which is ours: also where no list can be had.
    this.#leader.signal(SIGCONT);
    this.#tree.signalAll([SIGCONT]);
  }

  treeIsEmpty(): boolean {
    if (this.#retired) return true;
    if (this.#leader.status === null && this.#leader.poll() === null) {
      return false;
    }
    if (this.#blind) this.#leader.reap();
    const age = performance.now() - this.#startedAt;
    const quick = this.#leader.reaped
      ? null
      : this.#spawned.membership.quickEmpty(this.pid, age);
    return quick ?? this.#tree.isEmpty();
  }

  members(): ProcessInfo[] {
    return this.#describe(true);
  }

  descendants(): ProcessInfo[] {
    return this.#describe(false);
  }

  #describe(withLeader: boolean): ProcessInfo[] {
    const members = this.#retired ? [] : this.#tree.members();
    const infos: ProcessInfo[] = [];
    // Oldest first, as one reads a tree.
    for (let i = members.length - 1; i >= 0; i--) {
      const stat = members[i] as ProcStat;
      const isLeader = stat.pid === this.pid && !this.#leader.reaped;
      if (withLeader || !isLeader) infos.push(describe(stat, processTable()));
    }
    return infos;
  }

  watchTree(): TreeWatch {
    return new MemberWatch(this.#tree, () => this.treeIsEmpty());
  }

  waitTreeEmptySync(ms: number): boolean {
    return waitForMembers(this.#tree, () => this.treeIsEmpty(), ms);
  }

  pumpSync(io: SyncIo, ms: number): SyncOutcome {
    return pumpPipes(this, this.#leader, io, ms);
  }

  drainSync(io: SyncIo): void {
    drainPipes(this, io);
  }

  exitStatus(poll: boolean): ExitStatus | null {
    return poll ? this.#leader.poll() : this.#leader.status;
  }

  release(): void {
    if (this.#leader.status === null || this.#retired) return;
    const { membership } = this.#spawned;
    if (this.containment.mechanism === "process-group") {
      // The zombie is what keeps the group's number from being given to a
      // stranger while members live.
      if (!this.treeIsEmpty()) return;
      this.#retired = true;
    }
    this.#leader.reap();
    if (this.#retired) membership.retire();
    else membership.abandon();
  }

  retire(): void {
    if (this.#retired) return;
    this.#leader.reap();
    this.#retired = true;
    this.#spawned.membership.retire();
  }

  settled(): Promise<void> | null {
    return reactor().settled();
  }

  ref(): void {
    this.#leader.hold(true);
    this.stdout?.ref();
    this.stderr?.ref();
  }

  unref(): void {
    this.#leader.hold(false);
    this.stdout?.unref();
    this.stderr?.unref();
  }
}
