/**
 * A bounded slice of chaos, with a fixed seed: about twenty seconds.
 *
 * @module
 */

import { assert } from "@std/assert";
import { findProgram } from "../real/place.ts";

const ignore = Deno.build.os !== "linux"; // The observer reads /proc.

async function succeeds(script: string, ...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: [
      "run", "--quiet", "--no-config", "--no-lock", "-A", import.meta.resolve(script),
    ].concat(args),
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  assert(success, text);
}

Deno.test({
  name: "random trees, ended in every way, leave nothing",
  ignore,
  fn: () =>
    succeeds("./main.ts", "--seed", "20", "--trees", "300", "--ms", "15000"),
});

Deno.test({
  name:
    "trees that lose one mark, and clone beside their parent, leave nothing",
  ignore: ignore || findProgram("cc", "gcc", "clang") === null,
  // deno-fmt-ignore
  fn: () =>
    succeeds("./main.ts", "--seed", "21", "--trees", "100", "--ms", "10000",
      "--losing", "one"),
});

Deno.test({
  name:
    "a parent killed between any two native calls of a spawn leaves nothing",
  ignore: ignore || findProgram("cc", "gcc", "clang") === null,
  fn: () => succeeds("./between_main.ts", "second"),
});
