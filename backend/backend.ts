/**
 * The interface that both backends implement, and nothing else that depends on
 * an operating system. Data flows one way: options → {@linkcode SpawnSpec} →
 * {@linkcode Backend.spawn} → {@linkcode NativeProcess} → the public objects.
 * A native process reports events up through callbacks; nothing below holds a
 * reference to what is above.
 *
 * @module
 */

import type { BulkMemory } from "./memory.ts";
import type { Survivor } from "./errors.ts";
import type {
  KernelLimits,
  LimitName,
  Limits,
} from "../process/limits/limits.ts";
import type { Usage, UsageLook } from "./usage.ts";
import type { SocketAddress } from "../ffi/socket_address.ts";

/** What a standard stream of the child is connected to, as in `Deno.Command`. */
export type StdioMode = "piped" | "inherit" | "null";

/** A file that is opened for the child, and closed again here after the start. */
export interface StdioFile {
  /** Its path, relative to this process's working directory. */
  readonly path: string;
  /** Outputs: whether what is in it stays; otherwise it is emptied. */
  readonly append: boolean;
  /** Outputs, POSIX: permissions of a file that is created, before the umask. */
  readonly mode: number;
}

/**
 * The same, or a file, or something open that the child gets a copy of: a
 * descriptor of this process, on Windows a handle. That stays the caller's to
 * close.
 */
export type StdioTarget = StdioMode | number | StdioFile;

/** The operating-system mechanism that holds a tree together. */
export type ContainmentKind =
  | "job-object"
  | "cgroup"
  | "lineage"
  | "process-group";

/** What a tree is held or known by; `ancestry` is that of somebody else's tree. */
export type TreeMechanism = ContainmentKind | "ancestry";

/** What a caller may ask for: a mechanism by name, or the best one there is. */
export type ContainmentRequest = "auto" | ContainmentKind;

/** Which process group the child starts in (POSIX; ignored on Windows). */
export type ProcessGroupMode = "auto" | "own" | "inherit" | "session";

/** The size of a terminal, in characters. */
export interface TerminalSize {
  /** Characters per line, 1 to 65535. */
  readonly columns: number;
  /** Lines, 1 to 65535. */
  readonly rows: number;
}

/** The guarantee a tree really got. Reported, never silently weakened. */
export interface Containment {
  /** The mechanism in force. */
  readonly mechanism: ContainmentKind;
  /** Whether descendants that left the process group or session are held. */
  readonly holdsEscapees: boolean;
  /** Whether the tree ends when this process ends by any cause, SIGKILL included. */
  readonly endsWithParent: boolean;
  /** Why nothing stronger was available, one sentence each; empty when nothing is. */
  readonly notes: readonly string[];
}

/** What the child may do with a file that it gets as a descriptor. */
export type FileAccess = "read" | "write" | "append";

/** What a descriptor of the child beyond its standard streams is made of. */
export type DescriptorOrigin =
  /** A copy of one of ours: a descriptor, on Windows a handle. */
  | { readonly kind: "own"; readonly fd: number }
  /** The null device. */
  | { readonly kind: "null" }
  /** The child's end of a new pipe. */
  | { readonly kind: "pipe"; readonly child: "read" | "write" }
  /** A file that is opened here. */
  | {
    readonly kind: "file";
    readonly path: string;
    readonly access: FileAccess;
  };

/** One descriptor of the child. */
export interface DescriptorSpec {
  /** Its number in the child, 3 or more; each only once. */
  readonly target: number;
  /** What it is made of. */
  readonly origin: DescriptorOrigin;
}

