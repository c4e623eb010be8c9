import { assertEquals } from "@std/assert";
import { median, pairwise, quantile, ratio } from "./statistics.ts";

Deno.test("median() is the middle one, or between the two middle ones", () => {
  assertEquals(median([3]), 3);
  assertEquals(median([9, 1, 2]), 2);
  assertEquals(median([4, 1, 100, 2]), 3);
  assertEquals(median([10, 9, 2]), 9); // by size, not as text
});

Deno.test("quantile() is not exceeded by that part of the figures", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assertEquals(quantile(hundred, 0.99), 99);
  assertEquals(quantile(hundred, 1), 100);
  assertEquals(quantile(hundred, 0), 1);
  assertEquals(quantile([7], 0.99), 7);
});

Deno.test("ratio() compares round by round, whatever the machine did between", () => {
  // Twice as slow in each round, while the machine became ten times slower.
  assertEquals(ratio([2, 4, 20], [1, 2, 10]), 2);
  // One of them had fewer rounds.
  assertEquals(ratio([3, 3], [1, 1, 99]), 3);
});

Deno.test("pairwise() leaves the figures in their order", () => {
  const later = [5, 1, 3];
  assertEquals(pairwise(later, [1, 1, 1], (a, b) => a - b), 2);
  assertEquals(later, [5, 1, 3]);
});
