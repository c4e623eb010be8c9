/**
 * Processes that lose what marks them as members, as below sudo and su, each with
 * the proof that they live on where the second mark is missing.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type ChildProcess,
  Command,
  type CommandOptions,
  Job,
  type StopReport,
} from "../../../mod.ts";
import {
  refuseSlices,
  sliceObstacle,
} from "../../../posix/containment/slice.ts";
import { lineageObstacle } from "../../../posix/containment/owner.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { waitForText } from "../../fixtures/eval.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const noTags = Deno.build.os !== "linux" || lineageObstacle() !== "";
// Linux 6.12. Without it there is only what the tests of refused slices say.
const noSlices = noTags || sliceObstacle() !== "";

const PROGRAM = new URL("../../fixtures/lose_marks.ts", import.meta.url);
const MOD = new URL("../../../mod.ts", import.meta.url);
const SLICE = new URL("../../../posix/containment/slice.ts", import.meta.url);

type What = "tag" | "slice" | "both";
type How = "orphan" | "group" | "child" | "owner";

function losing(what: What, how: How, marker: string): string[] {
  // The shell keeps its marks, and stays.
  const script = '"$0" run -A --no-lock "$@"; sleep 7200; :';
  return ["-c", script, Deno.execPath(), PROGRAM.pathname, what, marker, how];
}

async function start(
  what: What,
  how: How,
  marker: string,
  options: CommandOptions = {},
): Promise<ChildProcess> {
  const child = new Command("sh", {
    ...options,
    args: losing(what, how, marker),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await within(waitForText(child.stdout), "the program to be ready");
  const sleeps = () => sleeping(marker).length === 1;
  await until(sleeps, "what it has started");
  if (how === "child") return child;
  await until(() => isOrphan(marker), "the end of the program");
  return child;
}

// Its parent is another one by now. One that is about to end has no arguments any
// more, and is still the parent.
function isOrphan(marker: string): boolean {
  return sleeping(marker).every((pid) => {
    try {
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      const parent = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
      const line = Deno.readTextFileSync(`/proc/${parent}/cmdline`);
      return line !== "" && !line.includes("lose_marks");
    } catch {
      return false;
    }
  });
}

function sleeping(marker: string): number[] {
  return processesWith(marker)
    .filter((one) => /^\S*sleep /.test(one.command))
    .map((one) => one.pid);
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

async function stopped(
  what: What,
  how: How,
): Promise<{ report: StopReport; left: number[] }> {
  const marker = newMarker();
  try {
    const child = await start(what, how, marker);
    const report = await within(child.stop({ grace: 0 }), "the stop");
    await child.stdout.cancel();
    return { report, left: sleeping(marker) };
  } finally {
    killAll(marker);
  }
}

async function withoutSlices<T>(run: () => Promise<T>): Promise<T> {
  refuseSlices(true);
  try {
    return await run();
  } finally {
    refuseSlices(false);
  }
}

for (const what of ["tag", "slice"] as const) {
  Deno.test({
    name: `an orphan that has lost its ${what} is held`,
    ignore: noSlices,
    async fn() {
      const { report, left } = await stopped(what, "orphan");
      assertEquals(left, []);
      assertEquals([report.survivors, report.unproven], [0, null]);
    },
  });
}

Deno.test({
  name:
    "an orphan that has lost its tag, without slices: not held, and said so",
  ignore: noTags,
  async fn() {
    await withoutSlices(async () => {
      const { report, left } = await stopped("tag", "orphan");
      assertEquals([report.survivors, left.length], [null, 1]);
      assertMatch(report.unproven ?? "", new RegExp(`process ${left[0]} `));
    });
  },
});

Deno.test({
  name: "an orphan that has lost both marks: not held, and said so",
  ignore: noSlices,
  async fn() {
    const { report, left } = await stopped("both", "orphan");
    assertEquals([report.survivors, left.length], [null, 1]);
    assertMatch(report.unproven ?? "", new RegExp(`process ${left[0]} `));
  },
});

Deno.test({
  name: "a tree of an owner that has lost both marks: not held, and said so",
  ignore: noTags,
  async fn() {
    const { report, left } = await stopped("both", "owner");
    assertEquals([report.survivors, left.length], [null, 1]);
    assertMatch(report.unproven ?? "", new RegExp(`process ${left[0]} `));
  },
});

Deno.test({
  name: "a tree of another owner that comes from no tree is no doubt",
  ignore: noTags,
  async fn() {
    const marker = newMarker();
    const child = new Command("sleep", { args: ["7200"] }).spawn();
    try {
      const { code } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--quiet", "--no-lock", "--no-check", "-A"],
          ...[PROGRAM.pathname, "none", marker, "owner"],
        ],
        stdout: "null",
      }).output();
      assertEquals([code, sleeping(marker).length], [0, 1]);
      const { survivors, unproven } = await child.stop({ grace: 0 });
      assertEquals([survivors, unproven, sleeping(marker).length], [
        0,
        null,
        1,
      ]);
    } finally {
      killAll(marker);
    }
  },
});

/** Ways to end a run other than `stop()`. */
const ENDS: Record<string, (marker: string) => Promise<StopReport | null>> = {
  async "the timeout of wait()"(marker) {
    const child = await start("tag", "orphan", marker);
    const { report } = await child.wait({ timeout: 1, grace: 0 });
    await child.stdout.cancel();
    return report;
  },
  async "an abort signal"(marker) {
    const controller = new AbortController();
    const { signal } = controller;
    const child = await start("tag", "orphan", marker, { signal, grace: 0 });
    controller.abort();
    const { report } = await child.status;
    await child.stdout.cancel();
    return report;
  },
  async "the stop of a job whose child has ended by itself"(marker) {
    await using job = new Job();
    const args = losing("tag", "orphan", marker);
    args[1] = '"$0" run -A --no-lock "$@"; :';
    const child = job.spawn("sh", { args, stdin: "null", stdout: "null" });
    await child.status;
    await until(() => sleeping(marker).length === 1, "the orphan");
    await until(() => isOrphan(marker), "the end of the program");
    return await job.stop({ grace: 0 });
  },
};

