/** A slice of failure injection, with a fixed seed. */

import { assertEquals } from "@std/assert";
import { inject } from "./driver.ts";

Deno.test({
  name:
    "a native call that fails leaks nothing, leaves nothing and hangs nothing",
  ignore: Deno.build.os !== "linux" || Deno.build.arch !== "x86_64",
  async fn() {
    const { findings } = await inject({
      only: ["output", "outputSync", "stop", "suspended", "preparedSuspended"],
      sample: 15,
      seed: 8,
      progress: () => {},
    });
    assertEquals(findings, []);
  },
});
