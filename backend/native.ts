/**
 * A started program as the neutral half sees it: its tree, its pipes, its exit.
 * The twins implement these interfaces.
 *
 * @module
 */

import type { Containment, ProcessInfo, TreeMechanism } from "./containment.ts";
import type { KernelLimits, LimitName, Usage, UsageLook } from "./usage.ts";

/**
 * The size of a terminal, in characters.
 *
 * @category Start a program
 */
export interface TerminalSize {
  /** Characters per line, 1 to 65535. */
  readonly columns: number;
  /** Lines, 1 to 65535. */
  readonly rows: number;
}

/**
 * How the leader of a tree ended.
 *
 * @category POSIX
 */
export interface ExitStatus {
  /** Exit code; `128 + n` for death by signal n, `-1` when {@linkcode ExitStatus.lost}. */
  readonly code: number;
  /** The signal that ended it, or `null`. */
  readonly signal: Deno.Signal | null;
  /** True when other code reaped the child, so that its status is unknown. */
  readonly lost: boolean;
}

/** The readable end of a pipe from the child. */
export interface ByteSource {
  /**
   * Reads into `view`: a number at once when bytes are there (0 at the end of
   * the stream), otherwise a promise of it. `patient` allows the backend to
   * delay looking, for a caller that needs the bytes only at the end.
   */
  read(view: Uint8Array, patient: boolean): number | Promise<number>;
  /** Bytes that a reader may usefully ask for at once, by the reads so far. */
  readonly readSize: number;
  /**
   * Whether a read that is pending has bytes to take, or the end, which the event
   * loop has not come to yet.
   */
  arrived?(): boolean;
  /** From now on the stream ends as soon as nothing more can be read at once. */
  finish(): void;
  /** Closes the reading end. Idempotent. A pending read ends the stream. */
  close(): void;
  /** Lets a pending read hold the event loop (the default). */
  ref(): void;
  /** A pending read no longer holds the event loop. */
  unref(): void;
  /** See {@linkcode NativeProcess.settled}. */
  settled(): Promise<void> | null;
}

/** The writable end of a pipe to the child. */
export interface ByteSink {
  /** Resolves when all of `chunk` was taken by the pipe; rejects with EPIPE's error. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** Closes the writing end: the child reads end of file. Idempotent. */
  close(): void;
  /** See {@linkcode NativeProcess.settled}. */
  settled(): Promise<void> | null;
}

/** Where a synchronous run takes input from and puts output. */
export interface SyncIo {
  /** Next bytes to feed to stdin; `null` when there are no more. */
  input: Uint8Array | null;
  /** Takes a piece of stdout; false: stop, the limit is exceeded. The view is reused. */
  stdout: ((piece: Uint8Array) => boolean) | null;
  /** Takes a piece of stderr; false: stop, the limit is exceeded. The view is reused. */
  stderr: ((piece: Uint8Array) => boolean) | null;
}

/** Why a synchronous pump came back. */
export type SyncOutcome = "exited" | "timeout" | "overflow";

/** A wait for a tree to become empty, which can be cut short. */
export interface TreeWatch {
  /**
   * Resolves with true as soon as no living member is left, with false when
   * `ms` (Infinity allowed) have passed or {@linkcode TreeWatch.cancel} was called.
   */
  wait(ms: number): Promise<boolean>;
  /** Ends the pending wait with false. */
  cancel(): void;
}

/** The effect of a soft signal. */
export interface SoftSignal {
  /** How many processes it was sent to. */
  readonly count: number;
  /** How many are another user's, so that it could not be sent to them. */
  readonly refused?: number;
  /** How it was sent: `SIGTERM`, `CTRL_C`, `WM_CLOSE` … */
  readonly method: string;
  /** Sends it to the processes that have come since, each of them once. */
  readonly again?: () => SoftSignal;
  /** The processes that it was sent to until now, oldest first; see {@linkcode NativeTree.namesReached}. */
  readonly reached?: () => readonly NamedProcess[];
}

/** A process as a report names it. */
export type NamedProcess = Pick<ProcessInfo, "pid" | "name" | "command">;

/**
 * The command lines of so many processes are read for a report before a signal ends
 * them: each costs as much as the signal itself, and a thousand would delay it.
 */
export const FEW_COMMANDS = 8;

/** The effect of a hard kill. */
export interface HardKill {
  /** How many living processes it was sent to. */
  readonly count: number;
  /** Those that the OS did not let us end, and why. */
  readonly refused: readonly Survivor[];
  /** True when it is not proved that no member was missed: look when the leader has ended. */
  readonly unproved?: boolean;
  /** True when the last look still found a new member: it has to be done again. */
  readonly unsettled?: boolean;
}

