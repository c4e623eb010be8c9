/**
 * The guard: one small process that ends our trees when this process has ended,
 * by whatever cause, SIGKILL and the out-of-memory killer included.
 *
 * A shell with a session of its own and an empty environment, started with the
 * first child that wants it. It needs to be told nothing about tagged trees: it
 * looks for this isolate's tag, so there is no moment between a spawn and its
 * registration. It ends by itself, when this process does.
 *
 * @module
 */

import { cString, cStringArray } from "../../ffi/c_string.ts";
import { addressOf } from "../../ffi/pointer.ts";
import { findExecutable } from "../spawn/executable.ts";
import { GUARD_SCRIPT } from "./guard_script.ts";
import { sweepArguments } from "./guard_sweep.ts";
import { DARWIN, libc } from "../system/libc.ts";
import { ownerNumbers } from "./owner.ts";
import { openPipe } from "../stdio/pipe.ts";
import { attributes, FileActions } from "../system/posix_spawn.ts";
import { guardedGlobs, guardedPattern, type OwnerNumbers } from "./tag.ts";
import { readLink } from "../system/proc_files.ts";

const SHELL = "/bin/sh";
const WNOHANG = 1;
const SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

interface Guard {
  readonly pid: number;
  /** The writing end of its standard input. */
  readonly pipe: number;
}

let guard: Guard | null = null;
const groups = new Set<number>();
const directories = new Set<string>();

/**
 * Sees to it that the guard runs.
 *
 * @returns Why there is none, or `""`.
 */
export function ensureGuard(): string {
  if (guard !== null && isAlive(guard)) return "";
  if (guard !== null) libc().close(guard.pipe);
  guard = null;
  const obstacle = guardObstacle();
  if (obstacle !== "") return obstacle;
  const pipe = openPipe("in");
  const pid = startShell(pipe.far);
  libc().close(pipe.far);
  if (pid <= 0) {
    libc().close(pipe.near);
    return `${SHELL} could not be started as the guard`;
  }
  guard = { pid, pipe: pipe.near };
  // A guard that was killed and started again is told what the first one knew.
  groups.forEach((pgid) => tell(`+ ${pgid}`));
  directories.forEach((directory) => tell(`c ${directory}`));
  return "";
}

/**
 * Whether there can be a guard.
 *
 * @returns Why not, or `""`.
 */
export function guardObstacle(): string {
  if ("errno" in findExecutable("sh", "/", "/bin")) {
    return "there is no /bin/sh to run the guard";
  }
  if (!DARWIN && "errno" in findExecutable("grep", "/", SYSTEM_PATH)) {
    return "there is no grep for the guard to look for tags with";
  }
  return "";
}

// One system call: also reaps a guard that somebody killed.
function isAlive(one: Guard): boolean {
  return libc().wait4(one.pid, null, WNOHANG, null) === 0;
}

function startShell(input: number): number {
  using actions = new FileActions();
  actions.descriptor(0, input);
  actions.descriptor(1, "null");
  actions.descriptor(2, "null");
  actions.directory("/");
  actions.closeFrom(3);
  const numbers = DARWIN ? null : ownerNumbers();
  const pattern = numbers === null ? "" : guardedPattern(numbers);
  const globs = numbers === null ? "" : guardedGlobs(numbers);
  const argv = [SHELL, "-c", GUARD_SCRIPT, "killable-guard", pattern, globs];
  const args = cStringArray(argv.concat(secondStage(numbers)));
  const env = cStringArray(guardEnvironment());
  const pid = new Int32Array(1);
  const error = libc().posix_spawn(
    new Uint8Array(pid.buffer),
    cString(SHELL),
    actions.bytes,
    attributes({ group: "session", suspended: false, cgroup: -1 }),
    new Uint8Array(args.pointers.buffer),
    addressOf(env.pointers),
  );
  return error === 0 ? pid[0] as number : -error;
}

// The program that helps the shell when that is too slow: this Deno, running a
// module of this library. A compiled program has no Deno to run it with.
function secondStage(numbers: OwnerNumbers | null): string[] {
  const { standalone } = Deno.build as { standalone?: boolean };
  if (numbers === null || standalone === true) return [];
  const deno = readLink("/proc/self/exe");
  if (deno === null) return [];
  return [deno].concat(sweepArguments(numbers));
}

// Nothing of ours but where Deno keeps its cache: the second stage needs it.
function guardEnvironment(): string[] {
  const env = [`PATH=${SYSTEM_PATH}`, "LC_ALL=C"];
  for (let i = 0; i < CACHE_VARIABLES.length; i++) {
    const name = CACHE_VARIABLES[i] as string;
    const pointer = libc().getenv(cString(name));
    if (pointer === null) continue;
    const value = Deno.UnsafePointerView.getCString(pointer);
    env[env.length] = `${name}=${value}`;
  }
  return env;
}

const CACHE_VARIABLES = ["DENO_DIR", "XDG_CACHE_HOME", "HOME"];

function tell(line: string): void {
  if (guard === null) return;
  const bytes = new TextEncoder().encode(`${line}\n`);
  // A full pipe would mean a guard that no longer reads; it is not waited for.
  libc().write(guard.pipe, bytes, BigInt(bytes.length));
}

/**
 * Has the guard end a process group, where no tag tells it what is ours.
 *
 * @param pgid The group; greater than 1.
 */
export function guardGroup(pgid: number): void {
  groups.add(pgid);
  tell(`+ ${pgid}`);
}

/**
 * Has the guard end and remove a cgroup.
 *
 * @param directory Its directory; without spaces.
 */
export function guardDirectory(directory: string): void {
  directories.add(directory);
  tell(`c ${directory}`);
}

/**
 * The cgroup is empty and about to be removed by ourselves.
 *
 * @param directory Its directory.
 */
export function forgetDirectory(directory: string): void {
  // A directory that is gone is nothing to the guard: it needs not be told.
  directories.delete(directory);
}

/**
 * The group is empty: its number may be a stranger's from now on.
 *
 * @param pgid The group.
 */
export function forgetGroup(pgid: number): void {
  if (groups.delete(pgid)) tell(`- ${pgid}`);
}
