/**
 * `mainFirst`: the main process hears of the stop first, and the others when it has
 * ended; without it all hear at once.
 */

import { assert, assertEquals } from "@std/assert";
import {
  Command,
  type CommandOptions,
  Job,
  killTree,
  type StopReport,
} from "../../../mod.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

// Windows has another test: its events go to whole consoles.
const ignore = Deno.build.os === "windows";

Deno.test.beforeAll(async () => await warmUp());

// On SIGTERM the child says so and leaves a mark. The main process waits for that mark,
// a second at most when it is in vain, and then says that it ends.
const SCRIPT = `
sh -c 'trap "echo child; : >\\$0; exit" TERM; echo ready; while :; do sleep 0.02; done' "$1" &
trap 'i=0; while [ ! -e "$1" ] && [ $i -lt $2 ]; do sleep 0.05; i=$((i+1)); done; echo main; exit' TERM
while :; do sleep 0.02; done
`;
const IN_VAIN = 8;
const PATIENT = 400;

interface Case {
  readonly options: (looks: number) => CommandOptions;
}

async function inFolder(
  body: (options: Case["options"], mark: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const mark = `${folder}/mark`;
  try {
    await body((looks) => ({
      args: ["-c", SCRIPT, "main", mark, `${looks}`],
      stdout: "piped",
      // Shells say there what has ended.
      stderr: "null",
      grace: 60_000,
    }), mark);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts it, has it stopped when it is ready, and returns what it wrote, in order. */
async function lines(
  options: CommandOptions,
  stop: (child: ReturnType<Command["spawn"]>) => Promise<unknown>,
): Promise<string[]> {
  const child = new Command("sh", options).spawn();
  await child.ready({ line: "ready" });
  const [text] = await Promise.all([child.stdout.text(), stop(child)]);
  await child.status;
  return text.split("\n").filter((line) => line !== "" && line !== "ready");
}

Deno.test({
  name: "stop({ mainFirst }) tells the main process first, then what is left",
  ignore,
  fn: () =>
    inFolder(async (options) => {
      let report: StopReport | null = null;
      const order = await lines(options(IN_VAIN), async (child) => {
        report = await child.stop({ mainFirst: true });
      });
      assertEquals(order, ["main", "child"]);
      const { processes, survivors, escalated } = report!;
      assertEquals([survivors, escalated], [0, 0]);
      // Main process, its child, and sleeps: each was told once.
      assert(processes.length >= 2);
      for (const { sent } of processes) assertEquals(sent, ["SIGTERM"]);
    }),
});

Deno.test({
  name: "without mainFirst the child hears while the main process lives",
  ignore,
  fn: () =>
    inFolder(async (options) => {
      const order = await lines(options(PATIENT), (child) => child.stop());
      assertEquals(order, ["child", "main"]);
    }),
});

Deno.test({
  name: "mainFirst: the option counts for abort, and stop() may say otherwise",
  ignore,
  async fn() {
    await inFolder(async (options) => {
      const controller = new AbortController();
      const order = await lines({
        ...options(IN_VAIN),
        mainFirst: true,
        signal: controller.signal,
      }, (child) => {
        controller.abort();
        return child.status;
      });
      assertEquals(order, ["main", "child"]);
    });
    await inFolder(async (options) => {
      const order = await lines(
        { ...options(PATIENT), mainFirst: true },
        (child) => child.stop({ mainFirst: false }),
      );
      assertEquals(order, ["child", "main"]);
    });
  },
});

Deno.test({
  name: "mainFirst: timeouts, of a blocking run as well",
  ignore,
  async fn() {
    for (const blocking of [false, true]) {
      await inFolder(async (options) => {
        const command = new Command("sh", {
          ...options(IN_VAIN),
          mainFirst: true,
          timeout: 1500,
        });
        const run = blocking ? command.outputSync() : await command.output();
        assert(run.timedOut);
        assertEquals(run.lines(), ["ready", "main", "child"]);
      });
    }
  },
});

Deno.test({
  name: "mainFirst: each child of a job has a main process",
  ignore,
  fn: () =>
    inFolder((one) =>
      inFolder(async (other) => {
        await using job = new Job({ policy: "all", mainFirst: true });
        const children = [one, other].map((options) =>
          job.spawn("sh", options(IN_VAIN))
        );
        for (const child of children) await child.ready({ line: "ready" });
        const texts = children.map((child) => child.stdout.text());
        const report = await job.stop({ grace: 60_000 });
        for (const text of await Promise.all(texts)) {
          assertEquals(text, "main\nchild\n");
        }
        assertEquals(report.escalated, 0);
        for (const { sent } of report.processes) {
          assertEquals(sent, ["SIGTERM"]);
        }
      })
    ),
});

Deno.test({
  name: "mainFirst: killTree() of a process that another program started",
  ignore,
  fn: () =>
    inFolder(async (options) => {
      const { args } = options(IN_VAIN);
      const child = new Deno.Command("sh", {
        args: args as string[],
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const reader = child.stdout.getReader();
      let text = "";
      const decoder = new TextDecoder();
      const read = async (): Promise<boolean> => {
        const { value, done } = await reader.read();
        if (value) text += decoder.decode(value);
        return !done;
      };
      while (!text.includes("ready\n")) assert(await read());
      await killTree(child.pid, { mainFirst: true, grace: 60_000 });
      while (await read());
      await child.status;
      assertEquals(text, "ready\nmain\nchild\n");
    }),
});

Deno.test({
  name: "mainFirst: a main process that ignores the signal is killed with all",
  ignore,
  async fn() {
    const child = new Command("sh", {
      args: ["-c", "trap '' TERM; sleep 100 & echo ready; wait"],
      stdout: "piped",
    }).spawn();
    await child.ready({ line: "ready" });
    const report = await child.stop({ mainFirst: true, grace: 300 });
    await child.stdout.cancel();
    assertEquals(report.survivors, 0);
    const others = report.processes.filter(({ pid }) => pid !== child.pid);
    assertEquals(others.map(({ sent }) => sent), [["SIGKILL"]]);
  },
});
