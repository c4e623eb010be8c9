/**
 * The launch plan: how a program is started, decided once from the specification. It
 * holds the program found, after its permission was asked for, the errand of the
 * child, the preparation of the child from here, and the descriptors of both: the
 * standard streams, and the pipe that holds the child back until it is prepared.
 *
 * @module
 */

import { argumentsHint } from "../../backend/errors.ts";
import { checkRunPermission } from "../../backend/permissions.ts";
import type {
  DescriptorSpec,
  SpawnSpec,
  StdioFile,
} from "../../backend/spec.ts";
import { readCString } from "../../ffi/memory.ts";
import { PipeSink, PipeSource } from "../stdio/pipe.ts";
import {
  ForegroundTerminal,
  openPty,
  type Pty,
  PtySink,
  PtySource,
} from "../stdio/pty.ts";
import {
  ChildDescriptors,
  fifoToWaitFor,
  refuseForbidden,
  StdioEnds,
  STREAMS,
} from "../stdio/stdio.ts";
import { eagain, EINTR, ENOENT, EPIPE, posixError } from "../system/errno.ts";
import { aboveStdio, absolutePath } from "../system/file_system.ts";
import { atUnload } from "../system/isolate_end.ts";
import { DARWIN, errno, libc, libcLinux, libcWait } from "../system/libc.ts";
import { FileActions } from "../system/posix_spawn.ts";
import type { Membership } from "../tree/membership.ts";
import {
  CLD_STOPPED,
  P_PID,
  siginfoCode,
  waitid,
  WEXITED,
  WNOWAIT,
  WSTOPPED,
} from "../wait/reactor.ts";
import { withCredentials } from "./credentials.ts";
import { childPath, findExecutable, loaderVariables } from "./executable.ts";
import { type ChildFile, type Errand, openLauncher } from "./launcher.ts";
import {
  limitOfDescriptors,
  limitsNeedHold,
  ulimitCommands,
} from "./resource_limits.ts";

/** The way in which one child is started. */
export interface LaunchPlan {
  /** The program's absolute path. */
  readonly path: string;
  /** Whether something is done to the child before the first instruction of the program. */
  readonly prepared: boolean;
  /** Whether the kernel starts it stopped (macOS). */
  readonly startsStopped: boolean;
  /** The work that the child does first, or `null`. */
  readonly errand: Errand | null;
  /** The pipe that holds it back, or `null`. */
  readonly hold: Hold | null;
  /** The memory file of the launcher, or -1: a shell does the errand. */
  readonly launcher: number;
  /** Numbers in the child that are not the program's: of the two above. */
  readonly reserved: readonly number[];
}

/**
 * Finds the program and asks for the permission to run it.
 *
 * @param spec The specification.
 * @returns The absolute path.
 * @throws {Deno.errors.NotFound} when there is no such program.
 * @throws {Deno.errors.NotCapable} when Deno's permissions do not allow it.
 */
export function permittedProgram(spec: SpawnSpec): string {
  const { command } = spec;
  const searched = !command.includes("/");
  const path = searched ? childPath(spec) : null;
  const relative = searched
    ? /(^|:)[^/:]/.test(path ?? "/")
    : !command.startsWith("/");
  const absoluteCwd = spec.cwd?.startsWith("/") === true;
  const relativeCwd = spec.cwd !== null && !absoluteCwd;
  // Only for a relative path: this process's own directory may be gone.
  const own = relative || relativeCwd ? workingDirectory() : null;
  const needsOwn = relativeCwd || relative && !searched && !absoluteCwd;
  if (own === null && needsOwn) throw directoryGone(command);
  const cwd = absoluteCwd
    ? spec.cwd as string
    : absolutePath(spec.cwd ?? "", own ?? "/");
  const found = findExecutable(command, { path, cwd, own });
  if ("errno" in found) throw notFound(command, found.errno);
  checkRunPermission(found.path, command, () => loaderVariables(spec));
  return found.path;
}

function directoryGone(command: string): Error {
  const message =
    `Failed to spawn '${command}': failed resolving cwd: the working directory of this process is gone. Give an absolute path to the program and an absolute 'cwd'`;
  return posixError("getcwd", ENOENT, { message, command });
}

function notFound(command: string, errno: number): Error {
  const message =
    `Failed to spawn '${command}': no executable file of that name in the child's PATH${
      argumentsHint(command)
    }`;
  return posixError("posix_spawn", errno, { message, command });
}

/** This process's working directory, or `null` when it is gone; without Deno's read permission, since only names are joined to it. */
function workingDirectory(): string | null {
  const bytes = new Uint8Array(4096);
  const found = libcWait().getcwd(bytes, BigInt(bytes.length));
  return found === null ? null : readCString(bytes);
}

