/** Arguments that need not be UTF-8. */

import { assertEquals } from "@std/assert";
import {
  decodeArguments,
  rawArguments,
} from "../../../cli/arguments/raw_arguments.ts";

Deno.test("bytes that are no UTF-8 become lone surrogates", () => {
  const bytes = [
    ...[0x61, 0xff, 0], // No UTF-8 begins with this.
    ...[0], // An empty argument.
    ...[0xc3, 0xa4, 0xc3, 0], // A character, and half of one.
    ...[0xed, 0xb2, 0x80, 0], // A surrogate, which UTF-8 does not have.
    ...[0xf0, 0x9f, 0x98, 0x80, 0],
  ];
  assertEquals(decodeArguments(new Uint8Array(bytes)), [
    "a\udcff",
    "",
    "ä\udcc3",
    "\udced\udcb2\udc80",
    "\u{1f600}",
  ]);
});

Deno.test("arguments without a replacement character are not read again", () => {
  const args = ["a", "ä"];
  assertEquals(rawArguments(args) === args, true);
});

Deno.test("arguments that are not the program's are left as they are", () => {
  const args = ["not \uFFFD of this process"];
  assertEquals(rawArguments(args) === args, true);
});
