/**
 * One started program and its tree on Windows, as the OS-neutral modules see it.
 *
 * @module
 */

import type {
  Containment,
  ProcessInfo,
  TreeMechanism,
} from "../backend/containment.ts";
import type {
  ExitStatus,
  HardKill,
  NativeDescriptor,
  NativeProcess,
  SoftSignal,
  SyncIo,
  SyncOutcome,
  TreeWatch,
} from "../backend/native.ts";
import {
  type KernelLimits,
  type LimitName,
  unknownUsage,
  type Usage,
  type UsageLook,
} from "../backend/usage.ts";
import { Accounts } from "./usage/accounting.ts";
import {
  type CompletionPort,
  completionPort,
  type Poller,
} from "./wait/completion_port.ts";
import {
  JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO,
  JOB_OBJECT_MSG_EXIT_PROCESS,
  JOB_OBJECT_MSG_NEW_PROCESS,
} from "./system/win32.ts";
import { type Handle, resumeThread } from "./system/handle.ts";
import { heldByJob } from "./spawn/resource_limits.ts";
import { JobTree, type Outside } from "./tree/job_tree.ts";
import { Leader } from "./wait/leader.ts";
import type { PipeReader, PipeWriter } from "./stdio/pipe.ts";
import { SignalDelivery } from "./tree/signal_delivery.ts";
import type { Spawned } from "./spawn/spawn.ts";
import { SyncPump } from "./stdio/sync_pump.ts";

/** A running child and everything it starts. */
export class WindowsProcess implements NativeProcess, Poller {
  readonly pid: number;
  readonly containment: Containment;
  readonly kernelLimits: KernelLimits;
  readonly mechanism: TreeMechanism;
  readonly stdin: PipeWriter | null;
  readonly stdout: PipeReader | null;
  readonly stderr: PipeReader | null;
  readonly fds: readonly NativeDescriptor[];
  readonly #leader: Leader;
  readonly #tree: JobTree;
  readonly #accounts: Accounts;
  readonly #thread: Handle;
  readonly #leadsGroup: boolean;
  readonly #signals: SignalDelivery;
  /** The console is shared: nothing is lent. */
  readonly foreground = false;
  /** Windows has no job control. */
  onStop: (() => void) | null = null;
  #onExit: ((status: ExitStatus) => void) | null = null;
  #pump: SyncPump | null = null;
  #port: CompletionPort | null = null;
  #key = 0n;
  #referenced = true;
  #held = false;
  #released = false;

