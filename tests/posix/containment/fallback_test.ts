/** What is done where something of the kernel's is missing. */

import { assertEquals } from "@std/assert";
import { Command } from "../../../mod.ts";
import {
  openPidfd,
  refusePidfds,
} from "../../../posix/signal/signal_process.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { waitForText } from "../../fixtures/eval.ts";
import {
  newMarker,
  ownZombies,
  processesWith,
} from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const ignore = Deno.build.os !== "linux";

/** Runs `body` as on a kernel without pidfds. */
async function withoutPidfds(body: () => Promise<void>): Promise<void> {
  refusePidfds(true);
  try {
    assertEquals(openPidfd(Deno.pid), -38);
    await body();
  } finally {
    refusePidfds(false);
  }
}

Deno.test({
  name: "without pidfds, output(), outputSync(), status and stop() work",
  ignore,
  async fn() {
    await withoutPidfds(async () => {
      const echo = new Command("sh", {
        args: ["-c", "cat; exit 3"],
        input: "in",
      });
      const run = await within(echo.output(), "output()");
      assertEquals([run.code, new TextDecoder().decode(run.stdout)], [3, "in"]);
      const sync = echo.outputSync();
      assertEquals([sync.code, new TextDecoder().decode(sync.stdout)], [
        3,
        "in",
      ]);
      const child = new Command("sh", {
        args: ["-c", "exit 4"],
        stdout: "null",
      }).spawn();
      assertEquals((await within(child.status, "the status")).code, 4);
      const late = new Command("sleep", {
        args: ["100"],
        timeout: 50,
        grace: 0,
      });
      assertEquals((await late.output()).timedOut, true);
      assertEquals(late.outputSync().timedOut, true);
    });
    assertEquals(ownZombies(), []);
  },
});

Deno.test({
  name: "without pidfds, a tree with a daemon is ended, and its end is noticed",
  ignore,
  async fn() {
    const marker = newMarker();
    await withoutPidfds(async () => {
      const child = new Command("sh", {
        args: [
          "-c",
          "setsid sleep $M & sh -c 'trap \"\" TERM; echo ready; sleep $M; sleep $M' & wait",
        ],
        env: { M: marker },
        stdin: "null",
        stdout: "piped",
      }).spawn();
      await waitForText(child.stdout);
      await until(() => processesWith(marker).length >= 4, "the whole tree");
      const report = await within(child.stop({ grace: 100 }), "the stop");
      assertEquals(processesWith(marker), []);
      assertEquals(report.survivors, 0);
      await child.stdout.cancel();
      const brief = new Command("sh", {
        args: ["-c", "sleep 0.2 & exit"],
        stdout: "null",
      }).spawn();
      await within(brief.treeExited, "treeExited");
    });
  },
});

Deno.test({
  name: "without pidfds, many children at once keep their statuses",
  ignore,
  async fn() {
    await withoutPidfds(async () => {
      const children = Array.from(
        { length: 50 },
        (_, i) =>
          new Command("sh", { args: ["-c", `exit ${i}`], stdout: "null" })
            .spawn(),
      );
      const statuses = await within(
        Promise.all(children.map((one) => one.status)),
        "all",
      );
      assertEquals(
        statuses.map((one) => one.code),
        Array.from({ length: 50 }, (_, i) => i),
      );
    });
  },
});

Deno.test({
  name:
    "with a lowered hard limit there is no lineage: auto says so, and lineage is refused",
  ignore,
  async fn() {
    const source = `import { Command, capabilities } from ${
      JSON.stringify(import.meta.resolve("../../../mod.ts"))
    };
      const child = new Command("sh", { args: ["-c", "sleep 100 & sleep 100"], stdout: "null" }).spawn();
      const { mechanism, holdsEscapees, notes } = child.containment;
      const report = await child.stop({ grace: 0 });
      let refused = "";
      try { new Command("true", { containment: "lineage" }).spawn(); } catch (error) { refused = error.name; }
      console.log(JSON.stringify([mechanism, holdsEscapees, notes.length > 0, report.escalated, refused, capabilities().containment]));`;
    const run = await new Deno.Command("prlimit", {
      args: [
        "--locks=1000:1000",
        Deno.execPath(),
        "eval",
        "--quiet",
        "--no-config",
        "--no-lock",
        source,
      ],
    }).output();
    const said = new TextDecoder().decode(run.stdout);
    assertEquals(
      said === "" ? new TextDecoder().decode(run.stderr) : JSON.parse(said),
      ["process-group", false, true, 3, "NotSupported", "process-group"],
    );
  },
});
