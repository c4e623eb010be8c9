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
 * Guards of isolates of this process that have ended before are waited for and
 * reaped at the first spawn.
 *
 * @module
 */

import { cString, cStringArray } from "../../ffi/memory.ts";
import { addressOf } from "../../ffi/library.ts";
import { openPipe } from "../stdio/pipe.ts";
import { isExecutable } from "../system/file_system.ts";
import {
  atUnload,
  bindToDeno,
  bindToThread,
  closeBound,
  IN_WORKER,
} from "../system/isolate_end.ts";
import { SIGKILL } from "../signal/signal_process.ts";
import { DARWIN, libc, libcWait } from "../system/libc.ts";
import { attributes, FileActions } from "../system/posix_spawn.ts";
import {
  isDead,
  listChildren,
  listNumbers,
  listPids,
  type ProcStat,
  readLink,
  readProcFile,
  readStat,
} from "../system/proc_files.ts";
import { P_ALL, waitid, WEXITED, WNOHANG, WNOWAIT } from "../wait/reactor.ts";
import { GUARD_SCRIPT } from "./guard_script.ts";
import { sweepArguments } from "./guard_sweep.ts";
import {
  decodeTag,
  guardedGlobs,
  guardedPattern,
  limitOf,
  type OwnerNumbers,
  ownerNumbers,
} from "./owner.ts";

const SHELL = "/bin/sh";
const SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";

interface Guard {
  readonly pid: number;
  /** The writing end of its standard input. */
  readonly pipe: number;
}

let guard: Guard | null = null;
let listens = false;

/** The lines that the guard was told, by key: a guard started in its place gets them too. */
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
  const near = mayBeDropped() ? bindToDeno(pipe.near) : bindToThread(pipe.near);
  if (near === null) {
    const what = IN_WORKER ? "the end of this worker" : "a forced restart";
    notes[notes.length] =
      `${what} alone cannot be noticed, only the end of the process`;
  }
  guard = { pid, pipe: near ?? pipe.near };
  if (!listens) atUnload(endOfIsolate);
  listens = true;
  // A guard that was killed and started again gets the lines that the first one had.
  told.forEach((line) => write(line));
  return true;
}

// Restarts of these may drop an isolate without `unload`. It is Deno's own command
// line, as far as the script's cannot be told from it.
function mayBeDropped(): boolean {
  if (IN_WORKER || DARWIN) return false;
  const words = (readProcFile("/proc/self/cmdline") ?? "").split("\0");
  return words.some((one) => one.startsWith("--watch-hmr")) ||
    words[1] === "serve" && words.some((one) => one.startsWith("--watch"));
}

// From here on the guard ends all trees that it knows. A spawn after this, which
// there is after Deno.exit() in a test, starts another one.
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
  /** Whether the leader gets the signal first, and the others when it has ended. */
  readonly mainFirst?: boolean;
}

// The defaults of the script, for a tree that it is told nothing of.
const DEFAULT_TERMS = "TERM 500";

// More than a year, and small enough for the arithmetic of every shell.
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
 * Tells the guard which process of a tagged tree gets the soft signal before the others.
 *
 * @param digits The number of the tree as it stands in the tag.
 * @param pid The leader; 0: it is about to be reaped, and the others are not to wait.
 */
export function guardMain(digits: string, pid: number): void {
  const line = `f ${digits} ${pid}`;
  if (pid > 0) tell(`f ${digits}`, line);
  else if (told.delete(`f ${digits}`)) write(line);
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
 * Has the guard end a process group, where no tag marks the tree.
 *
 * @param pgid The group; greater than 1.
 * @param terms How it is ended.
 */
export function guardGroup(pgid: number, terms: Terms): void {
  tell(`+ ${pgid}`, `+ ${pgid} ${written(terms)}`);
  if (terms.mainFirst) tell(`x ${pgid}`, `x ${pgid}`);
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
  told.delete(`x ${pgid}`);
  write(`- ${pgid}`);
}

// Guards of ended isolates of this process: the run before a restart of `--watch`, the
// test file before, a worker. Such a guard still ends its trees, or has ended them and
// stays as a zombie, with the leaders of the trees: all are children of the process,
// and the isolate that would have reaped them is gone.
//
// A guard is recognized by its name, which holds the number of its owner. Its owner has
// ended when this process no longer has the other end of its pipe.

/**
 * How long the first spawn waits for the trees of ended isolates. In a worker these
 * may be those of another one, which has nothing to do with it.
 */
const MAX_WAIT_MS = IN_WORKER ? 1000 : 10_000;

const POLL_MS = 5;
const ROOT_NAME = "killable ";
const INNER_NAME = "killable i";

/**
 * The name of the guard of an owner: 15 bytes at most, as `/proc/<pid>/comm` holds.
 *
 * @param owner The owner.
 * @returns The name.
 */
export function guardName(owner: OwnerNumbers): string {
  return owner.innerOwner === 0
    ? ROOT_NAME + String(owner.root).padStart(6, "0")
    : INNER_NAME + owner.innerOwner;
}

/**
 * Waits until the guards of ended isolates of this process have done their work,
 * so that a new run finds nothing of the last one, its port included. Reaps them,
 * and the ended leaders of their trees.
 *
 * @param own This isolate as an owner; `null` where trees have no tags.
 * @returns A note on what did not end in time, or `""`.
 */
export function awaitFormerGuards(own: OwnerNumbers | null): string {
  // Most processes have no child when they start their first.
  if (DARWIN || !hasChildren()) return "";
  const deadline = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const working = workingGuards(own);
    if (working.length === 0) return "";
    if (performance.now() > deadline) {
      takeOver(working, own);
      return `the trees of a former run of this process have not ended within ${MAX_WAIT_MS} ms`;
    }
    libcWait().poll(null, 0n, POLL_MS);
  }
}

