/** The report of a stop names the processes of a large tree without delaying its end. */

import { assert, assertEquals } from "@std/assert";
import { Command } from "../../../mod.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os === "windows";

Deno.test.beforeAll(warmUp);

Deno.test({
  name:
    "the processes of a large tree are all named, and few command lines are read",
  ignore,
  async fn() {
    const script =
      "i=0; while [ $i -lt 12 ]; do sleep 1000 & i=$((i + 1)); done; echo ready; wait";
    for (const grace of [0, 60_000]) {
      await using child = new Command("/bin/sh", {
        args: ["-c", script],
        stdin: "null",
        stdout: "piped",
      }).spawn();
      await child.ready({ line: "ready" });
      const { processes } = await child.stop({ grace });
      assertEquals(processes.length, 13);
      const [leader] = processes;
      assert(leader?.command.endsWith(script), leader?.command);
      assert(processes.every(({ name }) => name !== ""));
      assert(processes[7]?.command.endsWith("sleep 1000"));
      assertEquals(processes[12]?.command, processes[12]?.name);
      await child.stdout.cancel();
    }
  },
});
