/** The end of an owner is a stop, whatever ends it. */

import { assert, assertEquals } from "@std/assert";
import { type Trial, tryEnd, type Way, WAYS } from "../../ends/ends.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { denoUnderTest } from "../../fixtures/deno.ts";
import {
  newMarker,
  processesWith,
  statOf,
} from "../../fixtures/process_table.ts";

// macOS has no setsid(1); what it has in common is tried in its lane.
const ignore = Deno.build.os !== "linux";

async function outcomes(trial: Trial): Promise<[boolean, boolean, boolean][]> {
  const all = await tryEnd(trial);
  return all.map(({ signalled, cleaned, goneAfter }) => [
    signalled,
    cleaned,
    goneAfter < Infinity,
  ]);
}

for (const way of WAYS) {
  Deno.test({
    name:
      `${way}: each tree gets its signal and comes to the end of its clean-up`,
    ignore,
    async fn() {
      const victims = ["server", "daemon"] as const;
      assertEquals(await outcomes({ way, victims, grace: 60_000 }), [
        [true, true, true],
        [true, true, true],
      ]);
    },
  });
}

const ENDS: readonly Way[] = [
  "SIGKILL",
  "a restart of --watch",
  "a restart of serve --watch",
  "worker.terminate()",
];

for (const way of ENDS) {
  Deno.test({
    name: `${way}: a deaf process ends when its grace is over`,
    ignore,
    async fn() {
      assertEquals(await outcomes({ way, victims: ["deaf"], grace: 300 }), [
        [true, false, true],
      ]);
    },
  });

  Deno.test({
    name: `${way}: without a grace there is no signal`,
    ignore,
    async fn() {
      const victims = ["server", "daemon"] as const;
      assertEquals(await outcomes({ way, victims, grace: 0 }), [
        [false, false, true],
        [false, false, true],
      ]);
    },
  });
}

const MOD = import.meta.resolve("../../../mod.ts");

Deno.test({
  name: "the first spawn of a test file finds nothing of the file before",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    const marker = newMarker();
    try {
      const deaf = `trap '' TERM; while :; do sleep 0.05; done`;
      await Deno.writeTextFile(
        `${folder}/a_test.ts`,
        `import { Command } from ${JSON.stringify(MOD)};
Deno.test("leaves", () => { new Command("sh", { args: ["-c", ${
          JSON.stringify(deaf)
        }, "${marker}"], stdin: "null", stdout: "null", grace: 500 }).spawn(); });\n`,
      );
      await Deno.writeTextFile(
        `${folder}/b_test.ts`,
        `import { Command } from ${JSON.stringify(MOD)};
Deno.test("looks", () => {
  const look = "cat /proc/[0-9]*/cmdline | tr -d '\\\\0' | grep -c ${
          marker.replace(".", "[.]")
        }";
  const { stdout } = new Command("sh", { args: ["-c", look] }).outputSync();
  console.log("found:" + new TextDecoder().decode(stdout).trim());
});\n`,
      );
      const run = await within(
        new Deno.Command(denoUnderTest(), {
          // deno-fmt-ignore
          args: ["test", "-A", "--no-lock", "--no-check", "--no-config", `${folder}/a_test.ts`, `${folder}/b_test.ts`],
          env: { NO_COLOR: "1" },
        }).output(),
        "the end of deno test",
      );
      const said = new TextDecoder().decode(run.stdout);
      assert(said.includes("found:0"), said);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Descriptors of this process, and its children without zombies. */
function open(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

function guards(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (pid > 0 && statOf(pid)?.ppid === Deno.pid) count++;
  }
  return count;
}

Deno.test({
  name: "workers that end with their trees use nothing up",
  ignore,
  async fn() {
    const marker = newMarker();
    const script = import.meta.resolve("../../ends/worker.ts");
    const one = async () => {
      const worker = new Worker(script, { type: "module", name: marker });
      await within(
        new Promise((resolve) => worker.onmessage = resolve),
        "the worker's child",
      );
      assert(processesWith(marker).length > 0);
      worker.terminate();
      await until(
        () => processesWith(marker).length === 0,
        "the end of its tree",
      );
    };
    for (let i = 0; i < 3; i++) await one();
    const [files, children] = [open(), guards()];
    for (let i = 0; i < 12; i++) await one();
    // The last one's may be on their way.
    await until(() => open() <= files + 2, "the descriptors of ended workers");
    // Each has a guard and a leader, which the next one reaps.
    assert(guards() <= children + 2, `${children} children, then ${guards()}`);
  },
});

// A process that ignores the soft signal and forks all the time without reaping: each
// look at it finds a new zombie.
const RESTARTER =
  `$SIG{TERM} = "IGNORE"; $| = 1; print "up\\n"; for (1 .. 5000) { exit if !fork; select(undef, undef, undef, 0.003) } sleep`;

Deno.test({
  name: "the grace of a tree that never comes to rest is over all the same",
  ignore,
  async fn() {
    const marker = newMarker();
    const program = `
      import { Command } from ${JSON.stringify(MOD)};
      const child = new Command("perl", {
        args: ["-e", ${JSON.stringify(RESTARTER)}, "${marker}"],
        stdin: "null", stdout: "piped", grace: 200,
      }).spawn();
      for await (const _up of child.lines()) break;
      Deno.kill(Deno.pid, "SIGKILL");`;
    await new Deno.Command(denoUnderTest(), {
      args: ["eval", "--no-lock", "--no-config", program],
      stdout: "null",
    }).output();
    await until(() => processesWith(marker).length === 0, "the tree to end");
  },
});