function hasChildren(): boolean {
  return waitid(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT) === 0;
}

// Guards of ended isolates that have not finished; those that have are reaped.
function workingGuards(own: OwnerNumbers | null): ProcStat[] {
  const working: ProcStat[] = [];
  const children = childrenOfProcess();
  for (let i = 0; i < children.length; i++) {
    const child = children[i] as ProcStat;
    if (isDead(child.state)) {
      if (child.name.startsWith(ROOT_NAME)) reapOwner(child, children, own);
    } else if (isGuard(child) && !ownerLives(child.pid)) {
      working[working.length] = child;
    }
  }
  return working;
}

function childrenOfProcess(): ProcStat[] {
  const children: ProcStat[] = [];
  const pids = listChildren(Deno.pid) ?? listPids() ?? [];
  for (let i = 0; i < pids.length; i++) {
    const stat = readStat(pids[i] as number);
    if (stat?.ppid === Deno.pid) children[children.length] = stat;
  }
  return children;
}

// By its command line: it takes its name a moment after its start.
function isGuard({ pid }: ProcStat): boolean {
  return (readProcFile(`/proc/${pid}/cmdline`) ?? "").includes(
    "\0killable-guard\0",
  );
}

// Whether this process still has the writing end of the guard's standard input.
function ownerLives(pid: number): boolean {
  const pipe = readLink(`/proc/${pid}/fd/0`);
  // It may have ended since, or not be readable: then nothing is known.
  if (pipe === null) return true;
  const fds = listNumbers("/proc/self/fd") ?? [];
  for (let i = 0; i < fds.length; i++) {
    if (readLink(`/proc/self/fd/${fds[i]}`) === pipe) return true;
  }
  return fds.length === 0;
}

// A guard that has exited has ended all trees of its owner: the process has only
// zombies of them left.
function reapOwner(
  guard: ProcStat,
  children: readonly ProcStat[],
  own: OwnerNumbers | null,
): void {
  for (let i = 0; i < children.length; i++) {
    const { pid, state } = children[i] as ProcStat;
    if (!isDead(state) || pid === guard.pid) continue;
    if (guard.name === nameOfOwner(pid, own)) reap(pid);
  }
  reap(guard.pid);
}

// The name that the guard of the owner of a tree has, by the tag of a member.
function nameOfOwner(pid: number, own: OwnerNumbers | null): string {
  const limit = limitOf(pid);
  const tag = typeof limit === "bigint" ? decodeTag(limit) : null;
  if (tag === null) return "";
  // In an outer tree its digits are the same for all owners of this process.
  const inner = own !== null && own.innerOwner !== 0;
  const name = guardName({ ...tag, innerOwner: inner ? tag.innerOwner : 0 });
  // Those of this isolate are reaped by itself.
  return own !== null && name === guardName(own) ? "" : name;
}

function reap(pid: number): void {
  libc().wait4(pid, null, WNOHANG, null);
}

// An isolate goes on after its unload (`Deno.exit()` in a test), and its former
// guard would end what it starts from now on: the next one ends both.
function takeOver(
  working: readonly ProcStat[],
  own: OwnerNumbers | null,
): void {
  for (let i = 0; i < working.length; i++) {
    const { pid, name } = working[i] as ProcStat;
    if (own === null || name !== guardName(own)) continue;
    libc().kill(pid, SIGKILL);
    libc().wait4(pid, null, 0, null);
  }
}
