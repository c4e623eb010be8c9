/** Races that are made to happen, in the order that hurts. */

import { assertEquals } from "@std/assert";
import { Command } from "../../../mod.ts";
import { PATIENCE, until, within } from "../../fixtures/deadline.ts";
import { denoArgs } from "../../fixtures/deno.ts";
import { waitForText } from "../../fixtures/eval.ts";
import {
  newMarker,
  ownZombies,
  processesWith,
  statOf,
} from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

const ignore = Deno.build.os !== "linux";

Deno.test.beforeAll(warmUp);

/** Looks without letting the event loop turn. */
function spinUntil(condition: () => boolean, what: string): void {
  const deadline = performance.now() + PATIENCE;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`In vain: ${what}`);
  }
}

/** Runs a script in a process of its own and returns what it printed as JSON. */
async function inProcess(
  body: string,
  started?: (pid: number) => Promise<void>,
): Promise<unknown> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const mod = JSON.stringify(import.meta.resolve("../../../mod.ts"));
  try {
    await Deno.writeTextFile(file, `import { Command } from ${mod};\n${body}`);
    const child = new Deno.Command(Deno.execPath(), {
      args: denoArgs(new URL(`file://${file}`)),
      stdin: "null",
      stdout: "piped",
    }).spawn();
    await started?.(child.pid);
    const { stdout } = await within(child.output(), "the script");
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(file);
  }
}

Deno.test({
  name: "a child that is over before anybody listens keeps its status",
  ignore,
  async fn() {
    for (let i = 0; i < 20; i++) {
      const child = new Command("sh", {
        args: ["-c", `exit ${i}`],
        stdout: "null",
      })
        .spawn();
      spinUntil(() => statOf(child.pid)?.state === "Z", "a zombie");
      assertEquals((await within(child.status, "the status")).code, i);
    }
    assertEquals(ownZombies(), []);
  },
});

Deno.test({
  name: "a leader that ends in the middle of its stop",
  ignore,
  async fn() {
    const marker = newMarker();
    for (let i = 0; i < 10; i++) {
      const child = new Command("sh", {
        args: ["-c", "sleep $0 & echo ready; read x; exit 7", marker],
        stdin: "piped",
        stdout: "piped",
        stopSignal: "SIGWINCH",
        grace: PATIENCE,
      }).spawn();
      await waitForText(child.stdout);
      const stop = child.stop();
      // The soft signal is ignored; the leader goes by itself, its child does not.
      await child.stdin.close();
      await until(() => {
        return "ZX".includes(statOf(child.pid)?.state ?? "X");
      }, "the leader's end");
      const again = child.stop({ grace: 0 });
      const [report, second] = [await stop, await again];
      assertEquals([report.survivors, second], [0, report]);
      assertEquals((await child.status).code, 7);
      await child.stdout.cancel();
    }
    assertEquals(processesWith(marker), []);
    assertEquals(ownZombies(), []);
  },
});

Deno.test({
  name: "a kill before the first instruction, and a stop in the same turn",
  ignore,
  async fn() {
    const marker = newMarker();
    for (let i = 0; i < 20; i++) {
      const child = new Command("sh", {
        args: ["-c", "setsid sleep $0 & setsid sleep $0", marker],
        stdin: "null",
        stdout: "null",
      }).spawn();
      if (i % 2 === 0) child.kill("SIGKILL");
      assertEquals((await child.stop({ grace: 0 })).survivors, 0);
      await child.status;
    }
    assertEquals(processesWith(marker), []);
  },
});

Deno.test({
  name:
    "a SIGCHLD handler that native code has replaced delays a status, and loses none",
  ignore,
  async fn() {
    const said = await inProcess(`
      const { symbols } = Deno.dlopen("libc.so.6", {
        signal: { parameters: ["i32", "usize"], result: "pointer" },
      });
      const slow = new Command("sh", { args: ["-c", "read x; exit 5"], stdin: "piped", stdout: "null" }).spawn();
      await Promise.resolve();
      symbols.signal(17, 0n); // SIGCHLD, SIG_DFL
      await slow.stdin.close();
      const { code, lost } = await slow.status;
      const output = await new Command("sh", { args: ["-c", "echo out; exit 6"] }).output();
      console.log(JSON.stringify([code, lost, output.code, output.stdout.length]));
    `);
    assertEquals(said, [5, false, 6, 4]);
  },
});