/**
 * Decides how the program is started, and opens the descriptors for that.
 *
 * @param spec The specification.
 * @param path The program, of {@linkcode permittedProgram}.
 * @param membership The containment chosen.
 * @param lends Whether the child is lent this process's terminal.
 * @returns The plan; its open descriptors belong to the caller.
 * @throws {SystemError} when no descriptor is left; nothing is open then.
 */
export function planLaunch(
  spec: SpawnSpec,
  path: string,
  membership: Membership,
  lends: boolean,
): LaunchPlan {
  const shaped = lends || spec.nice !== null || spec.affinity !== null ||
    membership.joinsHeld === true || limitsNeedHold(spec.limits);
  const hold = shaped && !DARWIN ? Hold.open(spec.fds) : null;
  try {
    return planWith(hold, shaped, spec, path);
  } catch (error) {
    hold?.close();
    throw error;
  }
}

function planWith(
  hold: Hold | null,
  shaped: boolean,
  spec: SpawnSpec,
  path: string,
): LaunchPlan {
  // Where nothing can hold it back, on macOS and without a free number, it is
  // stopped instead.
  const stopped = spec.suspended || shaped && hold === null;
  const errand: Errand = {
    hold: hold?.digit ?? -1,
    stops: stopped && !DARWIN,
    umask: spec.umask,
    openFiles: spec.limits === null ? null : limitOfDescriptors(spec.limits),
    ulimits: spec.limits === null || !DARWIN ? "" : ulimitCommands(spec.limits),
    listenPid: spec.listenPid,
    files: filesOfChild(spec),
  };
  const reserved: number[] = hold === null ? [] : [hold.digit];
  const plan = {
    path,
    prepared: shaped || spec.suspended,
    startsStopped: stopped && DARWIN,
    hold,
    reserved,
  };
  if (!isNeeded(errand)) return { ...plan, errand: null, launcher: -1 };
  const launcher = openLauncher(numbersOfChild(spec.fds, errand.hold));
  if (launcher >= 0) reserved[reserved.length] = launcher;
  return { ...plan, errand, launcher };
}

function isNeeded(errand: Errand): boolean {
  return errand.hold >= 0 || errand.stops || errand.umask !== null ||
    errand.openFiles !== null || errand.ulimits !== "" || errand.listenPid ||
    errand.files.length > 0;
}

function numbersOfChild(
  fds: readonly DescriptorSpec[] | null,
  hold: number,
): Set<number> {
  const numbers = new Set<number>();
  if (hold >= 0) numbers.add(hold);
  for (let i = 0; fds !== null && i < fds.length; i++) {
    numbers.add((fds[i] as DescriptorSpec).target);
  }
  return numbers;
}

// Opening them here could wait for ever, and with it the event loop.
function filesOfChild(spec: SpawnSpec): readonly ChildFile[] {
  const files: ChildFile[] = [];
  const add = (
    target: number,
    file: Pick<StdioFile, "path" | "append">,
    reads: boolean,
  ): void => {
    const path = fifoToWaitFor(file.path);
    if (path === null) return;
    const name = target > 2 ? `fds[${target}]` : STREAMS[target] as string;
    refuseForbidden(path, { reads, name, command: spec.command });
    files[files.length] = {
      target,
      copy: target === 1 && spec.stderr === "stdout" ? 2 : -1,
      path,
      access: reads ? "read" : file.append ? "append" : "write",
    };
  };
  const { stdin, stdout, stderr, fds } = spec;
  if (typeof stdin === "object") add(0, stdin, true);
  if (typeof stdout === "object") add(1, stdout, false);
  if (typeof stderr === "object") add(2, stderr, false);
  for (let i = 0; fds !== null && i < fds.length; i++) {
    const { target, origin } = fds[i] as DescriptorSpec;
    if (origin.kind !== "file") continue;
    const { path, access } = origin;
    add(target, { path, append: access === "append" }, access === "read");
  }
  return files.length === 0 ? NO_FILES : files;
}

const NO_FILES: readonly ChildFile[] = [];

/**
 * Waits until a child has stopped itself: a SIGCONT before that would be lost, and
 * the child would stay stopped for ever. Takes about a millisecond.
 *
 * @param pid The child.
 * @returns Whether it stopped; false when it ended instead.
 */
export function awaitStopped(pid: number): boolean {
  while (waitid(P_PID, pid, WSTOPPED | WEXITED | WNOWAIT) !== 0) {
    if (errno() !== EINTR) return false;
  }
  return siginfoCode() === CLD_STOPPED;
}

