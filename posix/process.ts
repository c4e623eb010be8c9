/**
 * One started program and its tree on POSIX, as the OS-neutral modules see it.
 *
 * @module
 */

import type {
  Containment,
  ProcessInfo,
  TreeMechanism,
} from "../backend/containment.ts";
import {
  type ExitStatus,
  FEW_COMMANDS,
  type HardKill,
  type NativeDescriptor,
  type NativeProcess,
  type SoftSignal,
  type SyncIo,
  type SyncOutcome,
  type TerminalSize,
  type TreeWatch,
} from "../backend/native.ts";
import type {
  KernelLimits,
  LimitName,
  Usage,
  UsageLook,
} from "../backend/usage.ts";
import { Accounts } from "./usage/accounting.ts";
import { signalName, signalNumber } from "../backend/signals.ts";
import { ESRCH, posixError } from "./system/errno.ts";
import { Leader } from "./wait/leader.ts";
import {
  SIGCONT,
  SIGKILL,
  signalProcess,
  SIGNALS,
  SIGSTOP,
} from "./signal/signal_process.ts";
import { lastPid, procIsUsable, type ProcStat } from "./system/proc_files.ts";
import { describeAll, processTable } from "./system/process_table.ts";
import type { PipeSink, PipeSource } from "./stdio/pipe.ts";
import {
  type ForegroundTerminal,
  PtySource,
  stopWithChild,
} from "./stdio/pty.ts";
import { reactor } from "./wait/reactor.ts";
import type {
  LeaderGroup,
  Membership,
  TreeOperations,
} from "./tree/membership.ts";
import type { Spawned } from "./spawn/spawn.ts";
import { drainPipes, pumpPipes } from "./stdio/sync_pump.ts";
import { holdsForWatch } from "./spawn/resource_limits.ts";
import { BlindGroup, ProcessTree } from "./tree/tree.ts";
import { DARWIN, errno, libc, libcWait } from "./system/libc.ts";
import { type MainProcess, sendSoftly } from "./tree/signal_delivery.ts";
import { MemberWatch, waitForMembers } from "./tree/watch.ts";

/** A running child and everything it starts. */
export class PosixProcess implements NativeProcess {
  readonly namesReached = true;
  readonly pid: number;
  readonly containment: Containment;
  readonly kernelLimits: KernelLimits;
  readonly mechanism: TreeMechanism;
  readonly stdin: PipeSink | null;
  readonly stdout: PipeSource | null;
  readonly stderr: PipeSource | null;
  readonly fds: readonly NativeDescriptor[];
  readonly #leader: Leader;
  // Made when they are first needed: a short command never needs them.
  #operations: TreeOperations | null = null;
  #figures: Accounts | null = null;
  // Without a process table: emptiness shows only once the leader is reaped.
  readonly #blind: boolean;
  readonly #spawned: Spawned;
  readonly #terminal: ForegroundTerminal | null;
  readonly #startedAt = performance.now();
  #onExit: ((status: ExitStatus) => void) | null = null;
  #suspensions: number;
  // Held back since its start, until the watch on its limits is ready.
  #held: boolean;
  #retired = false;
  readonly #inJob: boolean;
  readonly #hasEnded = (pid: number): boolean =>
    this.#operations?.hasEnded?.(pid) ?? false;
  readonly #livingLeader = (): number =>
    this.#leader.status === null ? this.pid : 0;
  // A stop of the leader by killTree() is not reported.
  #ending = false;

  /** See {@linkcode NativeProcess.onStop}; without it this process stops too. */
  onStop: (() => void) | null = null;

