/**
 * Starting a program: specification in, running child out, or an error with
 * nothing spawned and nothing leaked.
 *
 * @module
 */

import type { NativeDescriptor } from "../../backend/native.ts";
import type { SpawnSpec } from "../../backend/spec.ts";
import type { KernelLimits, LimitName, Limits } from "../../backend/limits.ts";
import { SurvivorsError } from "../../backend/errors.ts";
import { ArgumentVector, readCString } from "../../ffi/c_string.ts";
import { checkRunPermission } from "../../backend/permissions.ts";
import type { Membership } from "../tree/membership.ts";
import { refuseClosed } from "../stdio/stdio.ts";
import { ChildStreams, fileActions, ownEnds } from "./child_streams.ts";
import {
  chooseContainment,
  type ContainmentChoice,
} from "../containment/choose.ts";
import { withCredentials } from "./credentials.ts";
import {
  buildEnvironment,
  childPath,
  type Environment,
  findExecutable,
  loaderVariables,
} from "./executable.ts";
import {
  EACCES,
  ENOENT,
  ENOEXEC,
  errnoMeaning,
  posixError,
} from "../system/errno.ts";
import { absolutePath, isDirectory, isThere } from "../system/file_system.ts";
import {
  applyLimits,
  heldByKernel,
  holdsForWatch,
  limitCommands,
  limitsNeedHold,
  refuseAffinity,
  setAffinity,
  setNice,
} from "./resource_limits.ts";
import {
  awaitStopped,
  execObstacle,
  Hold,
  SHELL,
  shellArguments,
  type ShellErrand,
} from "./held_start.ts";
import { bindErrno, DARWIN, errno, libc, libcWait } from "../system/libc.ts";
import type { ForegroundTerminal } from "../stdio/pty.ts";
import type { PipeSink, PipeSource } from "../stdio/pipe.ts";
import { attributes, type FileActions } from "../system/posix_spawn.ts";

/** A child that was just started. */
export interface Spawned {
  readonly pid: number;
  /** Its process group when it leads one, else 0. */
  readonly pgid: number;
  readonly stdin: PipeSink | null;
  readonly stdout: PipeSource | null;
  readonly stderr: PipeSource | null;
  readonly fds: readonly NativeDescriptor[];
  /** The terminal it is lent, or is to be lent when it is resumed. */
  readonly terminal: ForegroundTerminal | null;
  /** The slave of its pseudo-terminal, to be closed when it has exited, or -1. */
  readonly slave: number;
  readonly membership: Membership;
  /** Whether it was started stopped. */
  readonly suspended: boolean;
  /** What holds it back until the watch on its limits is ready, or has done so. */
  readonly hold: Hold | null;
  /** Its limits, or `null`. */
  readonly limits: Limits | null;
  /** Which of them the kernel holds. */
  readonly kernelLimits: KernelLimits;
}

const NO_FDS: readonly NativeDescriptor[] = [];

/** This process's working directory, or `null` when it is gone; without Deno's read permission, since only names are joined to it. */
function workingDirectory(): string | null {
  const bytes = new Uint8Array(4096);
  const found = libcWait().getcwd(bytes, BigInt(bytes.length));
  return found === null ? null : readCString(bytes);
}

/**
 * Starts a program.
 *
 * @param spec What to start; validated.
 * @returns The running child.
 * @throws {Deno.errors.NotFound} when the program or its directory is missing.
 * @throws {Deno.errors.PermissionDenied} when it may not be executed, or not as what was asked for.
 * @throws {Deno.errors.NotCapable} when Deno's permissions do not allow it.
 * @throws {Deno.errors.NotSupported} for what this system does not have.
 * @throws {Deno.errors.BadResource} for a descriptor of `fds` that is not open.
 */
export function spawnProcess(spec: SpawnSpec): Spawned {
  bindErrno();
  refuseAffinity(spec.affinity);
  const path = permittedProgram(spec);
  const streams = new ChildStreams();
  // Before anything else is opened for this child: see there.
  if (spec.fds !== null) refuseClosed(spec.fds);
  streams.stdio.copy(spec);
  try {
    return spawnWith(streams, spec, path);
  } catch (error) {
    streams.close();
    throw error;
  }
}

