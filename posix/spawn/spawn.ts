/**
 * Starting a program: specification in, running child out, or an error with
 * nothing spawned and nothing leaked.
 *
 * @module
 */

import { argumentsHint, SurvivorsError } from "../../backend/errors.ts";
import type { NativeDescriptor } from "../../backend/native.ts";
import { refuseUnmet } from "../../backend/containment.ts";
import type { SpawnSpec } from "../../backend/spec.ts";
import type { KernelLimits, LimitName, Limits } from "../../backend/usage.ts";
import { ArgumentVector, cString } from "../../ffi/memory.ts";
import {
  chooseContainment,
  type ContainmentChoice,
  posixCapabilities,
} from "../containment/choose.ts";
import { SIGCONT, SIGKILL } from "../signal/signal_process.ts";
import type { PipeSink, PipeSource } from "../stdio/pipe.ts";
import type { ForegroundTerminal } from "../stdio/pty.ts";
import { refuseClosed } from "../stdio/stdio.ts";
import {
  EACCES,
  ENOENT,
  ENOEXEC,
  errnoMeaning,
  posixError,
} from "../system/errno.ts";
import { isDirectory, isThere } from "../system/file_system.ts";
import { bindErrno, DARWIN, errno, libc } from "../system/libc.ts";
import { attributes, type FileActions } from "../system/posix_spawn.ts";
import type { Membership } from "../tree/membership.ts";
import {
  awaitStopped,
  ChildStreams,
  fileActions,
  type Hold,
  type LaunchPlan,
  ownEnds,
  permittedProgram,
  planLaunch,
} from "./launch_plan.ts";
import { withCredentials } from "./credentials.ts";
import {
  buildEnvironment,
  droppedByShell,
  type Environment,
} from "./executable.ts";
import {
  type Errand,
  execObstacle,
  launcherImage,
  launcherRefused,
  SHELL,
  shellArguments,
  shellFor,
  writeLauncher,
} from "./launcher.ts";
import {
  applyLimits,
  heldByKernel,
  holdsForWatch,
  refuseAffinity,
  setAffinity,
  setNice,
} from "./resource_limits.ts";

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
  /** The pipe that holds it back until the watch on its limits is ready, or `null`. */
  readonly hold: Hold | null;
  /** Its limits, or `null`. */
  readonly limits: Limits | null;
  /** The limits that the kernel holds. */
  readonly kernelLimits: KernelLimits;
}

const NO_FDS: readonly NativeDescriptor[] = [];

/**
 * Starts a program.
 *
 * @param spec The validated specification.
 * @returns The running child.
 * @throws {Deno.errors.NotFound} when the program or its directory is missing.
 * @throws {Deno.errors.PermissionDenied} when it may not be executed, or not as the user asked for.
 * @throws {Deno.errors.NotCapable} when Deno's permissions do not allow it.
 * @throws {Deno.errors.NotSupported} for an option that this system does not have.
 * @throws {Deno.errors.BadResource} for a descriptor of `fds` that is not open.
 */
