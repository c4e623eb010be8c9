import { assertEquals } from "@std/assert";
import {
  consoleIsReady,
  type MemoryReader,
} from "../../../../windows/signal/console.ts";

/** A process whose memory has these pointers. */
function memory(pointers: Record<string, bigint>): MemoryReader {
  return (address, bytes) => {
    const value = pointers[address.toString(16)];
    return value === undefined ? null : BigInt.asUintN(bytes * 8, value);
  };
}

const WIDE = { wide: 0x1000n, narrow: 0n };
const NARROW = { wide: 0x1000n, narrow: 0x2000n };

Deno.test("consoleIsReady() tells a console's handle from the wish for one", () => {
  for (
    const [handle, ready] of [
      [0x44n, true],
      [0n, false],
      [-1n, false],
      [-2n, false],
      [-3n, false],
    ] as const
  ) {
    const wide = memory({ "1020": 0x5000n, "5010": handle });
    assertEquals(consoleIsReady(WIDE, wide), ready, `64 bits: ${handle}`);
    const narrow = memory({ "2010": 0x6000n, "6010": handle });
    assertEquals(consoleIsReady(NARROW, narrow), ready, `32 bits: ${handle}`);
  }
});

Deno.test("consoleIsReady() reads the block of a 32-bit process, not the other", () => {
  const both = memory({
    "1020": 0x5000n,
    "5010": -1n,
    "2010": 0x6000n,
    "6010": 0x44n,
  });
  assertEquals(consoleIsReady(NARROW, both), true);
  assertEquals(consoleIsReady(WIDE, both), false);
});

Deno.test("consoleIsReady() is false where memory cannot be read", () => {
  assertEquals(consoleIsReady(WIDE, memory({})), false);
  assertEquals(consoleIsReady(WIDE, memory({ "1020": 0n })), false);
  assertEquals(consoleIsReady({ wide: 0n, narrow: 0n }, memory({})), false);
});