const EAGAIN = eagain("linux");
const O_CLOEXEC = 0x80000;
const F_GETFD = 1;
const FD_CLOEXEC = 1;

// POSIX has a shell know descriptors of one digit in redirections, and dash knows
// no others. 0 to 2 are the program's streams.
const LOWEST = 3;

const HIGHEST = 9;
const LINE = new Uint8Array([10]);

/**
 * The pipe that holds one child back until it has been prepared (Linux; macOS starts it
 * stopped, POSIX_SPAWN_START_SUSPENDED).
 *
 * The launcher or shell that runs in the child first (`launcher.ts`) reads a line from
 * a pipe(7). Only this process has the writing end, so that the child cannot be left
 * behind: when this process ends, the read meets the end of the file, and the child
 * exits. A child that has stopped itself would wait for a SIGCONT that never comes.
 */
export class Hold {
  /** The number of the reading end in the child. */
  readonly digit: number;
  #reading: number;
  #writing: number;

  private constructor(digit: number, reading: number, writing: number) {
    this.digit = digit;
    this.#reading = reading;
    this.#writing = writing;
  }

  /**
   * Opens the pipe.
   *
   * @param fds The child's descriptors beyond its standard streams; `null` when it
   * inherits those of this process.
   * @returns The pipe; `null` when the child uses all numbers that a shell knows.
   * @throws {SystemError} when no descriptor is left.
   */
  static open(fds: readonly DescriptorSpec[] | null): Hold | null {
    const taken = new Set<number>();
    for (let i = 0; fds !== null && i < fds.length; i++) {
      taken.add((fds[i] as DescriptorSpec).target);
    }
    let digit = HIGHEST;
    while (fds === null ? isInherited(digit) : taken.has(digit)) {
      if (--digit < LOWEST) return null;
    }
    // In the child no dup2 may overwrite the reading end, and none may be onto
    // itself, which would leave close-on-exec set.
    taken.add(digit);
    const pair = new Int32Array(2);
    if (libcLinux().pipe2(new Uint8Array(pair.buffer), O_CLOEXEC) !== 0) {
      throw posixError("pipe2", errno());
    }
    const hold = new Hold(digit, pair[0] as number, pair[1] as number);
    try {
      hold.#move(taken);
    } catch (error) {
      hold.close();
      throw error;
    }
    return hold;
  }

