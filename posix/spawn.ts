/**
 * Starting a program: specification in, running child out, or an error with
 * nothing spawned and nothing leaked.
 *
 * @module
 */

import type { SpawnSpec, StdioMode } from "../backend.ts";
import { ArgumentVector } from "../ffi/argument_vector.ts";
import { checkRunPermission } from "../run_permission.ts";
import type { Membership } from "./containment.ts";
import { chooseContainment } from "./choose_containment.ts";
import { withCredentials } from "./credentials.ts";
import {
  buildEnvironment,
  childPath,
  type Environment,
  loaderVariables,
} from "./environment.ts";
import { EACCES, ENOENT, ENOEXEC, errnoMeaning, posixError } from "./errno.ts";
import {
  absolutePath,
  findExecutable,
  isDirectory,
  isThere,
} from "./executable.ts";
import {
  awaitStopped,
  execObstacle,
  stoppingArguments,
} from "./suspended_start.ts";
import { bindErrno, DARWIN, errno, libc, libcWait } from "./libc.ts";
import { openPipe, type PipeEnds, PipeSink, PipeSource } from "./pipe.ts";
import {
  type AttributeChoice,
  attributes,
  FileActions,
} from "./spawn_attributes.ts";

/** A child that was just started. */
export interface Spawned {
  readonly pid: number;
  /** Its process group when it leads one, else 0. */
  readonly pgid: number;
  readonly stdin: PipeSink | null;
  readonly stdout: PipeSource | null;
  readonly stderr: PipeSource | null;
  readonly membership: Membership;
  /** Whether it was started stopped. */
  readonly suspended: boolean;
}

