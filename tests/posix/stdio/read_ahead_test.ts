/** How much of a child's output is read, or waits, before it is taken. */

import { assert } from "@std/assert";
import { Command } from "../../../mod.ts";

// A pipe and what is read at once, twice as much for luck.
const MOST = 4 * 65_536;
const WORK_MS = 0.01;

Deno.test({
  name: "a loop that does something for each line is not far behind a flood",
  // A pipe is as large as the system has it there.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using child = new Command("yes", {
      stdin: "null",
      stdout: "piped",
      timeout: 1_500,
      grace: 0,
    }).spawn();
    let ended = false;
    const status = child.status.then(() => ended = true);
    let behind = 0;
    for await (const line of child.lines()) {
      for (const end = performance.now() + WORK_MS; performance.now() < end;);
      if (ended) behind += line.length + 1;
      // With a pipe that was enlarged it would be a million.
      assert(behind <= MOST, `${behind} bytes came after the end`);
    }
    await status;
  },
});
