import { assertEquals } from "@std/assert";
import { rangePattern } from "../../../../posix/containment/slice.ts";

const RANGES: readonly (readonly [number, number])[] = [
  [1, 1],
  [0, 9],
  [7, 12],
  [95, 1203],
  [999, 1000],
  [100, 199],
  [1536, 2047],
  [1999, 2001],
];

for (const [low, high] of RANGES) {
  Deno.test(`the pattern of ${low} to ${high} is right for every number around`, () => {
    const pattern = new RegExp(`^(${rangePattern(low, high)})$`);
    for (let n = 0; n < 3000; n++) {
      assertEquals(pattern.test(String(n)), n >= low && n <= high, String(n));
    }
  });
}

Deno.test("the pattern of a block of slices is right at its ends", () => {
  const low = 1_400_000 + 37 * 512 + 1;
  const high = low + 510;
  const pattern = new RegExp(`^(${rangePattern(low, high)})$`);
  for (let n = low - 600; n < high + 600; n++) {
    assertEquals(pattern.test(String(n)), n >= low && n <= high, String(n));
  }
});