function spawnWith(
  streams: ChildStreams,
  spec: SpawnSpec,
  path: string,
): Spawned {
  const containment = chooseContainment(spec);
  try {
    streams.openTerminal(spec);
    if (!DARWIN && needsPreparation(spec, streams, containment.membership)) {
      streams.hold = Hold.open(spec.fds);
    }
    streams.open(spec);
    const kernelLimits = spec.limits === null
      ? NO_LIMITS
      : heldLimits(spec.limits, containment.membership);
    const pid = start(spec, path, streams, containment);
    const { stdin, stdout, stderr } = ownEnds(spec, streams);
    // The child has its own by now.
    streams.stdio[Symbol.dispose]();
    streams.fds?.closeFar();
    return {
      pid,
      pgid: containment.group === "inherit" ? 0 : pid,
      stdin,
      stdout,
      stderr,
      fds: streams.fds === null ? NO_FDS : streams.fds.take(),
      terminal: streams.terminal,
      slave: streams.pty?.slave ?? -1,
      membership: containment.membership,
      suspended: spec.suspended,
      hold: streams.hold,
      limits: spec.limits,
      kernelLimits,
    };
  } catch (error) {
    containment.membership.retire();
    throw error;
  }
}

const NO_LIMITS: KernelLimits = {};

function heldLimits(limits: Limits, membership: Membership): KernelLimits {
  const held = { ...heldByKernel(limits) };
  const ofTree = membership.limit?.(limits) ?? [];
  for (let i = 0; i < ofTree.length; i++) {
    held[ofTree[i] as LimitName] = "tree";
  }
  return held;
}

function permittedProgram(spec: SpawnSpec): string {
  const { command } = spec;
  const searched = !command.includes("/");
  const path = searched ? childPath(spec) : null;
  const relative = searched
    ? /(^|:)[^/:]/.test(path ?? "/")
    : !command.startsWith("/");
  const absoluteCwd = spec.cwd?.startsWith("/") === true;
  const relativeCwd = spec.cwd !== null && !absoluteCwd;
  // Only for what is relative: this process's own directory may be gone.
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
    `Failed to spawn '${command}': no executable file of that name in the child's PATH`;
  return posixError("posix_spawn", errno, { message, command });
}

// posix_spawn with everything prepared; returns the pid.
function start(
  spec: SpawnSpec,
  path: string,
  streams: ChildStreams,
  containment: ContainmentChoice,
): number {
  const actions = fileActions(spec, streams);
  try {
    return startWith(actions, spec, path, streams, containment);
  } finally {
    if (!actions.shared) actions[Symbol.dispose]();
  }
}

function startWith(
  actions: FileActions,
  spec: SpawnSpec,
  path: string,
  streams: ChildStreams,
  { membership, group }: ContainmentChoice,
): number {
  const { hold } = streams;
  const prepared = needsPreparation(spec, streams, membership);
  // Where nothing can hold it back, on macOS and without a free number, it is
  // stopped instead.
  const stopped = spec.suspended || prepared && hold === null;
  const ulimits = spec.limits === null ? "" : limitCommands(spec.limits);
  const attr = attributes({
    group,
    suspended: stopped && DARWIN,
    cgroup: membership.cgroupDescriptor ?? -1,
  });
  const environment = buildEnvironment(spec);
  const launch = (argv: readonly string[]): number =>
    withCredentials(spec, () => {
      return launchOnce(argv, {
        actions,
        attr,
        environment,
        membership,
      });
    });
  // concat, not spread: nothing here goes through Array.prototype[Symbol.iterator].
  // As with Deno.Command, the program's own name is the path it was found at.
  const stops = stopped && !DARWIN;
  let result;
  const { umask, listenPid } = spec;
  const held = hold !== null;
  if (held || stops || umask !== null || listenPid || ulimits !== "") {
    const digit = hold?.digit ?? -1;
    const errand = { hold: digit, stops, umask, listenPid, ulimits };
    result = startThroughShell(spec, path, errand, launch);
  } else {
    result = launch([path].concat(spec.args));
    if (result === -ENOEXEC) {
      // A script without an interpreter line: as execvp(3) does it, and Deno.
      result = launch([SHELL, path].concat(spec.args));
    }
  }
  hold?.closeReading();
  if (result <= 0) throw spawnFailure(spec, path, -result);
  if (held || stopped) prepare(result, spec, streams, membership);
  return result;
}

function startThroughShell(
  spec: SpawnSpec,
  path: string,
  errand: ShellErrand,
  launch: (argv: readonly string[]) => number,
): number {
  // As the user that will call exec.
  const obstacle = withCredentials(spec, () => execObstacle(path));
  if (obstacle !== 0) return -obstacle;
  const result = launch(shellArguments(path, spec.args, errand));
  // One that is held back stops only when it has been let go.
  if (errand.stops && errand.hold < 0 && result > 0) awaitStopped(result);
  return result;
}

