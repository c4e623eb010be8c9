/**
 * The guard: one small process that ends the trees of this isolate when the
 * isolate has ended, whatever the cause: SIGKILL and the out-of-memory killer, a
 * restart of `--watch`, `worker.terminate()`.
 *
 * A shell with a session of its own and an empty environment, started with the
 * first child that wants it. It looks for the tag of this isolate, so there is no
 * moment between a spawn and its registration; it is told of a tree only what
 * differs from the defaults. It ends by itself, with the last tree.
 *
 * @module
 */

import { cString, cStringArray } from "../../ffi/c_string.ts";
import { addressOf } from "../../ffi/library.ts";
import { openPipe } from "../stdio/pipe.ts";
import { isExecutable } from "../system/file_system.ts";
import { atUnload, bindToThread, closeBound } from "../system/isolate_end.ts";
import { DARWIN, libc } from "../system/libc.ts";
import { attributes, FileActions } from "../system/posix_spawn.ts";
import { readLink } from "../system/proc_files.ts";
import { awaitFormerGuards, guardName } from "./former_guards.ts";
import { GUARD_SCRIPT } from "./guard_script.ts";
import { sweepArguments } from "./guard_sweep.ts";
import { ownerNumbers } from "./owner.ts";
import { guardedGlobs, guardedPattern, type OwnerNumbers } from "./tag.ts";

const SHELL = "/bin/sh";
const WNOHANG = 1;
const SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

interface Guard {
  readonly pid: number;
  /** The writing end of its standard input. */
  readonly pipe: number;
}

let guard: Guard | null = null;
let listens = false;
/** What the guard knows, for one that is started in place of it: line by key. */
const told = new Map<string, string>();

/**
 * Sees to it that the guard runs. The first call of an isolate waits until the
 * trees of isolates that have ended in this process are gone.
 *
 * @param notes Gets a line when there is no guard, or something was waited for.
 * @returns Whether it runs.
 */
export function ensureGuard(notes: string[]): boolean {
  if (guard !== null && isAlive(guard)) return true;
  if (guard !== null) closeBound(guard.pipe);
  guard = null;
  const obstacle = guardObstacle();
  if (obstacle !== "") {
    notes[notes.length] = obstacle;
    return false;
  }
  const numbers = DARWIN ? null : ownerNumbers();
  const waited = awaitFormerGuards(numbers);
  if (waited !== "") notes[notes.length] = waited;
  const pipe = openPipe("in");
  const pid = startShell(pipe.far, numbers);
  libc().close(pipe.far);
  if (pid <= 0) {
    libc().close(pipe.near);
    notes[notes.length] = `${SHELL} could not be started as the guard`;
    return false;
  }
  const near = bindToThread(pipe.near);
  if (near === null) {
    notes[notes.length] =
      "the end of this worker alone cannot be noticed, only that of the process";
  }
  guard = { pid, pipe: near ?? pipe.near };
  if (!listens) atUnload(endOfIsolate);
  listens = true;
  // A guard that was killed and started again is told what the first one knew.
  told.forEach((line) => write(line));
  return true;
}

// From here on the guard ends what it knows. A spawn after this, which there is
// after Deno.exit() in a test, starts another one.
function endOfIsolate(): void {
  if (guard === null) return;
  write("e");
  closeBound(guard.pipe);
  guard = null;
  told.clear();
}

/**
 * Whether there can be a guard.
 *
 * @returns Why not, or `""`.
 */
export function guardObstacle(): string {
  if (!isExecutable(SHELL)) {
    return "there is no /bin/sh to run the guard";
  }
  const folders = SYSTEM_PATH.split(":");
  if (!DARWIN && !folders.some((one) => isExecutable(`${one}/grep`))) {
    return "there is no grep for the guard to look for tags with";
  }
  return "";
}

// One system call: also reaps a guard that something has killed.
function isAlive(one: Guard): boolean {
  return libc().wait4(one.pid, null, WNOHANG, null) === 0;
}