  // A descriptor that could not be moved is closed.
  #move(taken: ReadonlySet<number>): void {
    const reading = this.#reading;
    this.#reading = -1;
    this.#reading = aboveStdio(reading, taken);
    const writing = this.#writing;
    this.#writing = -1;
    this.#writing = aboveStdio(writing);
  }

  /** Our copy of the reading end, for the child. */
  get source(): number {
    return this.#reading;
  }

  /** The child has the reading end by now, or will not be started. Idempotent. */
  closeReading(): void {
    if (this.#reading >= 0) libc().close(this.#reading);
    this.#reading = -1;
  }

  /**
   * Lets the child go; does nothing when it has ended. Idempotent.
   *
   * @returns 0, or an error number: then the child ends.
   */
  release(): number {
    if (this.#writing < 0) return 0;
    let error = EINTR;
    while (error === EINTR || error === EAGAIN) {
      error = libc().write(this.#writing, LINE, 1n) < 0 ? errno() : 0;
    }
    this.close();
    return error === EPIPE ? 0 : error;
  }

  /** Closes the pipe; a child that was not let go ends by that. Idempotent. */
  close(): void {
    this.closeReading();
    if (this.#writing >= 0) libc().close(this.#writing);
    this.#writing = -1;
  }
}

function isInherited(fd: number): boolean {
  const flags = libcLinux().fcntl(fd, F_GETFD, 0n);
  return flags >= 0 && (flags & FD_CLOEXEC) === 0;
}

/** The descriptors that are opened for a child, by {@linkcode ChildStreams.open}. */
export class ChildStreams {
  /** Stdin, stdout and stderr, where they are not a pseudo-terminal. */
  readonly stdio: StdioEnds = new StdioEnds();
  /** Its further descriptors. */
  fds: ChildDescriptors | null = null;
  /** Its pseudo-terminal. */
  pty: Pty | null = null;
  /** Our terminal, for a foreground child. */
  terminal: ForegroundTerminal | null = null;
  /** The pipe that holds it back while it is prepared. */
  hold: Hold | null = null;
  #launcher = -1;

  /** Opens the terminal that a foreground child is lent. */
  openTerminal(spec: SpawnSpec): void {
    if (spec.foreground) this.terminal = ForegroundTerminal.open();
  }

  /**
   * Opens all other streams. After an error, {@linkcode ChildStreams.close} closes
   * the ones that are open.
   *
   * @param spec The specification.
   * @param plan The launch plan; its open descriptors are owned from now on.
   */
  open(spec: SpawnSpec, plan: LaunchPlan): void {
    this.hold = plan.hold;
    this.#launcher = plan.launcher;
    const later = openedInChild(plan);
    if (spec.fds !== null) {
      const { reserved } = plan;
      this.fds = new ChildDescriptors(spec.fds, {
        command: spec.command,
        reserved,
        later,
      });
    }
    if (spec.pty === null) {
      this.stdio.open(spec, later);
      return;
    }
    const size = spec.pty;
    this.pty = withCredentials(spec, () => openPty(size));
  }

  /** The child has been started. Idempotent. */
  closeLauncher(): void {
    if (this.#launcher >= 0) libc().close(this.#launcher);
    this.#launcher = -1;
  }

  /** Closes everything: the child was not started. */
  close(): void {
    this.closeLauncher();
    this.stdio[Symbol.dispose]();
    this.fds?.closeFar();
    this.fds?.closeNear();
    this.terminal?.close();
    this.hold?.close();
    if (this.pty === null) return;
    libc().close(this.pty.reading);
    libc().close(this.pty.writing);
    libc().close(this.pty.slave);
  }
}

// Descriptors that the child makes itself: it is started with /dev/null in their place.
function openedInChild({ errand }: LaunchPlan): ReadonlySet<number> {
  if (errand === null || errand.files.length === 0) return NONE;
  const targets = new Set<number>();
  for (let i = 0; i < errand.files.length; i++) {
    targets.add((errand.files[i] as ChildFile).target);
  }
  return targets;
}

const NONE: ReadonlySet<number> = new Set();

/** Our ends, as sources and sinks. */
export interface OwnEnds {
  readonly stdin: PipeSink | null;
  readonly stdout: PipeSource | null;
  readonly stderr: PipeSource | null;
}

const NO_ENDS: OwnEnds = { stdin: null, stdout: null, stderr: null };

/**
 * Makes sources and sinks of our ends.
 *
 * @param spec The specification.
 * @param streams The open streams; owned by the ends from now on.
 * @returns The ends.
 */
export function ownEnds(spec: SpawnSpec, streams: ChildStreams): OwnEnds {
  const { stdio, pty } = streams;
  if (pty !== null) {
    const stdin = new PtySink(pty.writing);
    const stdout = new PtySource(pty.reading, stdin);
    // Without a writer: end of file.
    if (spec.stdin !== "piped") stdin.close();
    return {
      stdin: spec.stdin === "piped" ? stdin : null,
      stdout,
      stderr: null,
    };
  }
  if (!stdio.descriptors) return NO_ENDS;
  const input = stdio.take(0);
  const output = stdio.take(1);
  const errors = stdio.take(2);
  return {
    stdin: input < 0 ? null : new PipeSink(input),
    stdout: output < 0 ? null : new PipeSource(output),
    stderr: errors < 0 ? null : new PipeSource(errors),
  };
}

// With streams that are all "inherit" or "null", and without a directory, the actions
// are the same each time: made once.
const sharedActions = new Map<string, FileActions>();

// They hold the number of the null device, which is closed then.
function disposeShared(): void {
  sharedActions.forEach((actions) => actions[Symbol.dispose]());
  sharedActions.clear();
}

/**
 * The file actions that give a child its streams and its directory.
 *
 * @param spec The specification.
 * @param streams The open streams.
 * @param plan The launch plan.
 * @returns The actions; to be disposed of unless they are shared.
 */
export function fileActions(
  spec: SpawnSpec,
  streams: ChildStreams,
  { errand }: LaunchPlan,
): FileActions {
  const { stdio, pty, fds, hold } = streams;
  const shared = spec.cwd === null && pty === null && fds === null &&
    errand === null && !stdio.descriptors;
  const key = shared ? `${spec.stdin},${spec.stdout},${spec.stderr}` : "";
  const known = shared ? sharedActions.get(key) : undefined;
  if (known !== undefined) return known;
  const actions = new FileActions(shared);
  if (pty !== null) actions.terminal(pty.path);
  else for (let i = 0; i < 3; i++) actions.descriptor(i, stdio.source(i));
  // After the standard streams: their sources may have the numbers of targets.
  if (hold !== null) actions.descriptor(hold.digit, hold.source);
  fds?.addTo(actions);
  if (spec.cwd !== null) actions.directory(spec.cwd);
  if (shared) {
    if (sharedActions.size === 0) atUnload(disposeShared);
    sharedActions.set(key, actions);
  }
  return actions;
}