// What is done to the child before its first instruction.
function prepare(
  pid: number,
  spec: SpawnSpec,
  { terminal, hold }: ChildStreams,
  membership: Membership,
): void {
  const runs = !spec.suspended && !holdsForWatch(spec.limits);
  try {
    membership.admit?.(pid);
    if (spec.nice !== null) setNice(pid, spec.nice, spec.command);
    if (spec.affinity !== null) setAffinity(pid, spec.affinity, spec.command);
    if (spec.limits !== null && !DARWIN) applyLimits(pid, spec.limits);
    // It must have the terminal before its first read, and not a moment before it
    // can act on Ctrl-C.
    if (runs) terminal?.lend(pid);
    if (hold !== null) {
      // A suspended one waits as a stopped process, whatever else it waits for.
      if (runs || spec.suspended) release(hold, pid);
      if (spec.suspended) awaitStopped(pid);
    } else if (runs && libc().kill(pid, SIGCONT) !== 0) {
      throw posixError("kill", errno(), { pid });
    }
  } catch (error) {
    // It waits and is not what was asked for, or not to be let go: nothing of it
    // may stay.
    endWaiting(pid, hold, spec.command);
    throw error;
  }
}

function release(hold: Hold, pid: number): void {
  const error = hold.release();
  if (error !== 0) throw posixError("write", error, { pid });
}

// Who may start a child as another user need not be allowed to end it; but one that
// is held back ends by itself when the pipe is closed.
function endWaiting(pid: number, hold: Hold | null, command: string): void {
  const error = libc().kill(pid, SIGKILL) === 0 ? 0 : errno();
  hold?.close();
  if (error === 0 || hold !== null) {
    libc().wait4(pid, null, 0, null);
    return;
  }
  const reason = `it is stopped, and the signal failed: ${errnoMeaning(error)}`;
  throw new SurvivorsError(command, [{ pid, name: "sh", reason }]);
}

function needsPreparation(
  spec: SpawnSpec,
  { terminal }: ChildStreams,
  membership: Membership,
): boolean {
  return spec.nice !== null || spec.affinity !== null || terminal !== null ||
    membership.joinsHeld === true || limitsNeedHold(spec.limits);
}

const SIGKILL = 9;
const SIGCONT = DARWIN ? 19 : 18;

interface Launch {
  readonly actions: FileActions;
  readonly attr: Uint8Array<ArrayBuffer>;
  readonly environment: Environment;
  readonly membership: Membership;
}

// Made on first use: importing allocates no memory for C.
let argumentVector: ArgumentVector | null = null;
const pidCell = new Int32Array(1);
const pidBytes = new Uint8Array(pidCell.buffer);

// One posix_spawn: the pid, or -errno, which is its return value (no errno).
function launchOnce(
  argv: readonly string[],
  launch: Launch,
): number {
  argumentVector ??= new ArgumentVector();
  argumentVector.fill(argv);
  let pid = 0;
  launch.membership.beginSpawn();
  try {
    const error = libc().posix_spawn(
      pidBytes,
      // The program is its own first argument.
      argumentVector.first,
      launch.actions.bytes,
      launch.attr,
      argumentVector.pointers,
      launch.environment.address,
    );
    if (error !== 0) return -error;
    pid = pidCell[0] as number;
    return pid;
  } finally {
    launch.membership.endSpawn(pid);
  }
}

// Which of program, interpreter and directory was at fault: posix_spawn only
// gives one number for all of them.
function spawnFailure(spec: SpawnSpec, path: string, errno: number): Error {
  const { command, cwd } = spec;
  let message = `Failed to spawn '${command}': ${errnoMeaning(errno)}`;
  let code = errno;
  if (cwd !== null && !isThere(cwd)) {
    message = `Failed to spawn '${command}': No such cwd '${cwd}'`;
    code = ENOENT;
  } else if (cwd !== null && !isDirectory(cwd) && errno !== EACCES) {
    message = `Failed to spawn '${command}': cwd is not a directory '${cwd}'`;
    code = ENOENT;
  } else if (errno === ENOENT && isThere(path)) {
    message =
      `Failed to spawn '${command}': its interpreter is missing: see the first line of '${path}'`;
  } else if (errno === EACCES && isDirectory(path)) {
    message = `Failed to spawn '${command}': '${path}' is a directory`;
  }
  return posixError("posix_spawn", code, { message, command });
}