  /**
   * @param spawned The child; owned from now on.
   * @param inJob Whether a job looks for its members.
   */
  constructor(spawned: Spawned, inJob: boolean) {
    this.#inJob = inJob;
    this.pid = spawned.pid;
    this.#spawned = spawned;
    this.#suspensions = spawned.suspended ? 1 : 0;
    this.containment = spawned.membership.report;
    this.mechanism = this.containment.mechanism;
    this.stdin = spawned.stdin;
    this.stdout = spawned.stdout;
    this.stderr = spawned.stderr;
    this.fds = spawned.fds;
    this.#terminal = spawned.terminal;
    this.#leader = new Leader(
      spawned.pid,
      () => this.#leaderExited(),
      this.#terminal === null ? null : () => this.#leaderStopped(),
    );
    this.kernelLimits = spawned.kernelLimits;
    this.#held = holdsForWatch(spawned.limits);
    this.#blind = !DARWIN && !procIsUsable();
  }

  get #tree(): TreeOperations {
    return this.#operations ??= this.#blind
      ? new BlindGroup(this.#spawned.pgid)
      : new ProcessTree(this.membership, processTable(), signalProcess);
  }

  get #accounts(): Accounts {
    return this.#figures ??= new Accounts(
      this.#spawned,
      this.#leader,
      () => this.#retired ? [] : this.#tree.members(),
      () => this.#retired,
      this.#startedAt,
    );
  }

  /** Decides which processes belong to the tree. */
  get membership(): Membership {
    return this.#spawned.membership;
  }

  /** The group, where there is no process table; otherwise `null`. */
  get blindGroup(): BlindGroup | null {
    return this.#tree instanceof BlindGroup ? this.#tree : null;
  }

  /** Whether it is known to be empty, and its numbers are given up. */
  get retired(): boolean {
    return this.#retired;
  }

  #leaderExited(): void {
    const { status } = this.#leader;
    if (status === null) return;
    // As a shell does: what an orderly child has set (stty) stays set.
    this.#returnTerminal(status.code !== 0);
    this.#terminal?.close();
    this.#spawned.hold?.close();
    if (this.#spawned.slave >= 0) libc().close(this.#spawned.slave);
    this.#onExit?.(status);
  }

  #leaderStopped(): void {
    if (this.#ending) return;
    this.#returnTerminal(true);
    // Our own SIGSTOP: resume() or begin() will come.
    if (this.#suspensions > 0 || this.#held) return;
    if (this.onStop !== null) {
      this.onStop();
      return;
    }
    // Without a receiver, this process stops as its child did, and the user's shell
    // decides.
    stopWithChild();
    this.#continue();
  }

  #returnTerminal(modes: boolean): void {
    const { membership } = this.#spawned;
    const isOfTree = (group: number): boolean =>
      group === this.pid || membership.belongs(group) !== "no";
    this.#terminal?.takeBack(isOfTree, modes);
  }

  #continue(): void {
    this.#leader.continued();
    if (this.#leader.status === null) this.#terminal?.lend(this.pid);
    this.#spawned.membership.freeze?.(false);
    // The leader by its number, which is ours: also where no list can be had. But
    // once: a second SIGCONT would interrupt the work that it has resumed.
    const told = this.blindGroup === null && this.#leader.signal(SIGCONT) === 0;
    this.#tree.signalAll([SIGCONT], told ? this.pid : 0);
  }

  get foreground(): boolean {
    return this.#terminal?.lent ?? false;
  }

  stoppedBy(): Deno.Signal | null {
    const number = this.#leader.stoppedBy;
    return number === 0 ? null : signalName(SIGNALS, number);
  }

  resizeTerminal(size: TerminalSize): boolean {
    if (!(this.stdout instanceof PtySource)) return false;
    this.stdout.resize(size);
    return true;
  }

  get onExit(): ((status: ExitStatus) => void) | null {
    return this.#onExit;
  }

  set onExit(receiver: ((status: ExitStatus) => void) | null) {
    this.#onExit = receiver;
    if (receiver !== null) this.#leader.watch();
  }

  signalLeader(signal: Deno.Signal | number): boolean {
    const number = signalNumber(SIGNALS, signal);
    const error = this.#leader.signal(number);
    if (error !== 0 && error !== ESRCH) {
      throw posixError("kill", error, { pid: this.pid });
    }
    const name = error === 0 ? signalName(SIGNALS, number) : null;
    if (name !== null) this.membership.asked?.(name, this.pid);
    return error === 0;
  }

  signalTree(
    signal: Deno.Signal | number,
    wake: boolean,
    mainFirst = false,
  ): SoftSignal {
    const number = signalNumber(SIGNALS, signal);
    const method = signalName(SIGNALS, number) ?? String(number);
    const signals = wake && number !== SIGKILL && number !== SIGSTOP
      ? [number, SIGCONT]
      : [number];
    // A stopped child that puts the terminal in order before it ends would be
    // stopped again by that (SIGTTOU), had it not the terminal.
    if (wake && this.#leader.status === null) this.#terminal?.lend(this.pid);
    const sent = sendSoftly(() => this.#retired ? null : this.#tree, {
      signals,
      method,
      lasting: wake,
      ...mainFirst ? { main: this.#main(method) } : {},
    });
    // A main process that waits for its children, which are suspended, would wait on.
    if (mainFirst && this.#suspensions > 0) this.#continue();
    this.membership.asked?.(method, mainFirst ? this.pid : 0);
    // A frozen cgroup cannot act on a signal either.
    if (wake) this.#spawned.membership.freeze?.(false);
    return sent;
  }

  #main(method: string): MainProcess {
    const hasEnded = (): boolean => {
      if (this.#leader.poll() === null) return false;
      // Now it is the turn of the others: a guard need not tell them again.
      this.membership.asked?.(method, 0);
      return true;
    };
    return { pid: this.pid, hasEnded };
  }

  killTree(): HardKill {
    if (this.#retired) return { count: 0, refused: [] };
    this.#ending = true;
    const { membership } = this.#spawned;
    if (membership.killAll === undefined) {
      return this.#tree.kill(SIGSTOP, SIGKILL, this.#group());
    }
    this.stopGroup();
    // Counted before: a process that dies of it at once is not counted after it.
    const found = this.#tree.members().length;
    membership.killAll();
    const hard = this.#tree.kill(SIGSTOP, SIGKILL);
    return { ...hard, count: Math.max(found, hard.count) };
  }

  /**
   * Stops all processes of the leader's group in one call, between two forks of any of
   * them: against a fork bomb, signals to one after the other come too late. The
   * group's number is ours as long as its leader is not reaped.
   */
  stopGroup(): void {
    const { pgid } = this.#spawned;
    if (pgid > 1 && !this.#leader.reaped) libcWait().killpg(pgid, SIGSTOP);
  }

  #group(): LeaderGroup | undefined {
    const { pgid } = this.#spawned;
    if (pgid <= 1 || this.#leader.reaped) return undefined;
    const signal = (signal: number): number =>
      libcWait().killpg(pgid, signal) === 0 ? 0 : errno();
    return { pgid, signal };
  }

  suspendTree(): void {
    if (this.#suspensions++ > 0) return;
    const { freeze } = this.#spawned.membership;
    if (freeze !== undefined) {
      freeze.call(this.#spawned.membership, true);
      return;
    }
    this.stopGroup();
    this.#tree.stopAll(SIGSTOP);
  }

  resumeTree(): void {
    if (this.#suspensions > 0 && --this.#suspensions > 0) return;
    this.#continue();
  }

  treeIsEmpty(): boolean {
    if (this.#retired) return true;
    if (this.#leader.status === null && this.#leader.poll() === null) {
      return false;
    }
    if (this.#blind) this.#leader.reap();
    return this.#quickEmpty() ?? this.#tree.isEmpty();
  }

  #quickEmpty(): boolean | null {
    if (this.#leader.reaped) return null;
    if (this.#operations?.livingKilled?.()) return false;
    return this.#spawned.membership.quickEmpty({
      leader: this.pid,
      ageMs: performance.now() - this.#startedAt,
      exitedAt: this.#leader.exitedAt,
      hasEnded: this.#hasEnded,
    });
  }

  doubt(): string | null {
    return this.#spawned.membership.doubt?.() ?? null;
  }

  isUnreachable(): boolean {
    const { count, refused } = this.#tree.signalAll([0]);
    return count === 0 && refused > 0;
  }

  members(): ProcessInfo[] {
    return describeAll(this.#members, processTable());
  }

  membersToKill(): ProcessInfo[] {
    if (this.#retired) return [];
    const tree = this.#tree;
    const members = tree.membersToKill?.() ?? tree.members();
    return describeAll(members, processTable(), FEW_COMMANDS);
  }

  descendants(): ProcessInfo[] {
    const isLeader = ({ pid }: ProcStat): boolean =>
      pid === this.pid && !this.#leader.reaped;
    const others = this.#members.filter((stat) => !isLeader(stat));
    return describeAll(others, processTable());
  }

  get #members(): ProcStat[] {
    return this.#retired ? [] : this.#tree.members();
  }

  usage(look: UsageLook): Usage {
    return this.#accounts.usage(look);
  }

  exactMemory(): number | null {
    return this.#accounts.exactMemory();
  }

  begin(): void {
    if (!this.#held) return;
    this.#held = false;
    // One that is suspended runs when it is resumed.
    const runs = this.#suspensions === 0;
    if (runs && this.#leader.status === null) this.#terminal?.lend(this.pid);
    const { hold } = this.#spawned;
    if (hold !== null) hold.release();
    else if (runs) this.#leader.signal(SIGCONT);
  }

  hasMoreThan(count: number): boolean {
    return !this.#retired && this.#tree.hasMoreThan(count);
  }

  newest(): number | null {
    const newest = DARWIN ? -1 : lastPid();
    return newest < 0 ? null : newest;
  }

  limitReached(): LimitName | null {
    return this.#accounts.limitReached();
  }

  watchTree(): TreeWatch {
    return new MemberWatch(
      this.#tree,
      () => this.treeIsEmpty(),
      this.#livingLeader,
    );
  }

  waitTreeEmptySync(ms: number): boolean {
    return waitForMembers(
      this.#tree,
      () => this.treeIsEmpty(),
      ms,
      this.#livingLeader,
    );
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
      // The zombie keeps the group's number from being given to another process
      // while members live.
      if (!this.treeIsEmpty()) return;
      this.#retired = true;
    } else if (this.#inJob) {
      // Each tree of a job makes its looks longer, so the empty ones go at once.
      this.#retired = this.#quickEmpty() === true;
    }
    this.#reap();
    if (this.#retired) this.#treeEnded();
    else membership.abandon();
  }

  retire(): void {
    if (this.#retired) return;
    this.#reap();
    this.#retired = true;
    this.#treeEnded();
  }

  #treeEnded(): void {
    this.#operations?.close?.();
    this.#spawned.membership.retire();
  }

  #reap(): void {
    if (this.#leader.reaped) return;
    this.membership.beforeReaping?.();
    this.#leader.reap();
    this.#figures?.leaderReaped();
  }

  settled(): Promise<void> | null {
    return reactor().settled();
  }

  ref(): void {
    this.#leader.hold(true);
    this.stdout?.ref();
    this.stderr?.ref();
    for (let i = 0; i < this.fds.length; i++) this.fds[i]?.source?.ref();
  }

  unref(): void {
    this.#leader.hold(false);
    this.stdout?.unref();
    this.stderr?.unref();
    for (let i = 0; i < this.fds.length; i++) this.fds[i]?.source?.unref();
  }
}