  /**
   * @param spawned The child with its handles; owned from now on.
   * @param outside Its tree, when it is in no job; owned from now on.
   */
  constructor(spawned: Spawned, outside: Outside | null = null) {
    const { created, job, suspended, ownConsoleGroup } = spawned;
    this.pid = created.pid;
    this.containment = spawned.containment;
    this.mechanism = spawned.containment.mechanism;
    this.stdin = spawned.stdin;
    this.stdout = spawned.stdout;
    this.stderr = spawned.stderr;
    this.fds = spawned.fds;
    this.#thread = created.thread;
    this.#leadsGroup = ownConsoleGroup;
    if (!suspended) this.#thread.close();
    this.#leader = new Leader(created.process, () => this.#exited());
    this.kernelLimits = heldByJob(spawned.limits);
    this.#accounts = new Accounts(job, this.#leader, spawned.limits);
    this.#tree = new JobTree(
      job,
      () => this.#connect(),
      () => this.leaderEnded(),
      outside,
    );
    this.#signals = new SignalDelivery({
      pid: created.pid,
      leader: this.#leader,
      tree: this.#tree,
      group: ownConsoleGroup ? created.pid : null,
    });
  }

  /** Whether everything is given up. */
  get retired(): boolean {
    return this.#tree.job.handle.closed;
  }

  /** Whether the leader's exit has been seen, after a look. */
  leaderEnded(): boolean {
    this.#signals.follow();
    return this.#released || this.#leader.poll() !== null;
  }

  /** Notes that an outer job is being ended, for the leader's status. */
  noteKilled(): void {
    if (!this.#released) this.#leader.noteEnded("SIGKILL");
  }

  stoppedBy(): null {
    return null;
  }

  resizeTerminal(): false {
    return false;
  }

  get onExit(): ((status: ExitStatus) => void) | null {
    return this.#onExit;
  }

  set onExit(receiver: ((status: ExitStatus) => void) | null) {
    this.#onExit = receiver;
    if (receiver === null) return;
    this.#connect();
    this.#arrange();
    // It may have ended, or have left its job on its way out, before the messages
    // had anywhere to go. Otherwise its end will be told of, and to look again
    // and again would cost a wake-up each.
    const port = this.#port;
    if (port === null) return;
    const { job } = this.#tree;
    if (this.#leader.ended || job.activeProcesses() === 0) port.soon();
  }

  /** Has the job's messages come. */
  #connect(): void {
    if (this.#port !== null || this.#tree.job.handle.closed) return;
    const port = completionPort();
    this.#key = port.register((_status, message, subject) =>
      this.#message(message, subject)
    );
    this.#tree.job.notify(port.handle, this.#key);
    this.#port = port;
  }

  #message(message: number, subject: bigint): void {
    if (message === JOB_OBJECT_MSG_NEW_PROCESS) return;
    this.#accounts.noteMessage(message);
    this.poll();
    // Windows may tell of an exit before the process's handle shows it.
    const late = message === JOB_OBJECT_MSG_ACTIVE_PROCESS_ZERO ||
      (message === JOB_OBJECT_MSG_EXIT_PROCESS && subject === BigInt(this.pid));
    if (late && this.#leader.status === null) this.#port?.soon();
  }

  /** Looks at the truth. */
  poll(): void {
    this.#signals.follow();
    this.#leader.poll();
    this.#tree.check();
    if (this.#released && this.#tree.isEmpty()) this.retire();
  }

  #exited(): void {
    const status = this.#leader.status;
    if (status !== null) this.#onExit?.(status);
    this.#arrange();
  }

  /** The event loop is held, and lost messages made up for, as long as need be. */
  #arrange(): void {
    const port = this.#port;
    if (port === null) return;
    const running = this.#onExit !== null && this.#leader.status === null;
    const holds = running && this.#referenced;
    if (holds && !this.#held) port.hold();
    const lingers = this.#released && !this.#tree.job.handle.closed;
    if (running || lingers) port.watch(this);
    else port.unwatch(this);
    if (!holds && this.#held) port.release();
    this.#held = holds;
  }

  signalLeader(signal: Deno.Signal | number): boolean {
    const sent = this.#signals.toLeader(signal);
    this.#port?.soon();
    return sent;
  }

  signalTree(
    signal: Deno.Signal | number,
    wake: boolean,
    mainFirst = false,
  ): SoftSignal {
    const sent = this.#signals.toTree(signal, {
      wake,
      askable: this.#thread.closed,
      mainFirst,
    });
    this.#port?.soon();
    return sent;
  }

  killTree(): HardKill {
    const done = this.#signals.end("SIGKILL");
    this.#port?.soon();
    return done;
  }

  suspendTree(): void {
    this.#tree.suspend();
  }

  resumeTree(): void {
    if (this.#tree.suspended || this.#thread.closed) {
      this.#tree.resume();
      return;
    }
    resumeThread(this.#thread);
    this.#thread.close();
  }

  treeIsEmpty(): boolean {
    return this.#tree.isEmpty();
  }

  members(): ProcessInfo[] {
    return this.#tree.describe();
  }

  descendants(): ProcessInfo[] {
    const members = this.#tree.describe();
    const found: ProcessInfo[] = [];
    for (let i = 0; i < members.length; i++) {
      const member = members[i] as ProcessInfo;
      if (member.pid !== this.pid) found.push(member);
    }
    return found;
  }

  usage(look: UsageLook): Usage {
    const usage = this.#accounts.usage(look);
    // A job without members has counted nothing.
    return this.mechanism === "job-object"
      ? usage
      : { ...usage, tree: unknownUsage("job") };
  }

  /** Private bytes are exact. */
  exactMemory(): null {
    return null;
  }

  /** The job has a bound of its own. */
  begin(): void {}

  hasMoreThan(count: number): boolean {
    return this.#tree.pids().length > count;
  }

  /** The job has a bound of its own. */
  newest(): null {
    return null;
  }

  limitReached(): LimitName | null {
    return this.#accounts.limitReached();
  }

  watchTree(): TreeWatch {
    return this.#tree.watch();
  }

  waitTreeEmptySync(ms: number): boolean {
    return this.#tree.waitSync(ms);
  }

  pumpSync(io: SyncIo, ms: number): SyncOutcome {
    this.#pump ??= new SyncPump(this);
    return this.#pump.pump(this.#leader, io, ms);
  }

  drainSync(io: SyncIo): void {
    this.#pump ??= new SyncPump(this);
    this.#pump.drain(io);
  }

  /**
   * Resolves when no call on the thread pool is left that nothing needs any
   * more; `null` when there is none.
   */
  settled(): Promise<void> | null {
    // Each waits for the pending operation of its pipe, and the last one for the port.
    let settled = this.#port === null ? null : this.#port.settled();
    settled = both(settled, this.stdout);
    settled = both(settled, this.stderr);
    for (let i = 0; i < this.fds.length; i++) {
      settled = both(settled, this.fds[i]?.source ?? null);
    }
    return settled;
  }

  exitStatus(poll: boolean): ExitStatus | null {
    return poll ? this.#leader.poll() : this.#leader.status;
  }

  /**
   * The job stays open while members
   * live: closing it would end them. So does the leader of a console group: its
   * id is the group's, to which CTRL_BREAK may still go.
   */
  release(): void {
    if (this.#leader.status === null) return;
    this.#released = true;
    if (this.#tree.isEmpty()) {
      this.retire();
      return;
    }
    this.#accounts.leaderEnded();
    if (!this.#leadsGroup) this.#leader.close();
    this.#thread.close();
    this.#connect();
    this.#arrange();
  }

  retire(): void {
    this.#released = true;
    this.#accounts.treeEnded();
    this.#leader.close();
    this.#thread.close();
    this.#tree.close();
    this.#arrange();
    this.#port?.forget(this.#key);
  }

  ref(): void {
    this.#referenced = true;
    this.#arrange();
    this.stdout?.ref();
    this.stderr?.ref();
    for (let i = 0; i < this.fds.length; i++) this.fds[i]?.source?.ref();
  }

  unref(): void {
    this.#referenced = false;
    this.#arrange();
    this.stdout?.unref();
    this.stderr?.unref();
    for (let i = 0; i < this.fds.length; i++) this.fds[i]?.source?.unref();
  }
}

function both(
  first: Promise<void> | null,
  pipe: { settled(): Promise<void> | null } | null,
): Promise<void> | null {
  const second = pipe?.settled() ?? null;
  if (first === null || first === second) return second;
  return second === null ? first : oneAfterTheOther(first, second);
}

async function oneAfterTheOther(
  first: Promise<void>,
  second: Promise<void>,
): Promise<void> {
  await first;
  await second;
}