for (const [how, end] of Object.entries(ENDS)) {
  Deno.test({
    name: `the report of ${how} does not say 0 without proof`,
    ignore: noTags,
    async fn() {
      const marker = newMarker();
      try {
        const report = await withoutSlices(() =>
          within(end(marker), "the end of the run")
        );
        const [left] = sleeping(marker);
        assertEquals(report?.survivors, null);
        assertMatch(report?.unproven ?? "", new RegExp(`process ${left} `));
      } finally {
        killAll(marker);
      }
    },
  });
}

for (const how of ["child", "group"] as const) {
  const found = how === "child" ? "descent" : "the leader's group";
  Deno.test({
    name: `what has lost both marks is held by ${found}`,
    ignore: noTags,
    async fn() {
      const { report, left } = await stopped("both", how);
      assertEquals([left, report.survivors], [[], 0]);
    },
  });
}

Deno.test({
  name: "without slices the containment does not promise to hold everything",
  ignore: noTags,
  async fn() {
    const holds = async () => {
      const child = new Command("sleep", { args: ["60"] }).spawn();
      const { holdsEscapees, notes } = child.containment;
      await child.stop({ grace: 0 });
      return { holdsEscapees, said: notes.some((one) => one.includes("sudo")) };
    };
    assertEquals(await withoutSlices(holds), {
      holdsEscapees: false,
      said: true,
    });
    if (noSlices) return;
    assertEquals(await holds(), { holdsEscapees: true, said: false });
  },
});

async function leftByDeath(what: What, refuse: boolean): Promise<number> {
  const marker = newMarker();
  const code = `
    import { Command } from "${MOD}";
    import { refuseSlices } from "${SLICE}";
    refuseSlices(${refuse});
    new Command("sh", { args: ${JSON.stringify(losing(what, "orphan", marker))},
      stdin: "null", stdout: "inherit", stderr: "null", grace: 0 }).spawn();
    setInterval(() => {}, 1000);`;
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    await within(waitForText(parent.stdout), "the program to be ready");
    await until(() => sleeping(marker).length === 1, "the orphan");
    await until(() => isOrphan(marker), "the end of the program");
    const shells = () =>
      processesWith(marker).filter((one) => /^\S*sh /.test(one.command));
    assert(shells().length > 0);
    parent.kill("SIGKILL");
    await parent.status;
    await until(() => shells().length === 0, "the end of the marked ones");
    if (!refuse) await until(() => sleeping(marker).length === 0, "the orphan");
    return sleeping(marker).length;
  } finally {
    killAll(marker);
    await parent.stdout.cancel();
  }
}

Deno.test({
  name: "an orphan that has lost its tag ends with the parent of its tree",
  ignore: noSlices,
  async fn() {
    assertEquals(await leftByDeath("tag", false), 0);
  },
});

Deno.test({
  name: "the same orphan outlives the parent where there are no slices",
  ignore: noTags,
  async fn() {
    assertEquals(await leftByDeath("tag", true), 1);
  },
});
