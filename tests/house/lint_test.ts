/** The project's lint rules find what they are for, and nothing else. */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import plugin, { LONGEST_FUNCTION } from "./lint.ts";

// `Deno.lint.runPlugin` is there under `deno test`.
function found(path: string, code: string): string[] {
  const file = fromFileUrl(new URL(`../../${path}`, import.meta.url));
  return Deno.lint.runPlugin(plugin, file, code).map(({ id, range }) =>
    `${id} ${code.slice(...range)}`
  );
}

const FILE = "process/run/stop.ts";

for (
  const [code, at] of [
    ["for (const a of b) c(a);", "for (const a of b) c(a);"],
    ["f(...a);", "..."],
    ["const b = [...a];", "..."],
    ["const [a] = b;", "[a]"],
    ["function* f() { yield* g(); }", "yield* g()"],
    ["new Set(a);", "Set"],
    ["a.then(b);", "a.then"],
    ["a.catch(b);", "a.catch"],
    ["Promise.all(a);", "Promise.all"],
    ["Array.from(a);", "Array.from"],
  ] as const
) {
  Deno.test(`no-replaceable refuses ${code} in the library alone`, () => {
    assertEquals(found(FILE, code), [`killable/no-replaceable ${at}`]);
    for (const other of ["cli/main.ts", "tests/process/a_test.ts"]) {
      assertEquals(found(other, code), []);
    }
  });
}

for (
  const code of [
    "for await (const a of b) c(a);",
    "const b = { ...a };",
    "function f(...a: unknown[]) {}",
    "const { a } = b;",
    "new Set();",
    "function* f() { yield 1; }",
    "await a;",
  ]
) {
  Deno.test(`no-replaceable lets ${code} be`, () => {
    assertEquals(found(FILE, code), []);
  });
}

Deno.test("short-functions counts lines", () => {
  const lines = (count: number) =>
    `function f() {\n${"a();\n".repeat(count - 2)}}`;
  assertEquals(found(FILE, lines(LONGEST_FUNCTION)), []);
  assertEquals(found(FILE, lines(LONGEST_FUNCTION + 1)).length, 1);
  assertEquals(found("tests/a.ts", lines(LONGEST_FUNCTION + 1)), []);
});
