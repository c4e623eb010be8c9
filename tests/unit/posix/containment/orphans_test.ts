/**
 * Orphans that come to this process: each is judged once, ours are reaped, and the
 * looks leave time for all else. In a process of its own, which is made a subreaper.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { denoUnderTest } from "../../../fixtures/deno.ts";

const HOST = new URL("../../../fixtures/orphans_host.ts", import.meta.url);

Deno.test({
  name: "an orphan's zombie is judged once, and reaped when it is ours",
  // Below qemu no orphan came to the process that had asked for them.
  ignore: Deno.build.os !== "linux" ||
    Deno.env.get("KILLABLE_TEST_QEMU") !== undefined,
  async fn() {
    const { stdout, stderr, code } = await new Deno.Command(denoUnderTest(), {
      args: ["run", "--quiet", "--no-lock", "--no-check", "-A", HOST.href],
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stderr)], [0, ""]);
    assertEquals(JSON.parse(decoder.decode(stdout)), {
      zombies: 20,
      judged: 20,
      judgedAgain: 0,
      leftWhenOthers: 20,
      newOnesJudged: 5,
      leftWhenOurs: 20,
    });
  },
});