/** Our working directory, without Deno's read permission: only names are joined to it. */
function workingDirectory(command: string): string {
  const bytes = new Uint8Array(4096);
  const pointer = libcWait().getcwd(bytes, BigInt(bytes.length));
  if (pointer === null) {
    throw posixError("getcwd", ENOENT, {
      message:
        `Failed to spawn '${command}': failed resolving cwd: the working directory is gone`,
      command,
    });
  }
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/**
 * Starts a program.
 *
 * @param spec What to start; validated.
 * @returns The running child.
 * @throws {Deno.errors.NotFound} when the program or its directory is missing.
 * @throws {Deno.errors.PermissionDenied} when it may not be executed.
 * @throws {Deno.errors.NotCapable} when Deno's permissions do not allow it.
 */
export function spawnProcess(spec: SpawnSpec): Spawned {
  bindErrno();
  const path = permittedProgram(spec);
  const { membership, group } = chooseContainment(spec);
  const pipes: (PipeEnds | null)[] = [null, null, null];
  try {
    pipes[0] = spec.stdin === "piped" ? openPipe("in") : null;
    pipes[1] = spec.stdout === "piped" ? openPipe("out") : null;
    pipes[2] = spec.stderr === "piped" ? openPipe("out") : null;
    const pid = start(spec, path, pipes, membership, group);
    closeEnds(pipes, "far");
    return {
      pid,
      pgid: group === "inherit" ? 0 : pid,
      stdin: pipes[0] === null ? null : new PipeSink(pipes[0].near),
      stdout: pipes[1] === null ? null : new PipeSource(pipes[1].near),
      stderr: pipes[2] === null ? null : new PipeSource(pipes[2].near),
      membership,
      suspended: spec.suspended,
    };
  } catch (error) {
    closeEnds(pipes, "near");
    closeEnds(pipes, "far");
    membership.retire();
    throw error;
  }
}

function closeEnds(
  pipes: readonly (PipeEnds | null)[],
  end: "near" | "far",
): void {
  for (let i = 0; i < pipes.length; i++) {
    const pipe = pipes[i];
    if (pipe) libc().close(pipe[end]);
  }
}

function permittedProgram(spec: SpawnSpec): string {
  const searched = !spec.command.includes("/");
  const path = searched ? childPath(spec) : null;
  const absolute = searched
    ? !/(^|:)([^/]|$)/.test(path ?? "/")
    : spec.command.startsWith("/");
  const cwd = absolute && (spec.cwd === null || spec.cwd.startsWith("/"))
    ? spec.cwd ?? "/"
    : absolutePath(spec.cwd ?? "", workingDirectory(spec.command));
  const found = findExecutable(spec.command, cwd, path);
  if ("errno" in found) throw notFound(spec, found.errno);
  checkRunPermission(found.path, spec.command, () => loaderVariables(spec));
  return found.path;
}

function notFound(spec: SpawnSpec, errno: number): Error {
  const message = errno === ENOENT
    ? `Failed to spawn '${spec.command}': no program of that name in the child's PATH`
    : `Failed to spawn '${spec.command}': the file of that name in the child's PATH is not executable`;
  return posixError("posix_spawn", errno, { message, command: spec.command });
}

// posix_spawn with everything prepared; returns the pid.
function start(
  spec: SpawnSpec,
  path: string,
  pipes: readonly (PipeEnds | null)[],
  membership: Membership,
  group: AttributeChoice["group"],
): number {
  const actions = fileActions(spec, pipes);
  try {
    return startWith(actions, spec, path, membership, group);
  } finally {
    if (!actions.shared) actions[Symbol.dispose]();
  }
}

// Without pipes and directory the actions are the same each time: made once.
const sharedActions = new Map<string, FileActions>();

function fileActions(
  spec: SpawnSpec,
  pipes: readonly (PipeEnds | null)[],
): FileActions {
  const modes: readonly StdioMode[] = [spec.stdin, spec.stdout, spec.stderr];
  const shared = spec.cwd === null && !modes.includes("piped");
  const key = shared ? modes.join() : "";
  const known = shared ? sharedActions.get(key) : undefined;
  if (known !== undefined) return known;
  const actions = new FileActions(shared);
  for (let i = 0; i < 3; i++) {
    const mode = modes[i] as StdioMode;
    actions.descriptor(i, mode === "piped" ? (pipes[i] as PipeEnds).far : mode);
  }
  if (spec.cwd !== null) actions.directory(spec.cwd);
  if (shared) sharedActions.set(key, actions);
  return actions;
}

function startWith(
  actions: FileActions,
  spec: SpawnSpec,
  path: string,
  membership: Membership,
  group: AttributeChoice["group"],
): number {
  const attr = attributes({
    group,
    suspended: spec.suspended && DARWIN,
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
  if ((spec.suspended || membership.joinsStopped) && !DARWIN) {
    return startStopped(spec, path, membership, launch);
  }
  let result = launch([path].concat(spec.args));
  if (result === -ENOEXEC) {
    // A script without an interpreter line: as execvp(3) does it, and Deno.
    result = launch(["/bin/sh", path].concat(spec.args));
  }
  if (result > 0) return result;
  throw spawnFailure(spec, path, -result);
}

function startStopped(
  spec: SpawnSpec,
  path: string,
  membership: Membership,
  launch: (argv: readonly string[]) => number,
): number {
  const obstacle = execObstacle(path);
  if (obstacle !== 0) throw spawnFailure(spec, path, obstacle);
  const result = launch(stoppingArguments(path, spec.args));
  if (result < 0) throw spawnFailure(spec, path, -result);
  awaitStopped(result);
  try {
    membership.admit?.(result);
    if (!spec.suspended && libc().kill(result, SIGCONT) !== 0) {
      throw posixError("kill", errno(), { pid: result });
    }
  } catch (error) {
    // Stopped and not let in, or not to be woken: nothing of it may stay.
    libc().kill(result, SIGKILL);
    libc().wait4(result, null, 0, null);
    throw error;
  }
  return result;
}

const SIGKILL = 9;
const SIGCONT = 18; // Linux; macOS does not come here.

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
