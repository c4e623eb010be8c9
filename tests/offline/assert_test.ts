import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotInstanceOf,
  assertNotMatch,
  assertNotStrictEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
  unimplemented,
  unreachable,
} from "@std/assert";

/** Whether `fn` fails an assertion: found out without the code under test. */
function fails(fn: () => void, includes = ""): boolean {
  try {
    fn();
  } catch (error) {
    return error instanceof AssertionError && error.name === "AssertionError" &&
      error.message.includes(includes);
  }
  return false;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

class Box {
  constructor(readonly value: unknown) {}
}
class SubBox extends Box {}
const cycle: { self?: unknown } = {};
cycle.self = cycle;
const otherCycle: { self?: unknown } = {};
otherCycle.self = otherCycle;

/** Pairs that are equal, and what is special about them. */
const EQUAL: [string, unknown, unknown][] = [
  ["NaN", NaN, NaN],
  ["signed zeros", 0, -0],
  ["signed zeros inside", [0], [-0]],
  ["bigint", 1n, 1n],
  ["order of keys", { a: 1, b: 2 }, { b: 2, a: 1 }],
  [
    "null prototype",
    Object.assign(Object.create(null), { a: [1] }),
    { a: [1] },
  ],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
  ["dates", new Date(5), new Date(5)],
  ["invalid dates", new Date(NaN), new Date(NaN)],
  ["patterns", /a/g, /a/g],
  ["urls", new URL("file:///a"), new URL("file:///a")],
  ["sets of objects", new Set([{ a: 1 }, 2]), new Set([2, { a: 1 }])],
  ["maps", new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]])],
  [
    "maps with object keys",
    new Map([[{ k: 1 }, 1]]),
    new Map([[{ k: 1 }, 1]]),
  ],
  ["instances", new Box([1]), new Box([1])],
  ["cycles", cycle, otherCycle],
  ["symbol keys", { [Symbol.iterator]: 1 }, { [Symbol.iterator]: 1 }],
];

/** Pairs that are not. */
const DIFFERENT: [string, unknown, unknown][] = [
  ["number and string", 1, "1"],
  ["null and undefined", null, undefined],
  ["missing and undefined", {}, { a: undefined }],
  ["undefined and null inside", { a: undefined }, { a: null }],
  ["array and object", [], {}],
  ["lengths", [1], [1, 2]],
  ["holes", new Array(1), [undefined]],
  ["bytes", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["kinds of arrays", new Uint8Array([1]), new Uint16Array([1])],
  ["dates", new Date(5), new Date(6)],
  ["patterns", /a/g, /a/i],
  ["urls", new URL("file:///a"), new URL("file:///b")],
  ["sets", new Set([1]), new Set([2])],
  ["sets of objects", new Set([{ a: 1 }]), new Set([{ a: 2 }])],
  ["maps", new Map([["a", 1]]), new Map([["a", 2]])],
  ["classes", new Box(1), new SubBox(1)],
  ["instances", new Box(1), new Box(2)],
  ["functions", () => 1, () => 1],
  ["errors", new Error("a"), new Error("b")],
  ["symbol keys", { [Symbol.iterator]: 1 }, { [Symbol.iterator]: 2 }],
  ["object and null", {}, null],
];

Deno.test("equal() and assertEquals() agree on what is equal", () => {
  for (const [what, a, b] of EQUAL) {
    check(equal(a, b) && equal(b, a), what);
    assertEquals(a, b);
    check(fails(() => assertNotEquals(a, b)), what);
  }
});

Deno.test("equal() and assertEquals() agree on what is different", () => {
  for (const [what, a, b] of DIFFERENT) {
    check(!equal(a, b) && !equal(b, a), what);
    assertNotEquals(a, b);
    check(fails(() => assertEquals(a, b), "Values are not equal"), what);
  }
  check(fails(() => assertEquals(1, 2, "why"), "why"), "own message");
});

Deno.test("equal() refuses weak collections", () => {
  assertThrows(() => equal(new WeakMap(), new WeakMap()), TypeError);
  assertThrows(() => equal(new WeakSet(), new WeakSet()), TypeError);
});

Deno.test("assertStrictEquals() is Object.is()", () => {
  const object = {};
  assertStrictEquals(object, object);
  assertStrictEquals(NaN, NaN);
  check(fails(() => assertStrictEquals({}, {})), "objects");
  check(fails(() => assertStrictEquals(0, -0)), "zeros");
  assertNotStrictEquals({}, {});
  check(fails(() => assertNotStrictEquals(1, 1)), "ones");
});

Deno.test("assert(), assertFalse() and assertExists() narrow types", () => {
  const text: string | null = ["a"][0] ?? null;
  assert(text !== null);
  const length: number = text.length;
  assertEquals(length, 1);
  const maybe: string | undefined = ["b"].at(0);
  assertExists(maybe);
  assertEquals(maybe.length, 1);
  assertExists(0);
  assertFalse(0);
  check(fails(() => assert(0, "zero"), "zero"), "assert");
  check(fails(() => assertFalse(1, "one"), "one"), "assertFalse");
  check(fails(() => assertExists(null), "null"), "null");
  check(fails(() => assertExists(undefined)), "undefined");
});

Deno.test("fail(), unreachable() and unimplemented() fail", () => {
  check(fails(() => fail("x"), "Failed assertion: x"), "fail");
  check(fails(() => unreachable("x"), "Unreachable: x"), "unreachable");
  check(fails(() => unimplemented("x"), "Unimplemented: x"), "unimplemented");
});

Deno.test("assertAlmostEquals() has a relative default tolerance", () => {
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(1, 1.4, 0.5);
  check(fails(() => assertAlmostEquals(1, 1.1)), "1.1");
  check(fails(() => assertAlmostEquals(1, NaN)), "NaN");
});

Deno.test("assertGreater() and the others compare", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(2n, 2n);
  assertLess("a", "b");
  assertLessOrEqual(1, 1);
  check(fails(() => assertGreater(1, 1), "1 > 1"), ">");
  check(fails(() => assertGreaterOrEqual(1, 2)), ">=");
  check(fails(() => assertLess(1, 1)), "<");
  check(fails(() => assertLessOrEqual(NaN, 1)), "<=");
});

