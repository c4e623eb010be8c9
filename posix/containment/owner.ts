/**
 * The lineage tag, a number that every descendant of a process carries and that
 * nothing resets (Linux; `lineage.ts` keeps it in a resource limit); and the number of
 * this isolate as an owner of trees, the part of the tag that all of its trees share.
 *
 * Nineteen decimal digits, so that a prefix can be looked for with grep in
 * `/proc/<pid>/limits`, where the kernel prints decimal:
 *
 * ```
 * magic 2 | root owner 6 | tree 4 | inner owner 4 | inner tree 3
 * ```
 *
 * The root owner is the isolate that started the outermost tree. An isolate
 * that runs inside a tagged tree is an inner owner: its trees keep the outer
 * digits, so the outer tree contains them whole. One that comes from a tree and has
 * lost its tag is a root owner with a number from {@linkcode STRAYED} on, so that no
 * tree is said to be empty that may contain its trees. The magic is 75 plus
 * {@linkcode WINDOW}, {@linkcode SPARE_OUTER}, {@linkcode SPARE_INNER}.
 *
 * @module
 */

import { EACCES, EPERM, ESRCH } from "../system/errno.ts";
import { bindErrno, errno, libc, libcLinux, libcWait } from "../system/libc.ts";
import {
  listPids,
  openFile,
  parseLocksLimit,
  procIsUsable,
  readProcFile,
} from "../system/proc_files.ts";
import { inheritsDetector } from "./slice.ts";

const MAGIC = 75n;
const MAGIC_UNIT = 10n ** 17n;
const ROOT_UNIT = 10n ** 11n;
const TREE_UNIT = 10n ** 7n;
const OWNER_UNIT = 10n ** 3n;

/** Set on the parent while it spawns; the child loses it right afterwards. */
export const WINDOW = 1;
/** The outer tree outlives its owner: no guard ends it. */
export const SPARE_OUTER = 2;
/** The inner tree outlives its owner. */
export const SPARE_INNER = 4;

/** The lowest number of a root owner that has lost the tag of the tree it is in. */
export const STRAYED = 900_000;

/** The largest number of trees of a root owner. */
export const MAX_TREE = 9999;
/** The largest number of trees of an inner owner. */
export const MAX_INNER_TREE = 999;

/** A tag taken apart. */
export interface Tag {
  /** Sum of WINDOW, SPARE_OUTER, SPARE_INNER. */
  readonly flags: number;
  /** Root owner, 0 to 999999. */
  readonly root: number;
  /** Tree of the root owner, 1 to 9999. */
  readonly tree: number;
  /** Inner owner, 0 (none) or 1 to 9999. */
  readonly innerOwner: number;
  /** Tree of the inner owner, 0 (none) or 1 to 999. */
  readonly innerTree: number;
}

/**
 * Puts a tag together.
 *
 * @param tag The parts.
 * @returns The number.
 */
export function encodeTag(tag: Tag): bigint {
  return (MAGIC + BigInt(tag.flags)) * MAGIC_UNIT +
    BigInt(tag.root) * ROOT_UNIT + BigInt(tag.tree) * TREE_UNIT +
    BigInt(tag.innerOwner) * OWNER_UNIT + BigInt(tag.innerTree);
}

/**
 * The same tag for another tree of the owner. Each spawn has a new one, and to put
 * all of it together takes seventeen steps with bigints.
 *
 * @param tag The owner's, with tree 0; for an inner owner, with inner tree 0.
 * @param number The tree.
 * @param inner Whether the owner is an inner one.
 * @returns The tag of the tree.
 */
export function tagOfTree(tag: bigint, number: number, inner: boolean): bigint {
  return tag + (inner ? BigInt(number) : BigInt(number) * TREE_UNIT);
}

/**
 * The number of a tree as it stands in its tag.
 *
 * @param number The tree.
 * @param inner Whether the owner is an inner one.
 * @returns Its digits, with leading zeros.
 */
export function treeDigits(number: number, inner: boolean): string {
  return String(number).padStart(inner ? 3 : 4, "0");
}

const WINDOW_UNIT = BigInt(WINDOW) * MAGIC_UNIT;

/**
 * The tag of this process while it spawns.
 *
 * @param tag The tag of the tree, without {@linkcode WINDOW}.
 * @returns The same with it.
 */