/** A tree of processes, whatever started it, and the operations on it. */
export interface NativeTree {
  /** What holds the tree together. */
  readonly mechanism: TreeMechanism;
  /**
   * Sends a signal to every member; with `wake`, SIGCONT behind it, since a
   * stopped process does not act on a signal that it could handle.
   *
   * With `mainFirst`, which goes with `wake`, only the leader (of each child of a job)
   * gets it now; the others get it by {@linkcode SoftSignal.again} when their leader has
   * ended. A leader that may not be signalled is not waited for.
   */
  signalTree(
    signal: Deno.Signal | number,
    wake: boolean,
    mainFirst?: boolean,
  ): SoftSignal;
  /**
   * Whether a soft signal with `wake` names the processes that it has reached; otherwise
   * the members are listed before it is sent.
   */
  readonly namesReached?: boolean;
  /**
   * Freezes the members it finds, looks again until no new one appears, and ends them
   * all with the signal that cannot be caught. Does not wait for the deaths.
   */
  killTree(): HardKill;
  /** True when no living member is left. A single look, as cheap as it can be. */
  treeIsEmpty(): boolean;
  /**
   * Why it is not proved that the tree is empty although no member was found: a
   * process was seen that may be one and cannot be told from others. `null` when it
   * is proved.
   */
  doubt?(): string | null;
  /** Whether members are left, and none of them may be signalled by this process. */
  isUnreachable?(): boolean;
  /** The living members, the root included. */
  members(): ProcessInfo[];
  /**
   * The members that {@linkcode NativeTree.killTree}, called next, finds. Cheaper than
   * {@linkcode NativeTree.members}: the kill needs no further look, and of more than
   * {@linkcode FEW_COMMANDS} only the oldest have their command line.
   */
  membersToKill?(): ProcessInfo[];
  /** A wait for the tree to become empty. */
  watchTree(): TreeWatch;
  /** Closes the handles that were opened to know the members. */
  close?(): void;
}

/** A further descriptor of a child: our end of it, if it is a pipe. */
export interface NativeDescriptor {
  /** Its number in the child. */
  readonly target: number;
  /** Windows: its handle in the child. POSIX: the number again. */
  readonly handle: number;
  /** The bytes that the child writes to it, or `null`. */
  readonly source: ByteSource | null;
  /** The bytes that the child reads from it, or `null`. */
  readonly sink: ByteSink | null;
}

/** One started program and the containment it leads. */
export interface NativeProcess extends NativeTree {
  /** Process id of the leader. */
  readonly pid: number;
  /** The containment that the tree got. */
  readonly containment: Containment;
  /** Pipe to the child's stdin, when it was asked for. */
  readonly stdin: ByteSink | null;
  /** Pipe from the child's stdout, when it was asked for. */
  readonly stdout: ByteSource | null;
  /** Pipe from the child's stderr, when it was asked for. */
  readonly stderr: ByteSource | null;
  /** The descriptors that were asked for, in the order of their numbers. */
  readonly fds: readonly NativeDescriptor[];
  /**
   * Called once when the leader's exit has been seen and not yet reaped: its
   * number is still ours. The receiver calls {@linkcode NativeProcess.release}
   * when it no longer needs that. Setting it starts the watching; a synchronous
   * run leaves it `null` and polls.
   */
  onExit: ((status: ExitStatus) => void) | null;
  /** Sends a signal to the leader alone; false when it is already gone. */
  signalLeader(signal: Deno.Signal | number): boolean;
  /** Stops every member (SIGSTOP, suspended threads); nested calls count. */
  suspendTree(): void;
  /** Undoes one {@linkcode NativeProcess.suspendTree}, or a suspended start. */
  resumeTree(): void;
  /** Whether the child has the terminal that this process was started on. */
  readonly foreground: boolean;
  /**
   * The signal that job control stopped the leader with (Ctrl-Z), or `null` while
   * it runs and once it has ended. Only a child with the terminal is looked at.
   */
  stoppedBy(): Deno.Signal | null;
  /** Called when {@linkcode NativeProcess.stoppedBy} has become a signal. */
  onStop: (() => void) | null;
  /** Tells the pseudo-terminal its size; false when the child has none. */
  resizeTerminal(size: TerminalSize): boolean;
  /** The living members without the leader. */
  descendants(): ProcessInfo[];
  /** The resources that leader and tree have used; after the end, in all. */
  usage(look: UsageLook): Usage;
  /**
   * Bytes of memory of the tree with shared pages counted once; `null` where the
   * system does not tell. Slower than {@linkcode NativeProcess.usage}.
   */
  exactMemory(): number | null;
  /**
   * The watch on the limits is ready: a child that was held back for it runs from
   * now on. Idempotent.
   */
  begin(): void;
  /** Whether more than so many members live; the quickest look there is. */
  hasMoreThan(count: number): boolean;
  /**
   * A number that rises with every process started on this host, until it wraps;
   * `null` where none is cheap to ask for.
   */
  newest(): number | null;
  /** Which of the limits the kernel holds. */
  readonly kernelLimits: KernelLimits;
  /** A limit that the kernel is known to have held against the tree, or `null`. */
  limitReached(): LimitName | null;
  /** {@linkcode TreeWatch.wait}, blocking: true when it became empty within `ms`. */
  waitTreeEmptySync(ms: number): boolean;
  /**
   * Moves bytes between the pipes and `io` until the leader has exited, `ms`
   * have passed, or a receiver refused a piece. Blocks.
   */
  pumpSync(io: SyncIo, ms: number): SyncOutcome;
  /** Reads the rest of the output pipes, without waiting, then closes all pipes. */
  drainSync(io: SyncIo): void;
  /** The leader's exit, if it has been seen; looks again when `poll` is set. */
  exitStatus(poll: boolean): ExitStatus | null;
  /**
   * Reaps the leader and gives up its number and handles. Idempotent. A
   * containment that needs the leader's number as long as members live keeps it
   * until {@linkcode NativeProcess.retire}.
   */
  release(): void;
  /** The tree is known to be empty: gives up everything. Idempotent. */
  retire(): void;
  /**
   * Resolves when a call on Deno's thread pool that nothing needs any more has
   * come back; `null` when there is none. Awaited before an end is reported: the
   * operation would look like a leak to a test's sanitizer.
   */
  settled(): Promise<void> | null;
  /** Lets the living child hold the event loop (the default). */
  ref(): void;
  /** The living child no longer holds the event loop. */
  unref(): void;
}

