/**
 * A bounded slice of chaos, with a fixed seed: about fifteen seconds.
 *
 * @module
 */

import { assert } from "@std/assert";

Deno.test({
  name: "random trees, ended in every way, leave nothing",
  ignore: Deno.build.os !== "linux", // The observer reads /proc.
  async fn() {
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        // deno-fmt-ignore
        args: [
          "run", "--quiet", "--no-config", "--no-lock", "-A", import.meta.resolve("./main.ts"),
          "--seed", "20", "--trees", "300", "--ms", "15000",
        ],
        stdin: "null",
      },
    ).output();
    const text = new TextDecoder().decode(stdout) +
      new TextDecoder().decode(stderr);
    assert(success, text);
  },
});