export function windowOf(tag: bigint): bigint {
  return tag + WINDOW_UNIT;
}

const LOWEST = MAGIC * MAGIC_UNIT;
const HIGHEST = (MAGIC + 8n) * MAGIC_UNIT;

/**
 * Takes a number apart.
 *
 * @param value A limit of some process.
 * @returns The parts, or `null` when it is no tag.
 */
export function decodeTag(value: bigint): Tag | null {
  if (value < LOWEST || value >= HIGHEST) return null;
  const magic = value / MAGIC_UNIT;
  const tree = Number((value % ROOT_UNIT) / TREE_UNIT);
  if (tree === 0) return null;
  return {
    flags: Number(magic - MAGIC),
    root: Number((value % MAGIC_UNIT) / ROOT_UNIT),
    tree,
    innerOwner: Number((value % TREE_UNIT) / OWNER_UNIT),
    innerTree: Number(value % OWNER_UNIT),
  };
}

/**
 * Whether a process is in a tree, by its tag alone.
 *
 * @param value The process's number.
 * @param tree The tag of the tree; its flags do not count.
 * @returns True for the tree itself and, for an outer tree, for all inner ones.
 */
export function inTree(value: bigint, tree: Tag): boolean {
  const tag = decodeTag(value);
  return tag !== null && isWithin(tag, tree);
}

/** The same of a tag that is taken apart. */
export function isWithin(tag: Tag, tree: Tag): boolean {
  if (tag.root !== tree.root || tag.tree !== tree.tree) return false;
  if (tree.innerOwner === 0) return true;
  return tag.innerOwner === tree.innerOwner && tag.innerTree === tree.innerTree;
}

/** The numbers of an owner; tree and innerOwner are 0 for a root owner. */
export interface OwnerNumbers {
  readonly root: number;
  readonly tree: number;
  readonly innerOwner: number;
}

/**
 * Whether a process is in a tree that ends with its owner.
 *
 * @param value The process's number.
 * @param owner The owner.
 * @returns True for trees of this owner, and trees inside them, that are not spared.
 */
export function isGuarded(value: bigint, owner: OwnerNumbers): boolean {
  const tag = decodeTag(value);
  if (tag === null || tag.root !== owner.root) return false;
  if (owner.innerOwner === 0) return (tag.flags & SPARE_OUTER) === 0;
  return tag.tree === owner.tree && tag.innerOwner === owner.innerOwner &&
    (tag.flags & SPARE_INNER) === 0;
}

// The first digits of every tag that is guarded.
function guardedPrefixes(owner: OwnerNumbers): string[] {
  const inner = owner.innerOwner !== 0;
  const spare = inner ? SPARE_INNER : SPARE_OUTER;
  const digits = String(owner.root).padStart(6, "0") +
    (inner
      ? String(owner.tree).padStart(4, "0") +
        String(owner.innerOwner).padStart(4, "0")
      : "");
  const prefixes: string[] = [];
  for (let flags = 0; flags < 8; flags++) {
    if ((flags & spare) === 0) {
      prefixes.push(`${MAGIC + BigInt(flags)}${digits}`);
    }
  }
  return prefixes;
}

const DIGITS = 19;

/**
 * A pattern for the trees that end with their owner in `/proc/<pid>/limits`.
 *
 * @param owner A tag of the owner: root, and for an inner owner its numbers.
 * @returns An extended regular expression (POSIX ERE) that matches the line.
 */
export function guardedPattern(owner: OwnerNumbers): string {
  const prefixes = guardedPrefixes(owner);
  const rest = DIGITS - (prefixes[0] as string).length;
  return `^Max file locks +(${prefixes.join("|")})[0-9]{${rest}} `;
}

/**
 * The same for a shell's `case`, and for the number alone.
 *
 * @param owner A tag of the owner.
 * @returns Patterns, with spaces in between.
 */
export function guardedGlobs(owner: OwnerNumbers): string {
  return guardedPrefixes(owner).map((one) => one.padEnd(DIGITS, "?")).join(" ");
}

const RLIMIT_LOCKS = 10;
const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

// A spawn takes milliseconds; on a machine without free memory or processes, more.
const WINDOW_MS = 10_000;