/** A validated request to start a program: plain data, already checked. */
export interface SpawnSpec {
  /** The program as the caller wrote it: for messages. */
  readonly command: string;
  /** The arguments after the program's own name. */
  readonly args: readonly string[];
  /** Working directory, or `null` for the parent's. */
  readonly cwd: string | null;
  /** Whether the parent's environment is left out. */
  readonly clearEnv: boolean;
  /** Names of the variables to set; `envValues` runs parallel to it. */
  readonly envNames: readonly string[];
  /** Values of the variables to set. */
  readonly envValues: readonly string[];
  /** User id of the child, or `null` for the parent's. */
  readonly uid: number | null;
  /** Group id of the child, or `null` for the parent's. */
  readonly gid: number | null;
  /** Supplementary groups of the child, or `null` for what `uid` and `gid` imply. */
  readonly groups: readonly number[] | null;
  /** File mode creation mask of the child, or `null` for the parent's. */
  readonly umask: number | null;
  /** Nice value of the child, -20 to 19, or `null` for the parent's. */
  readonly nice: number | null;
  /** Numbers of the CPUs that the child may use, or `null` for the parent's. */
  readonly affinity: readonly number[] | null;
  /** Whether the child gets the terminal, if there is one and it is ours to give. */
  readonly foreground: boolean;
  /** The pseudo-terminal that the child leads a session on, or `null` for none. */
  readonly pty: TerminalSize | null;
  /** Standard input. */
  readonly stdin: StdioTarget;
  /** Standard output. */
  readonly stdout: StdioTarget;
  /** Standard error; `"stdout"`: where standard output goes, in order. */
  readonly stderr: StdioTarget | "stdout";
  /**
   * Further descriptors; the child then gets these and no others. `null` leaves
   * it at those of ours that are not close-on-exec, as with `Deno.Command`.
   */
  readonly fds: readonly DescriptorSpec[] | null;
  /** Whether the program is to find its own pid in LISTEN_PID (sd_listen_fds(3)). */
  readonly listenPid: boolean;
  /** Windows: pass the arguments without quoting. */
  readonly windowsRawArguments: boolean;
  /** Own session (POSIX) or own console group (Windows), and no guard. */
  readonly detached: boolean;
  /** The containment asked for. */
  readonly containment: ContainmentRequest;
  /** Whether the tree must end when this process ends, by whatever cause. */
  readonly killOnParentExit: boolean;
  /** POSIX process group choice. */
  readonly processGroup: ProcessGroupMode;
  /** Start stopped, before the first instruction of the program. */
  readonly suspended: boolean;
  /** Limits, validated for this system; `null` for none. */
  readonly limits: Limits | null;
  /** The job that the child is a member of besides its own containment. */
  readonly job?: NativeJob;
  /** Name of the public function, for permission prompts and messages. */
  readonly apiName: string;
}

/** How the leader of a tree ended. */
export interface ExitStatus {
  /** Exit code; `128 + n` for death by signal n, `-1` when {@linkcode ExitStatus.lost}. */
  readonly code: number;
  /** The signal that ended it, or `null`. */
  readonly signal: Deno.Signal | null;
  /** True when somebody else reaped the child, so that its status is unknown. */
  readonly lost: boolean;
}

/** A member of a tree, as the process table shows it. */
export interface ProcessInfo {
  /** Process id. */
  readonly pid: number;
  /** Process id of the parent now (1 or a subreaper for an orphan). */
  readonly ppid: number;
  /** Name of the program, without path. */
  readonly name: string;
  /** Command line, when it can be read; otherwise the name. */
  readonly command: string;
  /** State as the OS words it: `running`, `sleeping`, `stopped`, `zombie` … */
  readonly state: string;
  /** Start time, in milliseconds since the epoch; `NaN` where unknown. */
  readonly startTime: number;
}

