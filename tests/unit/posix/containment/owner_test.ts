import { assert, assertEquals } from "@std/assert";
import {
  decodeTag,
  encodeTag,
  guardedGlobs,
  guardedPattern,
  inTree,
  isGuarded,
  SPARE_INNER,
  SPARE_OUTER,
  type Tag,
  tagOfTree,
  WINDOW,
} from "../../../../posix/containment/owner.ts";

const OUTER: Tag = {
  flags: 0,
  root: 123456,
  tree: 78,
  innerOwner: 0,
  innerTree: 0,
};
const INNER: Tag = { ...OUTER, innerOwner: 9, innerTree: 5 };

// Numbers and how they read: magic 2 | root 6 | tree 4 | inner owner 4 | inner tree 3.
const TABLE: readonly (readonly [Tag, bigint])[] = [
  [OUTER, 75_123456_0078_0000_000n],
  [INNER, 75_123456_0078_0009_005n],
  [{ ...OUTER, flags: WINDOW }, 76_123456_0078_0000_000n],
  [{ ...OUTER, flags: SPARE_OUTER }, 77_123456_0078_0000_000n],
  [
    { flags: 7, root: 999_999, tree: 9999, innerOwner: 9999, innerTree: 999 },
    82_999999_9999_9999_999n,
  ],
  [
    { flags: 0, root: 0, tree: 1, innerOwner: 0, innerTree: 0 },
    75_000000_0001_0000_000n,
  ],
];

Deno.test("a tag is nineteen decimal digits, and reads back", () => {
  for (const [tag, number] of TABLE) {
    assertEquals(encodeTag(tag), number);
    assertEquals(decodeTag(number), tag);
    assertEquals(String(number).length, 19);
  }
});

Deno.test("tagOfTree() is the owner's tag with the number of a tree", () => {
  const outer = encodeTag({ ...OUTER, tree: 0 });
  assertEquals(tagOfTree(outer, 78, false), encodeTag(OUTER));
  assertEquals(
    tagOfTree(outer, 9999, false),
    encodeTag({ ...OUTER, tree: 9999 }),
  );
  const inner = encodeTag({ ...INNER, innerTree: 0 });
  assertEquals(tagOfTree(inner, 5, true), encodeTag(INNER));
  assertEquals(
    tagOfTree(inner, 999, true),
    encodeTag({ ...INNER, innerTree: 999 }),
  );
});

Deno.test("every tag is below the largest limit that 63 bits hold", () => {
  assert(TABLE[4]![1] < 2n ** 63n - 1n);
});

Deno.test("what is no tag is none", () => {
  for (
    const value of [
      0n,
      1n,
      1024n,
      2n ** 63n - 1n,
      2n ** 64n - 1n,
      74_999999_9999_9999_999n,
      83_000000_0001_0000_000n,
      // A tree number of 0 belongs to no tree.
      75_123456_0000_0000_000n,
    ]
  ) assertEquals(decodeTag(value), null, String(value));
});

Deno.test("an outer tree contains its inner trees, an inner tree only itself", () => {
  assert(inTree(encodeTag(OUTER), OUTER));
  assert(inTree(encodeTag(INNER), OUTER));
  assert(inTree(encodeTag(INNER), INNER));
  assert(!inTree(encodeTag(OUTER), INNER));
  assert(!inTree(encodeTag({ ...INNER, innerTree: 6 }), INNER));
  assert(!inTree(encodeTag({ ...INNER, innerOwner: 8 }), INNER));
  assert(!inTree(encodeTag({ ...OUTER, tree: 79 }), OUTER));
  assert(!inTree(encodeTag({ ...OUTER, root: 123457 }), OUTER));
  assert(!inTree(2n ** 64n - 1n, OUTER));
});

Deno.test("flags do not change what a process belongs to", () => {
  for (let flags = 0; flags < 8; flags++) {
    assert(inTree(encodeTag({ ...OUTER, flags }), OUTER));
    assert(
      inTree(encodeTag({ ...INNER, flags }), { ...INNER, flags: 7 - flags }),
    );
  }
});

const ROOT_OWNER = { root: 123456, tree: 0, innerOwner: 0 };
const INNER_OWNER = { root: 123456, tree: 78, innerOwner: 9 };

// Which trees are ended with which owner: tag, with the root owner, with the inner owner.
const GUARDED: readonly (readonly [Tag, boolean, boolean])[] = [
  [OUTER, true, false],
  [INNER, true, true],
  [{ ...OUTER, flags: WINDOW }, true, false],
  [{ ...OUTER, flags: SPARE_OUTER }, false, false],
  [{ ...INNER, flags: SPARE_OUTER }, false, true],
  [{ ...INNER, flags: SPARE_INNER }, true, false],
  [{ ...INNER, flags: SPARE_INNER | SPARE_OUTER }, false, false],
  [{ ...INNER, tree: 79 }, true, false],
  [{ ...INNER, innerOwner: 10 }, true, false],
  [{ ...OUTER, root: 12345 }, false, false],
];

Deno.test("the guard ends the trees of its owner that are not spared", () => {
  for (const [tag, withRoot, withInner] of GUARDED) {
    const value = encodeTag(tag);
    assertEquals(
      isGuarded(value, ROOT_OWNER),
      withRoot,
      `${value} of the root`,
    );
    assertEquals(
      isGuarded(value, INNER_OWNER),
      withInner,
      `${value} of the inner`,
    );
  }
  assertEquals(isGuarded(1024n, ROOT_OWNER), false);
});

Deno.test("the guard's pattern for grep says the same of a line of /proc/<pid>/limits", () => {
  const root = new RegExp(guardedPattern(ROOT_OWNER));
  const inner = new RegExp(guardedPattern(INNER_OWNER));
  for (const [tag, withRoot, withInner] of GUARDED) {
    const line = `Max file locks            ${
      encodeTag(tag)
    }  unlimited            locks     `;
    assertEquals(root.test(line), withRoot, line);
    assertEquals(inner.test(line), withInner, line);
  }
  const other = `Max pending signals       ${
    encodeTag(OUTER)
  }  unlimited            signals   `;
  assertEquals(root.test(other), false);
});

Deno.test("the guard's globs say the same of the number alone", () => {
  const matches = (owner: typeof ROOT_OWNER, number: string): boolean =>
    guardedGlobs(owner).split(" ").some((glob) =>
      new RegExp(`^${glob.replaceAll("?", ".")}$`).test(number)
    );
  for (const [tag, withRoot, withInner] of GUARDED) {
    const number = String(encodeTag(tag));
    assertEquals(matches(ROOT_OWNER, number), withRoot, number);
    assertEquals(matches(INNER_OWNER, number), withInner, number);
  }
  assertEquals(matches(ROOT_OWNER, "75123456"), false);
  assertEquals(matches(ROOT_OWNER, "unlimited"), false);
});