// struct rlimit (<sys/resource.h>): rlim_cur 0/8, rlim_max 8/8.
const limitIn = new BigUint64Array(2);
const limitOut = new BigUint64Array(2);
const limitInBytes = new Uint8Array(limitIn.buffer);
const limitOutBytes = new Uint8Array(limitOut.buffer);
const limitOutHalves = new Uint32Array(limitOut.buffer);
const ALL_ONES = 0xffff_ffff;

/**
 * Where a process keeps its tag.
 *
 * @param pid The process; 0 is this one.
 * @returns The soft limit; `"gone"` when there is no such process, `null` when
 * the limit is unlimited, as it is for every process that is in no tree.
 */
export function limitOf(pid: number): bigint | "gone" | null {
  const c = libcLinux();
  if (c.prlimit(pid, RLIMIT_LOCKS, null, limitOutBytes) === 0) {
    // RLIM_INFINITY, as nearly every process has it: no bigint is made for that.
    return limitOutHalves[0] === ALL_ONES && limitOutHalves[1] === ALL_ONES
      ? null
      : limitOut[0] as bigint;
  }
  if (errno() === ESRCH) return "gone";
  // Another user's, which a descendant may be after setuid (or a filter refuses
  // the call): this file is readable for every user.
  const path = `/proc/${pid}/limits`;
  const text = readProcFile(path);
  if (text !== null) return parseLocksLimit(text);
  // hidepid=1 (proc(5)) lists the processes of others, but hides their files; with
  // hidepid=2 they are not listed either.
  const fd = openFile(path);
  if (fd >= 0) libc().close(fd);
  return fd === -EPERM || fd === -EACCES ? null : "gone";
}

// The tag in a process's limit, if there is one.
export function tagOf(pid: number): Tag | null {
  const value = limitOf(pid);
  return typeof value === "bigint" ? decodeTag(value) : null;
}

export function writeLimit(pid: number, soft: bigint, hard: bigint): boolean {
  limitIn[0] = soft;
  limitIn[1] = hard;
  return libcLinux().prlimit(
    pid,
    RLIMIT_LOCKS,
    limitInBytes,
    limitOutBytes,
  ) === 0;
}

/** A tree of the owner, as far as its number is concerned. */
export interface OwnedTree {
  /** Whether its leader was reaped before it was known to be empty. */
  readonly abandoned: boolean;
  /** Gives its number back. */
  retire(): void;
  /** Gives its number back when nothing but its leader can have carried it. */
  retireIfAlone(next: number, now: number): void;
  /** The first process id that can be of it, 0 where that is not certain. */
  firstNumber(newest: number): number;
}

/** This isolate as an owner of trees. */
export interface Owner {
  /** The process's own limit outside of spawns. */
  readonly base: bigint;
  readonly hard: bigint;
  readonly root: number;
  /** Tree and flags of the outer tree that this process is in; tree 0: in none. */
  readonly outer: Tag | null;
  readonly innerOwner: number;
  /** The tags of its trees without their number: of those that end with it, and of the spared. */
  readonly guarded: bigint;
  readonly spared: bigint;
  readonly used: Map<number, OwnedTree>;
  /** A moment on the clock of `performance.now()` in clock ticks since boot, or a little less. */
  readonly ticksAt: (ms: number) => number;
  next: number;
  /** The tree that was started last. */
  latest: OwnedTree | null;
}

/** This isolate as an owner, or why it can be none. */
export type Ownership = { readonly owner: Owner } | {
  readonly obstacle: string;
};

let found: Ownership | null = null;

/** Finds out, on first use, whether this isolate can own tagged trees. */
export function ownership(): Ownership {
  if (found === null) {
    bindErrno();
    found = findOwner();
  }
  return found;
}

/** This isolate as an owner; `null` before the first use, and where it can be none. */
export function knownOwner(): Owner | null {
  return found !== null && "owner" in found ? found.owner : null;
}

/**
 * Whether there is lineage containment.
 *
 * @returns Why there is none, or `""`.
 */
export function lineageObstacle(): string {
  const own = ownership();
  return "obstacle" in own ? own.obstacle : "";
}

