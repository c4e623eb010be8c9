/**
 * What descendants do to get away, and that they do not. Each with its proof
 * that the process really gets away from a plain kill of the group.
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { type ChildProcess, Command } from "../../../mod.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { waitForText } from "../../fixtures/eval.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

/** macOS has no setsid(1) and no lineage: its trees are process groups. */
const ignore = Deno.build.os === "darwin";

/**
 * Scripts for sh that print `ready` when the process they are about is running:
 * a `sleep` for "$M" seconds, which is the marker. `$H` is `echo ready`.
 */
const ESCAPES: readonly (readonly [string, string])[] = [
  ["a child in the background", `sleep $M & echo ready; wait`],
  ["a grandchild", `sh -c 'sleep $M & wait' & echo ready; wait`],
  ["a new session (setsid)", `setsid sh -c 'echo ready; exec sleep $M' & wait`],
  [
    "a daemon: setsid, double fork, dead parents",
    `setsid sh -c '(sleep $M & echo ready) & exit' & exit`,
  ],
  [
    "nohup setsid in the background of a shell that ends",
    `nohup setsid sh -c 'echo ready; exec sleep $M' & exit`,
  ],
  [
    "a wiped environment",
    `env -i setsid sh -c 'echo ready; exec sleep '$M & exit`,
  ],
  [
    "a stopped process",
    `setsid sh -c 'kill -STOP $$; exec sleep $M' sh $M & echo ready; wait`,
  ],
  [
    "deaf to TERM, HUP and INT",
    `setsid sh -c 'trap "" TERM HUP INT QUIT; sleep $M & echo ready; wait; sleep $M; sleep $M' & wait`,
  ],
  [
    "a process group of its own (job control)",
    `set -m; sleep $M & echo ready; exit`,
  ],
  [
    "all descriptors closed",
    `setsid sh -c 'exec sleep $M <&- >&- 2>&-' & echo ready; exit`,
  ],
  [
    "another directory and umask",
    `cd /; umask 0; setsid sleep $M & echo ready; exit`,
  ],
  [
    "a supervisor that restarts what dies",
    `setsid sh -c 'trap "" TERM; echo ready; while :; do sleep $M; done' & exit`,
  ],
  [
    "a tree of twenty",
    `for i in 1 2 3 4; do (for j in 1 2 3 4; do setsid sleep $M & done; sleep $M) & done; echo ready; wait`,
  ],
];

