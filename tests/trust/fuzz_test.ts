/**
 * A slice of the differential fuzzing: some seconds.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { fuzz } from "./fuzz_command.ts";

Deno.test({
  name: "random commands come to the same by both",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0, // Users are changed to.
  sanitizeOps: false, // A write to what has ended may be pending.
  sanitizeResources: false,
  async fn() {
    const indices = Array.from({ length: 100 }, (_, i) => i);
    const { findings } = await fuzz(3, indices);
    assertEquals(findings, []);
  },
});