/** Numbers of this isolate as an owner: what its guard looks for. */
export function ownerNumbers(): OwnerNumbers | null {
  const own = ownership();
  if ("obstacle" in own) return null;
  const { root, outer, innerOwner } = own.owner;
  return { root, tree: outer?.tree ?? 0, innerOwner };
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

function findOwner(): Ownership {
  if (!procIsUsable()) {
    return {
      obstacle: "/proc is not mounted or belongs to another pid namespace",
    };
  }
  const limits = ownLimits();
  if (limits === null) {
    return {
      obstacle:
        "this process was tagged in the middle of a spawn, and that spawn did not end",
    };
  }
  const { base, hard } = limits;
  const outer = decodeTag(base);
  const ceiling = encodeTag({
    flags: 7,
    root: 999_999,
    tree: MAX_TREE,
    innerOwner: 9999,
    innerTree: 999,
  });
  if (hard < ceiling || !writeLimit(0, base, hard)) {
    return { obstacle: "the hard limit of RLIMIT_LOCKS was lowered" };
  }
  if (outer !== null && outer.innerOwner !== 0) {
    // The digits end here. A tag of our own would hide our children from the
    // tree that we are in; without one they carry its tag, and it holds them.
    return {
      obstacle:
        "this process is in a tree inside a tree, and tags distinguish two levels",
    };
  }
  const taken = takenNumbers(outer);
  const draw = outer === null ? rootNumber() : innerNumber;
  let number = outer === null ? draw() : ownNumber();
  while (taken.has(number)) number = draw();
  return { owner: { base, hard, outer, ...identity(outer, number) } };
}

function rootNumber(): () => number {
  return inheritsDetector()
    ? () => STRAYED + random(1_000_000 - STRAYED)
    : () => random(STRAYED);
}

function innerNumber(): number {
  return random(9999) + 1;
}

function identity(
  outer: Tag | null,
  number: number,
): Omit<Owner, "base" | "hard" | "outer"> {
  const flags = outer === null ? 0 : outer.flags & SPARE_OUTER;
  const spare = outer === null ? SPARE_OUTER : SPARE_INNER;
  const numbers = {
    root: outer === null ? number : outer.root,
    tree: outer?.tree ?? 0,
    innerOwner: outer === null ? 0 : number,
    innerTree: 0,
  };
  return {
    root: numbers.root,
    innerOwner: numbers.innerOwner,
    guarded: encodeTag({ ...numbers, flags }),
    spared: encodeTag({ ...numbers, flags: flags | spare }),
    used: new Map(),
    ticksAt: clockTicks(),
    next: 1,
    latest: null,
  };
}

// The clock of start times goes on while the machine sleeps, and performance.now()
// stands still: a time measured once is too early from then on, never too late.
function clockTicks(): (ms: number) => number {
  const uptime = parseFloat(readProcFile("/proc/uptime") ?? "");
  const offset = uptime * 1000 - performance.now();
  // A tick is 10 ms, and one is lost at each end.
  return (ms) => Number.isNaN(offset) ? 0 : Math.floor((ms + offset) / 10) - 2;
}

// Inner owners in one outer tree must differ. Processes that live at the same
// time have different pids; isolates of one process draw lots.
function ownNumber(): number {
  const worker = "WorkerGlobalScope" in globalThis;
  return worker ? innerNumber() : Deno.pid % 9999 + 1;
}

// The process's limit may be another isolate's tag at this moment, in the middle
// of its spawn. Such a value has the WINDOW flag and goes away when the spawn ends.
// Taken for the limit of this process, it would put our children into that
// isolate's tree.
function ownLimits(): { base: bigint; hard: bigint } | null {
  const deadline = performance.now() + WINDOW_MS;
  for (;;) {
    const value = limitOf(0);
    // The other half of the same answer.
    const hard = limitOut[1] as bigint;
    const base = typeof value === "bigint" ? value : RLIM_INFINITY;
    const tag = decodeTag(base);
    if (tag === null || (tag.flags & WINDOW) === 0) return { base, hard };
    if (performance.now() > deadline) return null;
    libcWait().poll(null, 0n, 1);
  }
}

// Owners that have living trees, so that no number is given twice.
function takenNumbers(outer: Tag | null): Set<number> {
  const taken = new Set<number>();
  const pids = listPids() ?? [];
  for (let i = 0; i < pids.length; i++) {
    const tag = tagOf(pids[i] as number);
    if (tag === null) continue;
    if (outer === null) taken.add(tag.root);
    else if (tag.root === outer.root && tag.tree === outer.tree) {
      taken.add(tag.innerOwner);
    }
  }
  return taken;
}
