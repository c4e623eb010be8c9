/**
 * The launch plan: how a program is started, decided once from the specification. It
 * holds the program found, after its permission was asked for, the errand of the
 * child, the preparation of the child from here, and the descriptors of both.
 *
 * @module
 */

import { argumentsHint } from "../../backend/errors.ts";
import type {
  DescriptorSpec,
  SpawnSpec,
  StdioFile,
} from "../../backend/spec.ts";
import { checkRunPermission } from "../../backend/permissions.ts";
import { readCString } from "../../ffi/c_string.ts";
import { fifoToWaitFor, refuseForbidden, STREAMS } from "../stdio/stdio.ts";
import { ENOENT, posixError } from "../system/errno.ts";
import { absolutePath } from "../system/file_system.ts";
import { DARWIN, libcWait } from "../system/libc.ts";
import type { Membership } from "../tree/membership.ts";
import { type ChildFile, type Errand, openLauncher } from "./launcher.ts";
import { childPath, findExecutable, loaderVariables } from "./executable.ts";
import { Hold } from "./held_start.ts";
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