/** The readable end of a pipe from the child. */
export interface ByteSource {
  /**
   * Reads into `view`: a number at once when bytes are there (0 at the end of
   * the stream), otherwise a promise of it. `patient` allows the backend to
   * delay looking, for a caller that needs the bytes only at the end.
   */
  read(view: Uint8Array, patient: boolean): number | Promise<number>;
  /** Bytes that a reader may usefully ask for at once, from what was seen so far. */
  readonly readSize: number;
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

/** What a soft signal did. */
export interface SoftSignal {
  /** How many processes it was sent to. */
  readonly count: number;
  /** How it was sent: `SIGTERM`, `CTRL_C`, `WM_CLOSE` … */
  readonly method: string;
}

/** What a hard kill did. */
export interface HardKill {
  /** How many living processes it was sent to. */
  readonly count: number;
  /** Those that the OS did not let us end, and why. */
  readonly refused: readonly Survivor[];
  /** True when it is not proved that nobody was missed: look when the leader has ended. */
  readonly unproved?: boolean;
  /** True when the last look still found somebody new: it has to be done again. */
  readonly unsettled?: boolean;
}

/** A tree of processes: what can be done with it, whoever started it. */
export interface NativeTree {
  /** What holds the tree together. */
  readonly mechanism: TreeMechanism;
  /**
   * Sends a signal to every member; with `wake`, SIGCONT behind it, since a
   * stopped process does not act on a signal that it could handle.
   */
  signalTree(signal: Deno.Signal | number, wake: boolean): SoftSignal;
  /**
   * Freezes what it finds, looks again until nothing new appears, and ends it
   * all with the signal that cannot be caught. Does not wait for the deaths.
   */
  killTree(): HardKill;
  /** True when no living member is left. A single look, as cheap as it can be. */
  treeIsEmpty(): boolean;
  /** The living members, the root included. */
  members(): ProcessInfo[];
  /** A wait for the tree to become empty. */
  watchTree(): TreeWatch;
  /** Gives up what was opened to know the members. */
  close?(): void;
}

/** A further descriptor of a child: our end of it, if it is a pipe. */
export interface NativeDescriptor {
  /** Its number in the child. */
  readonly target: number;
  /** Windows: its handle in the child. POSIX: the number again. */
  readonly handle: number;
  /** What the child writes to it, or `null`. */
  readonly source: ByteSource | null;
  /** What the child reads from it, or `null`. */
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
  /** What leader and tree have used. After the end: what was used in all. */
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
  /** Takes what is still in the output pipes, without waiting, then closes all pipes. */
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
 * A pipe from one child to another. This process holds the ends only until both
 * children were started: else the reader would wait for our end of file, and the
 * writer would not learn that nobody reads.
 */
export interface ChildPipe {
  /** The end that is read, for {@linkcode SpawnSpec.stdin}. */
  readonly reading: number;
  /** The end that is written, for {@linkcode SpawnSpec.stdout}. */
  readonly writing: number;
  /** Closes our copy of the end that is read. Idempotent. */
  closeReading(): void;
  /** Closes our copy of the end that is written. Idempotent. */
  closeWriting(): void;
}

/** One mechanism on this host. */
export interface MechanismReport {
  /** Which. */
  readonly mechanism: ContainmentKind;
  /** Whether it can be had here. */
  readonly available: boolean;
  /** Whether it holds descendants that left the process group or session. */
  readonly holdsEscapees: boolean;
  /** Whether its trees end when this process ends by any cause. */
  readonly endsWithParent: boolean;
  /** Why not, or why not more; empty when there is nothing to say. */
  readonly why: string;
}

/** What this host can guarantee. */
export interface Capabilities {
  /** What `containment: "auto"` gives. */
  readonly containment: ContainmentKind;
  /** Every mechanism of this operating system, the strongest first. */
  readonly mechanisms: readonly MechanismReport[];
}

/** A validated request for a listening socket; the permission was asked for. */
export interface ListenRequest {
  /** Host name or IP address without brackets; unused for a path. */
  readonly hostname: string;
  /** Port, 0 for a free one; unused for a path. */
  readonly port: number;
  /** Path of a Unix socket, or `null` for TCP. */
  readonly path: string | null;
  /** How many connections may wait to be accepted. */
  readonly backlog: number;
  /** Whether other sockets may listen on the same port. */
  readonly reusePort: boolean;
  /**
   * Called with the address that the name stands for, before anything is opened:
   * throws when it may not be listened on.
   */
  readonly resolved: (hostname: string) => void;
}

/** A listening socket. */
export interface NativeListener {
  /** The descriptor; on Windows the SOCKET. */
  readonly fd: number;
  /** Where it listens. */
  readonly address: SocketAddress;
  /** Closes it. Called once. */
  close(): void;
}

/** One operating system's way to do all of it. */
export interface Backend {
  /** Which backend this is. */
  readonly name: "posix" | "windows";
  /** Numbers of the signals this OS knows, by name. */
  readonly signals: Readonly<Record<string, number>>;
  /** The limits this OS has, or that can be watched here. */
  readonly limits: readonly LimitName[];
  /** For what children write. */
  readonly memory: BulkMemory;
  /** Starts a program. Throws with nothing spawned and nothing leaked. */
  spawn(spec: SpawnSpec): NativeProcess;
  /**
   * A job without members. Holds nothing of the system until it has one.
   *
   * @param killOnParentExit Whether it ends when this process does.
   */
  createJob(killOnParentExit: boolean): NativeJob;
  /** A pipe from one child to another. */
  openChildPipe(): ChildPipe;
  /**
   * The tree under a process that somebody else started.
   *
   * @throws {RangeError} for this process, its ancestors, and pids of 1 or less.
   * @throws {Deno.errors.NotFound} when there is no such process.
   */
  openTree(pid: number): NativeTree;
  /**
   * Opens a listening socket that only children who are given it inherit.
   *
   * @throws {Deno.errors.AddrInUse} when somebody else listens there.
   */
  listen(request: ListenRequest): NativeListener;
  /**
   * Takes over a listening socket that this process was started with.
   *
   * @throws {Deno.errors.BadResource} when it is not open, or does not listen.
   */
  adoptListener(fd: number): NativeListener;
  /**
   * Whether a path leads to a device, into the kernel, or elsewhere where Deno
   * wants all permissions.
   *
   * @param reads Whether it is to be read, and not written.
   */
  isSpecialFile(path: string, reads: boolean): boolean;
  /** What this host can guarantee, without starting anything. */
  capabilities(): Capabilities;
}

let chosen: Backend | null = null;
let choose: (() => Backend) | null = null;

/** Says how the backend is found; `mod.ts` calls it, with one expression. */
export function provideBackend(factory: () => Backend): void {
  choose = factory;
}

/** The backend of this operating system, made on first use. */
export function backend(): Backend {
  if (chosen === null) {
    if (choose === null) throw new Error("No backend: import mod.ts");
    chosen = choose();
  }
  return chosen;
}