function start(script: string, marker: string): ChildProcess {
  return new Command("sh", {
    args: ["-c", script],
    env: { M: marker },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

function killAll(marker: string): void {
  for (const { pid } of processesWith(marker)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}

const sleeping = (marker: string) =>
  processesWith(marker).filter((one) =>
    one.command.startsWith("sleep") || one.state === "T"
  );

for (const [name, script] of ESCAPES) {
  Deno.test({
    name: `stop() ends ${name}`,
    ignore,
    async fn() {
      const marker = newMarker();
      try {
        await using child = start(script, marker);
        await waitForText(child.stdout);
        await until(() => sleeping(marker).length > 0, "the escaped process");
        await within(child.stop({ grace: 100 }), "the stop");
        assertEquals(processesWith(marker), []);
      } finally {
        killAll(marker);
      }
    },
  });
}

Deno.test({
  name: "with Deno.Command and a kill of the group, a daemon survives",
  ignore,
  async fn() {
    const marker = newMarker();
    const [, daemon] = ESCAPES.find(([name]) => name.startsWith("a daemon"))!;
    try {
      const child = new Deno.Command("sh", {
        args: ["-c", daemon],
        env: { M: marker },
        stdin: "null",
        stdout: "piped",
        stderr: "null",
        detached: true,
      }).spawn();
      await waitForText(child.stdout);
      await child.status;
      await until(() => sleeping(marker).length > 0, "the daemon");
      try {
        Deno.kill(-child.pid, "SIGKILL");
      } catch {
        // The group is empty: that is the point.
      }
      await child.stdout.cancel();
      await new Deno.Command("true").output();
      assertEquals(sleeping(marker).length, 1);
    } finally {
      killAll(marker);
    }
  },
});

Deno.test({
  name:
    "output() ends what a shell left in the background, and does not wait for it",
  ignore,
  async fn() {
    const marker = newMarker();
    try {
      const run = await within(
        new Command("sh", {
          args: ["-c", "setsid sleep $M & sleep $M & echo hi"],
          env: { M: marker },
          grace: 100,
        }).output(),
        "output() of a shell that leaves two sleepers with its stdout",
      );
      assertEquals(new TextDecoder().decode(run.stdout), "hi\n");
      assertEquals([run.code, run.killed], [0, false]);
      assertEquals(processesWith(marker), []);
    } finally {
      killAll(marker);
    }
  },
});

Deno.test({
  name: "stop() ends a chain that forks a successor and dies, again and again",
  ignore,
  async fn() {
    const marker = newMarker();
    const trace = await Deno.makeTempFile();
    const links = () => Deno.statSync(trace).size;
    // Each link leaves a byte, starts the next in a session of its own, and exits.
    const link =
      `printf x >>"$T"; setsid sh -c "$0" "$0" $M >/dev/null 2>&1 & exit`;
    try {
      const child = new Command("sh", {
        args: ["-c", `setsid sh -c "$0" "$0" $M & echo ready`, link, marker],
        env: { M: marker, T: trace },
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      await waitForText(child.stdout);
      await child.status;
      await until(() => links() > 20, "twenty links of the chain");
      const report = await within(child.stop({ grace: 0 }), "the stop");
      assertEquals(report.survivors, 0);
      // No process is left that could start another.
      const last = links();
      for (let look = 0; look < 20; look++) {
        assertEquals(processesWith(marker), []);
        await new Deno.Command("true").output();
      }
      assertEquals(links(), last);
    } finally {
      for (let i = 0; i < 100 && processesWith(marker).length > 0; i++) {
        killAll(marker);
      }
      await Deno.remove(trace);
    }
  },
});

Deno.test({
  name:
    "suspend() stops a chain that forks a successor and dies, again and again",
  ignore,
  async fn() {
    const marker = newMarker();
    const trace = await Deno.makeTempFile();
    const links = () => Deno.statSync(trace).size;
    const link =
      `printf x >>"$T"; setsid sh -c "$0" "$0" $M >/dev/null 2>&1 & exit`;
    try {
      await using child = new Command("sh", {
        args: ["-c", `setsid sh -c "$0" "$0" $M & exit`, link, marker],
        env: { M: marker, T: trace },
        stdin: "null",
        stdout: "null",
        stderr: "null",
        grace: 0,
      }).spawn();
      await until(() => links() > 20, "twenty links of the chain");
      child.suspend();
      const last = links();
      for (let look = 0; look < 20; look++) {
        await new Deno.Command("true").output();
      }
      assertEquals(links(), last);
      child.resume();
      await until(() => links() > last, "another link of the chain");
    } finally {
      killAll(marker);
      await Deno.remove(trace);
    }
  },
});

Deno.test({
  name: "descendants() finds a daemon, and says who its parent is now",
  ignore,
  async fn() {
    const marker = newMarker();
    try {
      await using child = start(
        `setsid sh -c '(sleep $M & echo ready) &' & exit`,
        marker,
      );
      await waitForText(child.stdout);
      await child.status;
      await until(() => sleeping(marker).length === 1, "the daemon alone");
      const [daemon] = sleeping(marker);
      const found = child.descendants();
      assertEquals(found.map((one) => one.pid), [daemon!.pid]);
      assertEquals(found[0]!.command, `sleep ${marker}`);
      assertEquals(found[0]!.name, "sleep");
      assert(found[0]!.ppid !== child.pid);
      assertEquals(found[0]!.state, "sleeping");
      assertGreater(found[0]!.startTime, Date.now() - 3600_000);
      await child.stop({ grace: 0 });
    } finally {
      killAll(marker);
    }
  },
});

Deno.test("containment 'process-group' spares what left the group, and says that it does", async () => {
  const marker = newMarker();
  try {
    const child = new Command("sh", {
      args: ["-c", `setsid sleep $M & sleep $M & echo ready; wait`],
      env: { M: marker },
      stdin: "null",
      stdout: "piped",
      containment: "process-group",
    }).spawn();
    assertEquals(
      [child.containment.mechanism, child.containment.holdsEscapees],
      ["process-group", false],
    );
    await waitForText(child.stdout);
    await until(() => sleeping(marker).length === 2 || ignore, "both sleepers");
    const report = await child.stop({ grace: 1000 });
    assertEquals(report.mechanism, "process-group");
    const left = processesWith(marker);
    if (!ignore) {
      assertEquals(left.map((one) => one.command), [`sleep ${marker}`]);
    }
  } finally {
    killAll(marker);
  }
});

Deno.test({
  name: "a tree of a process in a tree is contained by the outer one as well",
  ignore,
  async fn() {
    const marker = newMarker();
    const source = `import { Command } from ${
      JSON.stringify(import.meta.resolve("../../../mod.ts"))
    };
      const child = new Command("setsid", { args: ["sleep", ${
      JSON.stringify(marker)
    }], stdout: "null" }).spawn();
      child.unref();
      console.log("ready");
      setInterval(() => {}, 1000);`;
    try {
      await using child = new Command(Deno.execPath(), {
        args: ["eval", "--quiet", "--no-config", "--no-lock", source],
        stdout: "piped",
      }).spawn();
      await waitForText(child.stdout);
      await until(() => sleeping(marker).length === 1, "the inner tree");
      const inner = sleeping(marker)[0]!;
      assert(child.descendants().some((one) => one.pid === inner.pid));
      await child.stop({ grace: 0 });
      assertEquals(processesWith(marker), []);
    } finally {
      killAll(marker);
    }
  },
});

Deno.test({
  name: "a hard kill does not let a script go on with its next command",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      for (let round = 0; round < 30; round++) {
        const child = new Command("sh", {
          args: ["-c", `echo ready; sleep 60; echo went on >> "$0"`, file],
          stdin: "null",
          stdout: "piped",
        }).spawn();
        for await (const _line of child.lines()) break;
        if (round % 2 === 0) await child.stop({ grace: 0 });
        else child.kill("SIGKILL");
        assertEquals((await child.status).signal, "SIGKILL");
        await child.treeExited;
        await child.stdout.cancel();
      }
      assertEquals(await Deno.readTextFile(file), "");
    } finally {
      await Deno.remove(file);
    }
  },
});