Deno.test({
  name:
    "a parent that was stopped for a while finds everything as it should be",
  ignore,
  async fn() {
    const marker = newMarker();
    const said = await inProcess(
      `
      const ends = new Command("sh", { args: ["-c", "read x; exit 5"], stdin: "piped", stdout: "null" }).spawn();
      const late = new Command("sh", { args: ["-c", "sleep $0 & sleep $0", "${marker}"], stdin: "null",
        stdout: "null", timeout: 400, grace: 100 }).spawn();
      // Stays until the end: the observer sees that it has come to this.
      await using sign = new Command("sleep", { args: ["${marker}1"], stdin: "null", grace: 0 }).spawn();
      await ends.stdin.close();
      const { code } = await ends.status;
      const { timedOut } = await late.status;
      await late.treeExited;
      await sign.stop();
      console.log(JSON.stringify([code, timedOut]));
    `,
      async (pid) => {
        await until(() => processesWith(`${marker}1`).length > 0, "the sign");
        Deno.kill(pid, "SIGSTOP");
        await until(() => statOf(pid)?.state === "T", "a stopped parent");
        // Longer than timeout and grace: both are over when it goes on.
        await new Promise((resolve) => setTimeout(resolve, 800));
        Deno.kill(pid, "SIGCONT");
      },
    );
    assertEquals(said, [5, true]);
    assertEquals(processesWith(marker), []);
  },
});

Deno.test({
  name: "a clock that is set back changes no timeout and no grace",
  ignore,
  async fn() {
    const said = await inProcess(`
      let now = 4e12;
      Date.now = () => now -= 3_600_000;
      const run = await new Command("sleep", { args: ["1000"], timeout: 50, grace: 50 }).output();
      const sync = new Command("sleep", { args: ["1000"], timeout: 50, grace: 50 }).outputSync();
      console.log(JSON.stringify([run.timedOut, sync.timedOut]));
    `);
    assertEquals(said, [true, true]);
  },
});

Deno.test({
  name: "a stop in the middle of the spawning of grandchildren",
  ignore,
  async fn() {
    const marker = newMarker();
    // Each of them leaves group and session, as fast as a shell can start them.
    const script =
      "i=0; while [ $i -lt 500 ]; do setsid sleep $0 & i=$((i + 1)); done; wait";
    for (let i = 0; i < 6; i++) {
      const child = new Command("sh", {
        args: ["-c", script, marker],
        stdin: "null",
        stdout: "null",
      }).spawn();
      const some = i * 4;
      spinUntil(() => processesWith(marker).length > some, "grandchildren");
      assertEquals((await child.stop({ grace: i % 2 * 5 })).survivors, 0);
      assertEquals(processesWith(marker), []);
      await child.status;
    }
  },
});

Deno.test({
  name: "two stops and a kill in the same turn agree on the end",
  ignore,
  async fn() {
    const marker = newMarker();
    const child = new Command("sh", {
      args: [
        "-c",
        "trap '' TERM; setsid sleep $0 & sleep $0; sleep $0",
        marker,
      ],
      stdin: "null",
      stdout: "null",
    }).spawn();
    await until(() => processesWith(marker).length >= 3, "the tree");
    const stops = [child.stop({ grace: PATIENCE }), child.stop({ grace: 50 })];
    child.kill("SIGKILL");
    const [one, other] = await Promise.all(stops);
    assertEquals([one, other?.survivors], [other, 0]);
    assertEquals(processesWith(marker), []);
    assertEquals((await child.status).signal, "SIGKILL");
  },
});
