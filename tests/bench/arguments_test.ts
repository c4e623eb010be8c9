import { assertEquals, assertThrows } from "@std/assert";
import { readArguments } from "./arguments.ts";
import { ROWS } from "./rows.ts";

function names(...argv: string[]): string[] {
  return readArguments(argv, ROWS).rows.map((row) => row.name);
}

Deno.test("readArguments() without arguments means all rows", () => {
  assertEquals(readArguments([], ROWS), {
    rows: ROWS,
    rounds: undefined,
    quick: false,
    out: undefined,
    merge: undefined,
  });
});

Deno.test("readArguments() takes a row by its name, or several by their beginning", () => {
  assertEquals(names("--only", "tree10"), ["tree10"]);
  assertEquals(names("--only", "tree"), ["tree10", "tree100", "tree1000"]);
  // In their own order, each once.
  assertEquals(names("--only=many,spawn,spawn"), ["spawn", "many"]);
});

for (
  const wrong of [
    ["--only", "spawm"],
    ["--only", ""],
    ["--rounds", "0"],
    ["--rounds", "many"],
    ["--slow"],
    ["spawn"],
  ]
) {
  Deno.test(`readArguments() refuses ${wrong.join(" ")}`, () => {
    assertThrows(() => readArguments(wrong, ROWS), TypeError);
  });
}
