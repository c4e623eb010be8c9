/** Why a process still lives. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Command, explain } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const windows = Deno.build.os === "windows";

Deno.test("explain() refuses a number that is no process id", () => {
  for (const pid of [0, -1, 1.5, NaN, Infinity, 2 ** 31, "1"]) {
    assertThrows(
      () => explain(pid as number),
      RangeError,
      `Cannot explain process ${pid}: expected a process id from 1`,
    );
  }
});

Deno.test("explain() of a process that is gone says so", async () => {
  const child = new Command(denoPath(), { args: ["--version"], stdout: "null" })
    .spawn();
  await child.status;
  assertThrows(
    () => explain(child.pid),
    windows ? Deno.errors.NotSupported : Deno.errors.NotFound,
    `${child.pid}`,
  );
});

Deno.test({
  name: "explain() names process, state and parent",
  // Without signals there is nothing to explain; the test above has the error.
  ignore: windows,
  async fn() {
    await using child = new Command(denoPath(), { args: evalArgs(IDLE) })
      .spawn();
    const found = explain(child.pid);
    assertEquals(found.pid, child.pid);
    assertEquals(found.parent?.pid, Deno.pid);
    assert(found.maySignal);
    assertEquals(found.tracer, null);
    assertEquals(found.frozen, null);
  },
});