/**
 * Several children with their trees, as one tree. Each keeps the containment of
 * its own; {@linkcode SpawnSpec.job} makes a child a member.
 */
export interface NativeJob extends NativeTree {
  /** Stops every member, by {@linkcode NativeProcess.suspendTree} of each child. */
  suspendTree(): void;
  /** Undoes one {@linkcode NativeJob.suspendTree}. */
  resumeTree(): void;
  /** See {@linkcode NativeProcess.newest}. */
  newest?(): number | null;
  /** See {@linkcode NativeProcess.hasMoreThan}. */
  hasMoreThan?(count: number): boolean;
  /** The job is known to be empty: gives up everything. Idempotent. */
  close(): void;
}

/**
 * A member of a tree that could not be ended.
 *
 * @category Ending
 */
export interface Survivor {
  /** Its process id. */
  readonly pid: number;
  /** Its program. */
  readonly name: string;
  /** Why it is still there. */
  readonly reason: string;
}

/**
 * A process of a tree that was stopped.
 *
 * @category Ending
 */
export interface StoppedProcess {
  /** Its process id. */
  readonly pid: number;
  /** Its program, without path. */
  readonly name: string;
  /**
   * Its command line, where it was read; otherwise the name. On POSIX that of the eight
   * oldest is read, and that of every process that outlives the grace.
   */
  readonly command: string;
  /** The signals that it was sent, in order: the soft signal, SIGKILL. */
  readonly sent: readonly string[];
  /** Whether it ended within the grace, or had to be ended hard. */
  readonly ended: "soft" | "hard";
  /** Its state when the grace was over (`sleeping`, `stopped` …); `null` when it had ended by then. */
  readonly state: string | null;
  /**
   * Why it still lived then, as {@linkcode explain} words it: it ignores, blocks or handles
   * the signal, is stopped, traced, frozen, in an uninterruptible wait, another user's.
   * Asked for the eight oldest; `null` when it had ended by then, or no reason is known
   * (Windows).
   */
  readonly reason: string | null;
}

/**
 * The report of a stop. A stop that leaves a member of the tree alive rejects instead.
 *
 * @category Ending
 */
export interface StopReport {
  /** The soft signal, or how it was sent where there are no signals; `null` when none was sent. */
  readonly signal: string | null;
  /** How many processes the soft signal was sent to. */
  readonly signalled: number;
  /** How many processes had to be ended hard. */
  readonly escalated: number;
  /**
   * The processes that were found, by name. One that was started and ended between
   * two looks is missing.
   */
  readonly processes: readonly StoppedProcess[];
  /** How long it took until the tree was empty, in milliseconds. */
  readonly elapsed: number;
  /** The mechanism that held the tree. */
  readonly mechanism: TreeMechanism;
  /**
   * Living members left: 0, since otherwise the stop rejects with `SurvivorsError`;
   * `null` when that is not proved, see {@linkcode StopReport.unproven}.
   */
  readonly survivors: 0 | null;
  /**
   * Why it is not proved that nothing is left, in one sentence that names a process;
   * `null` when it is proved. Linux only: a process that comes from a tree and has
   * lost all its marks may be of this tree.
   */
  readonly unproven: string | null;
}
