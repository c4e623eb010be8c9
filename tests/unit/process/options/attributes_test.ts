import { assertEquals, assertThrows } from "@std/assert";
import {
  niceValue,
  terminalChoice,
} from "../../../../process/options/attributes.ts";
import {
  affinityMask,
  priorityClass,
} from "../../../../windows/spawn/resource_limits.ts";

Deno.test("the words of a priority are Node's nice values", () => {
  const words = ["idle", "below-normal", "normal", "above-normal", "high"];
  assertEquals(words.map(niceValue), [19, 10, 0, -7, -14]);
  assertEquals([niceValue(undefined), niceValue(-20), niceValue(19)], [
    null,
    -20,
    19,
  ]);
  // What an object has from its prototype is no word.
  assertThrows(() => niceValue("constructor"), TypeError, "constructor");
});

Deno.test("every nice value has a priority class, and none is real-time", () => {
  const classes = [0x80, 0x8000, 0x20, 0x4000, 0x40];
  const words = ["high", "above-normal", "normal", "below-normal", "idle"];
  assertEquals(words.map((word) => priorityClass(niceValue(word))), classes);
  assertEquals(priorityClass(null), 0);
  assertEquals([-20, -8, -1, 9, 18].map(priorityClass), [
    0x80,
    0x80,
    0x8000,
    0x20,
    0x4000,
  ]);
});

Deno.test("the affinity mask of Windows has 64 bits", () => {
  assertEquals(affinityMask([0, 2, 2, 63], "x"), 1n << 63n | 5n);
  assertThrows(() => affinityMask([64], "x"), RangeError, "above 63");
});

Deno.test("a pseudo-terminal has the size of a VT100 unless told otherwise", () => {
  assertEquals(terminalChoice({}), { foreground: false, pty: null });
  assertEquals(terminalChoice({ pty: false }).pty, null);
  assertEquals(terminalChoice({ pty: true }).pty, { columns: 80, rows: 24 });
  assertEquals(terminalChoice({ pty: { rows: 50 } }).pty, {
    columns: 80,
    rows: 50,
  });
  const fine = { pty: true, processGroup: "session", detached: true } as const;
  assertEquals(terminalChoice(fine).pty, { columns: 80, rows: 24 });
});