Deno.test("assertStringIncludes(), assertMatch() and assertNotMatch()", () => {
  assertStringIncludes("abc", "b");
  assertMatch("abc", /B/i);
  assertNotMatch("abc", /d/);
  check(fails(() => assertStringIncludes("abc", "d")), "includes");
  check(fails(() => assertMatch("abc", /d/)), "match");
  check(fails(() => assertNotMatch("abc", /b/)), "not match");
});

Deno.test("assertArrayIncludes() compares deeply, in any order", () => {
  assertArrayIncludes([1, 2, { a: 1 }], [{ a: 1 }, 1]);
  assertArrayIncludes(new Uint8Array([1, 2]), new Uint8Array([2]));
  assertArrayIncludes([NaN], [NaN]);
  check(fails(() => assertArrayIncludes([1, 2], [3]), "3"), "missing");
});

Deno.test("assertObjectMatch() allows more, never less", () => {
  assertObjectMatch({ a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } });
  assertObjectMatch({ a: [1, 2] }, { a: [1] });
  assertObjectMatch({ a: [{ x: 1, y: 2 }] }, { a: [{ x: 1 }] });
  assertObjectMatch(
    { m: new Map([["k", 1], ["l", 2]]) },
    { m: new Map([["k", 1]]) },
  );
  assertObjectMatch({ s: new Set([1, 2]) }, { s: new Set([2]) });
  assertObjectMatch({ r: /a/, d: new Date(1) }, { r: /a/, d: new Date(1) });
  assertObjectMatch(new Box(1) as unknown as Record<string, unknown>, {
    value: 1,
  });
  assertObjectMatch({ a: cycle }, { a: otherCycle });
  check(fails(() => assertObjectMatch({ a: 1 }, { a: 2 })), "value");
  check(fails(() => assertObjectMatch({ a: 1 }, { b: 1 })), "key");
  check(fails(() => assertObjectMatch({ a: [1] }, { a: [1, 2] })), "shorter");
  check(fails(() => assertObjectMatch({ a: /a/ }, { a: /b/ })), "pattern");
  check(
    fails(() => assertObjectMatch({ a: 1 }, { a: 1, b: undefined })),
    "undefined",
  );
  check(
    fails(() => assertObjectMatch({ s: new Set([1]) }, { s: new Set([2]) })),
    "set",
  );
});

Deno.test("assertInstanceOf() and assertNotInstanceOf() narrow types", () => {
  const value: unknown = new SubBox(1);
  assertInstanceOf(value, Box);
  assertEquals(value.value, 1);
  assertNotInstanceOf(value, Date);
  check(fails(() => assertInstanceOf({}, Box), "Box"), "plain");
  check(fails(() => assertInstanceOf(null, Box)), "null");
  check(fails(() => assertNotInstanceOf(new Box(1), Box)), "not");
});

Deno.test("assertIsError() checks class and message", () => {
  const error: unknown = new RangeError("Out of range: 5");
  assertIsError(error, RangeError, "range");
  const { message } = error;
  assertEquals(message, "Out of range: 5");
  assertIsError(error, Error, /\d/);
  assertIsError(error);
  check(fails(() => assertIsError("text"), "Error object"), "no error");
  check(fails(() => assertIsError(error, SyntaxError), "SyntaxError"), "class");
  check(fails(() => assertIsError(error, RangeError, "nope"), "nope"), "text");
  check(fails(() => assertIsError(error, RangeError, /x/)), "pattern");
});

Deno.test("assertThrows() returns what was thrown", () => {
  const thrown: unknown = assertThrows(() => {
    throw 5;
  });
  assertEquals(thrown, 5);
  const error: TypeError = assertThrows(
    () => {
      throw new TypeError("Cannot do that");
    },
    TypeError,
    "do that",
  );
  assertEquals(error.message, "Cannot do that");
  check(fails(() => assertThrows(() => 1, "mine"), "mine"), "no throw");
  check(
    fails(() =>
      assertThrows(() => {
        throw 5;
      }, Error)
    ),
    "not an error",
  );
});

Deno.test("assertRejects() wants a promise that is rejected", async () => {
  const error: Deno.errors.NotFound = await assertRejects(
    () => Promise.reject(new Deno.errors.NotFound("No such file")),
    Deno.errors.NotFound,
    "No such",
  );
  assertEquals(error.name, "NotFound");
  const reason: unknown = await assertRejects(() => Promise.reject(5));
  assertEquals(reason, 5);
  const attempts: (() => Promise<unknown>)[] = [
    () => assertRejects(() => Promise.resolve()),
    () =>
      assertRejects(() => {
        throw new Error("synchronous");
      }),
    () => assertRejects(() => Promise.reject(5), Error),
    () => assertRejects(() => Promise.reject(new Error("a")), Error, "b"),
    () => assertRejects(() => 1 as unknown as Promise<void>),
  ];
  for (const attempt of attempts) {
    const failure = await attempt().then(() => null, (e: unknown) => e);
    check(failure instanceof AssertionError, String(attempt));
  }
});
