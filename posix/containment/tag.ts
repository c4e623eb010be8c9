/**
 * The lineage tag: a number that every descendant of a process carries and that
 * nothing resets. Pure arithmetic; `lineage.ts` keeps it in a resource limit.
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
 * digits, so the outer tree contains them whole. The magic is 75 plus
 * {@linkcode WINDOW}, {@linkcode SPARE_OUTER}, {@linkcode SPARE_INNER}.
 *
 * @module
 */

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