export function spawnProcess(spec: SpawnSpec): Spawned {
  bindErrno();
  refuseAffinity(spec.affinity);
  const path = permittedProgram(spec);
  const streams = new ChildStreams();
  // Before anything else is opened for this child: see `copy`.
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
    const plan = planLaunch(
      spec,
      path,
      containment.membership,
      streams.terminal !== null,
    );
    streams.open(spec, plan);
    const kernelLimits = spec.limits === null
      ? NO_LIMITS
      : heldLimits(spec.limits, containment.membership);
    refuseUnmet(spec.required, {
      command: spec.command,
      containment: containment.membership.report,
      limits: spec.limits,
      held: kernelLimits,
      capabilities: posixCapabilities,
    });
    const pid = start(spec, plan, streams, containment);
    const { stdin, stdout, stderr } = ownEnds(spec, streams);
    // The child has its own by now.
    streams.stdio[Symbol.dispose]();
    streams.fds?.closeFar();
    streams.closeLauncher();
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
      hold: plan.hold,
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

// posix_spawn with everything prepared; returns the pid.
function start(
  spec: SpawnSpec,
  plan: LaunchPlan,
  streams: ChildStreams,
  containment: ContainmentChoice,
): number {
  const actions = fileActions(spec, streams, plan);
  try {
    return startWith(actions, spec, plan, streams, containment);
  } finally {
    if (!actions.shared) actions[Symbol.dispose]();
  }
}

function startWith(
  actions: FileActions,
  spec: SpawnSpec,
  plan: LaunchPlan,
  streams: ChildStreams,
  { membership, group }: ContainmentChoice,
): number {
  const { hold, path } = plan;
  const attr = attributes({
    group,
    suspended: plan.startsStopped,
    cgroup: membership.cgroupDescriptor ?? -1,
  });
  const environment = buildEnvironment(spec);
  const launch: Launcher = (program, argv) =>
    withCredentials(
      spec,
      () =>
        launchOnce(program, argv, { actions, attr, environment, membership }),
    );
  const result = plan.errand === null
    ? startDirectly(spec, path, launch)
    : startOnErrand(spec, plan, plan.errand, launch);
  hold?.closeReading();
  if (result <= 0) throw spawnFailure(spec, path, -result);
  if (plan.prepared) prepare(result, spec, streams, membership);
  return result;
}

/** Starts a program with these arguments: its pid, or `-errno`. */
type Launcher = (program: string, argv: readonly string[]) => number;

function startDirectly(
  spec: SpawnSpec,
  path: string,
  launch: Launcher,
): number {
  // concat, not spread: nothing here goes through Array.prototype[Symbol.iterator].
  // As with Deno.Command, the program's own name is the path it was found at.
  const result = launch(path, [spec.argv0 ?? path].concat(spec.args));
  if (result !== -ENOEXEC) return result;
  // A script without an interpreter line: as execvp(3) does it, and Deno.
  return launch(SHELL, [SHELL, path].concat(spec.args));
}

// Starts the launcher or the shell, which does the errand and becomes the program.
function startOnErrand(
  spec: SpawnSpec,
  plan: LaunchPlan,
  errand: Errand,
  launch: Launcher,
): number {
  const { path, launcher } = plan;
  // Checked as the user that will call exec.
  const obstacle = withCredentials(spec, () => execObstacle(path));
  if (obstacle !== 0) return -obstacle;
  let result = -ENOENT;
  if (launcher >= 0 && writeLauncher(launcher, launcherImage(path, errand))) {
    const argv = ["launcher", SHELL, spec.argv0 ?? path].concat(spec.args);
    result = launch(`/proc/self/fd/${launcher}`, argv);
  }
  if (result < 0) {
    const dropped = droppedByShell(spec);
    const { command, args, argv0 } = spec;
    const shell = shellFor({ command, argv0, dropped });
    result = launch(
      shell,
      shellArguments(path, args, errand, dropped, argv0),
    );
    if (result > 0) launcherRefused();
  }
  // A child that is held back stops only when it has been let go.
  if (errand.stops && errand.hold < 0 && result > 0) awaitStopped(result);
  return result;
}

// Prepares the child before the first instruction of the program.
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
    // It must have the terminal before its first read, but not before it can act on
    // Ctrl-C.
    if (runs) terminal?.lend(pid);
    if (hold !== null) {
      // A suspended child is a stopped process, even if it waits for something else.
      if (runs || spec.suspended) release(hold, pid);
      if (spec.suspended) awaitStopped(pid);
    } else if (runs && libc().kill(pid, SIGCONT) !== 0) {
      throw posixError("kill", errno(), { pid });
    }
  } catch (error) {
    // It waits, and is not as asked for or cannot be let go: nothing of it may stay.
    endWaiting(pid, hold, spec.command);
    throw error;
  }
}

function release(hold: Hold, pid: number): void {
  const error = hold.release();
  if (error !== 0) throw posixError("write", error, { pid });
}

// A process that may start a child as another user need not be allowed to end it;
// but one that is held back ends by itself when the pipe is closed.
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

// Calls posix_spawn once; returns the pid, or -errno (posix_spawn sets no errno).
function launchOnce(
  program: string,
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
      // Most often the program is its own first argument.
      program === argv[0] ? argumentVector.first : cString(program),
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

// Finds out whether program, interpreter or directory was at fault: posix_spawn has
// one error number for all of them.
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
  } else if (errno === ENOENT) message += argumentsHint(command);
  return posixError("posix_spawn", code, { message, command });
}