function startShell(input: number, numbers: OwnerNumbers | null): number {
  using actions = new FileActions();
  actions.descriptor(0, input);
  actions.descriptor(1, "null");
  actions.descriptor(2, "null");
  actions.directory("/");
  actions.closeFrom(3);
  const inner = numbers !== null && numbers.innerOwner !== 0;
  // deno-fmt-ignore
  const argv = [
    SHELL, "-c", GUARD_SCRIPT, "killable-guard",
    numbers === null ? "" : guardedPattern(numbers),
    numbers === null ? "" : guardedGlobs(numbers),
    numbers === null ? "" : guardName(numbers),
    inner ? "3" : "4",
  ];
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

function tell(key: string, line: string): void {
  told.set(key, line);
  write(line);
}

function write(line: string): void {
  if (guard === null) return;
  const bytes = new TextEncoder().encode(`${line}\n`);
  // A full pipe would mean a guard that no longer reads; it is not waited for.
  libc().write(guard.pipe, bytes, BigInt(bytes.length));
}

/** How a tree is ended with its owner. */
export interface Terms {
  /** The soft signal. */
  readonly signal: string;
  /** Milliseconds until the hard kill; 0 kills at once. */
  readonly grace: number;
}

// What the script takes for a tree that it is told nothing of.
const DEFAULT_TERMS = "TERM 500";
// More than a year: what the arithmetic of every shell holds.
const MAX_CENTISECONDS = 2 ** 31 - 1;

function written({ signal, grace }: Terms): string {
  const centiseconds = Math.min(Math.ceil(grace / 10), MAX_CENTISECONDS);
  return `${signal.replace(/^SIG/, "")} ${centiseconds}`;
}

/**
 * Tells the guard how a tagged tree is to be ended, where that is not the default
 * and not what the last tree of this number had.
 *
 * @param digits The number of the tree as it stands in the tag.
 * @param terms How it is ended.
 * @returns Whether it had to be told.
 */
export function guardTree(digits: string, terms: Terms): boolean {
  const key = `t ${digits}`;
  const line = `${key} ${written(terms)}`;
  const known = told.get(key) ?? `${key} ${DEFAULT_TERMS}`;
  const asked = told.delete(`a ${digits}`);
  const askedLeader = told.delete(`l ${digits}`);
  if (!asked && !askedLeader && line === known) return false;
  tell(key, line);
  return true;
}

/**
 * Has the guard look for slices that mark trees.
 *
 * @param low The lowest, in nanoseconds.
 * @param high The highest.
 * @param pattern An extended regular expression for the numbers in between.
 */
export function guardMarks(low: number, high: number, pattern: string): void {
  tell(`m ${low}`, `m ${low} ${high} ${pattern}`);
}

/** No tree has one of these any more. */
export function forgetMarks(low: number): void {
  if (told.delete(`m ${low}`)) write(`w ${low}`);
}

/**
 * Tells the guard which tree a slice marks, where more is known of that tree than
 * the defaults.
 *
 * @param slice The slice, in nanoseconds.
 * @param digits The number of the tree as it stands in the tag.
 */
export function guardMark(slice: number, digits: string): void {
  const line = `k ${slice} ${digits}`;
  if (told.get(`k ${digits}`) !== line) tell(`k ${digits}`, line);
}

/**
 * Tells the guard of a leader, where nothing but the tag marks its tree.
 *
 * @param pid The leader.
 * @param digits The number of the tree as it stands in the tag.
 */
export function guardLeader(pid: number, digits: string): void {
  tell(`p ${pid}`, `p ${pid} ${digits}`);
}

/** The leader is about to be reaped: its number may be another process's from now on. */
export function forgetLeader(pid: number): void {
  if (told.delete(`p ${pid}`)) write(`q ${pid}`);
}

/**
 * Tells the guard that a tagged tree has been sent its soft signal, which then is
 * not sent again.
 *
 * @param digits The number of the tree as it stands in the tag.
 * @param pid The one process that has got it; 0: all that there are.
 */
export function guardAsked(digits: string, pid: number): void {
  const key = pid === 0 ? `a ${digits}` : `l ${digits}`;
  if (!told.has(key)) tell(key, pid === 0 ? key : `${key} ${pid}`);
}

/**
 * The same of a process group.
 *
 * @param pgid The group.
 */
export function guardAskedGroup(pgid: number): void {
  const key = `b ${pgid}`;
  if (told.has(`+ ${pgid}`) && !told.has(key)) tell(key, key);
}

/**
 * Has the guard end a process group, where no tag tells it what is ours.
 *
 * @param pgid The group; greater than 1.
 * @param terms How it is ended.
 */
export function guardGroup(pgid: number, terms: Terms): void {
  tell(`+ ${pgid}`, `+ ${pgid} ${written(terms)}`);
}

/**
 * Has the guard end and remove a cgroup.
 *
 * @param directory Its directory; without spaces.
 * @param terms How it is ended.
 */
export function guardDirectory(directory: string, terms: Terms): void {
  const grace = written(terms).split(" ")[1] as string;
  tell(`c ${directory}`, `c ${grace} ${directory}`);
}

/**
 * The cgroup is empty and about to be removed by this isolate.
 *
 * @param directory Its directory.
 */
export function forgetDirectory(directory: string): void {
  // A directory that is gone is nothing to the guard: it needs not be told.
  told.delete(`c ${directory}`);
}

/**
 * The group is empty: its number may be a stranger's from now on.
 *
 * @param pgid The group.
 */
export function forgetGroup(pgid: number): void {
  if (!told.delete(`+ ${pgid}`)) return;
  told.delete(`b ${pgid}`);
  write(`- ${pgid}`);
}
