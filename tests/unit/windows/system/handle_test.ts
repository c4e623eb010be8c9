import { assertEquals } from "@std/assert";
import {
  FDEV,
  FOPEN,
  FPIPE,
  LARGEST_DESCRIPTOR,
  runtimeDescriptors,
} from "../../../../windows/system/handle.ts";

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (n) => n.toString(16).padStart(2, "0")).join("");

Deno.test("without descriptors there is no block", () => {
  assertEquals(runtimeDescriptors([]).length, 0);
});

Deno.test("the block is a count, the flags, and the handles behind them", () => {
  const block = runtimeDescriptors([
    { target: 4, handle: 0x1234n, flags: FOPEN | FPIPE },
    { target: 3, handle: 0x98n, flags: FOPEN | FDEV },
  ]);
  const none = "f".repeat(16);
  assertEquals(
    hex(block),
    "05000000" + "0000004109" + none + none + none +
      "9800000000000000" + "3412000000000000",
  );
});

Deno.test("the block with the largest number fits into cbReserved2", () => {
  const block = runtimeDescriptors([
    { target: LARGEST_DESCRIPTOR, handle: 1n, flags: FOPEN },
  ]);
  assertEquals(block.length, 4 + 2048 * 9);
  assertEquals(block.length < 65536, true);
});
