/** The guard's script, with a made-up `/proc`. */

import { assertEquals } from "@std/assert";
import { GUARD_SCRIPT } from "../../../posix/containment/guard_script.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";

const ignore = Deno.build.os !== "linux";
const PATTERN = "^Max file locks +75[0-9]{17} ";
const GLOB = `75${"?".repeat(17)}`;
const LIMITS =
  "Limit                     Soft Limit           Hard Limit           Units\n" +
  `Max file locks            75${"1".repeat(17)}  unlimited            locks\n`;
// Beyond every number that a system gives: nothing can be hit.
const PID = "99999999";

function statOf(state: string): string {
  return `${PID} (x) ${state} 1 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99\n`;
}

/** A member of the made-up `/proc`: the contents of its files, `null` for none. */
interface Made {
  readonly stat: string | null;
  readonly status?: string;
}

/** Runs the script over members with these files; whether it called its second stage. */
async function callsSecondStage(...members: Made[]): Promise<boolean> {
  return await secondStage(members, false);
}

const ALIVE = "Name:\tgrep\nState:\tR (running)\nThreads:\t1\n";

// With a grep that fails the answer lacks its last line.
async function secondStage(
  members: readonly Made[],
  failing: boolean,
): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  const called = `${folder}/called`;
  try {
    await Deno.writeTextFile(`${folder}/loadavg`, "0.1 0.1 0.1 1/9 100\n");
    await Deno.mkdir(`${folder}/self`);
    if (!failing) await Deno.writeTextFile(`${folder}/self/status`, ALIVE);
    for (const [i, { stat, status }] of members.entries()) {
      const one = `${folder}/${Number(PID) - i}`;
      await Deno.mkdir(one);
      await Deno.writeTextFile(`${one}/limits`, LIMITS);
      if (stat !== null) await Deno.writeTextFile(`${one}/stat`, stat);
      if (status) await Deno.writeTextFile(`${one}/status`, status);
    }
    const script = GUARD_SCRIPT.replaceAll("/proc/", `${folder}/`);
    // deno-fmt-ignore
    const guard = new Deno.Command("/bin/sh", {
      args: ["-c", script, "guard", PATTERN, GLOB, "", "4", "touch", called],
      stdin: "null",
      stderr: "null",
    });
    await within(guard.output(), "the script's end");
    return await Deno.stat(called).then(() => true, () => false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name:
    "the guard does not come to rest while who is found is gone at the next look",
  ignore,
  async fn() {
    assertEquals(await callsSecondStage({ stat: null }), true);
  },
});

Deno.test({
  name: "a zombie is a reason to look again once",
  ignore,
  async fn() {
    assertEquals(await callsSecondStage({ stat: statOf("Z") }), false);
  },
});

Deno.test({
  name: "who lives on although it was killed is a case for the second stage",
  ignore,
  async fn() {
    assertEquals(await callsSecondStage({ stat: statOf("S") }), true);
  },
});

const ZOMBIE = "Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n";

// Without a stat file: to ask for that of each would fail, look after look.
function zombies(count: number): Made[] {
  return Array.from({ length: count }, () => ({ stat: null, status: ZOMBIE }));
}

Deno.test({
  name: "of many zombies the guard does not read one after the other",
  ignore,
  async fn() {
    assertEquals(await callsSecondStage(...zombies(100)), false);
    assertEquals(await callsSecondStage(...zombies(10)), true);
  },
});

Deno.test({
  name: "without a whole answer the guard leaves nothing out",
  ignore,
  async fn() {
    // They are not there for the grep: each is read by itself.
    const all = Array.from({ length: 100 }, () => ({ stat: statOf("S") }));
    assertEquals(await secondStage(all, true), true);
    assertEquals(await secondStage(all, false), false);
  },
});

Deno.test({
  name: "among many zombies the guard finds what lives without a main thread",
  ignore,
  async fn() {
    const stat = statOf("Z").replace(" 0 1 0 99", " 0 12 0 99");
    const status = ZOMBIE.replace("Threads:\t1", "Threads:\t12");
    const all = [...zombies(100), { stat, status }];
    assertEquals(await callsSecondStage(...all), true);
  },
});

/** Asserts how many the script without tags leaves of a group of two that three others have left. */
async function assertLeft(expected: number, script: string): Promise<void> {
  const marker = newMarker();
  // A session of its own; of its two sleeps one is an orphan.
  const leave = `sh -c '(sleep ${marker} &); sleep ${marker} & wait' ${marker}`;
  const leader = new Deno.Command("sh", {
    args: ["-c", `setsid ${leave} & sleep ${marker} & wait`],
    stdin: "null",
    detached: true,
  }).spawn();
  await until(() => processesWith(marker).length === 5, "the family");
  const guard = new Deno.Command("/bin/sh", {
    args: ["-c", script, "guard", "", "", "", "4"],
    stdin: "piped",
    stderr: "null",
  }).spawn();
  const lines = guard.stdin.getWriter();
  await lines.write(new TextEncoder().encode(`+ ${leader.pid} TERM 0\n`));
  await lines.close();
  await within(guard.status, "the script's end");
  await leader.status;
  // What was killed may take a moment to end.
  await until(() => processesWith(marker).length <= expected, "the end");
  const left = processesWith(marker);
  assertEquals(left.length, expected);
  for (const { pid } of left) Deno.kill(pid, "SIGKILL");
  await until(() => processesWith(marker).length === 0, "the end of the rest");
}

Deno.test({
  name: "without tags, who has left a group ends with it while parents live",
  // macOS has no setsid(1).
  ignore,
  async fn() {
    await assertLeft(0, GUARD_SCRIPT);
    const blind = GUARD_SCRIPT.replaceAll('descend "$hard" stop', ":");
    await assertLeft(3, blind);
    const byParents = GUARD_SCRIPT.replace(' | *" $pgid "*)', ")");
    await assertLeft(1, byParents);
  },
});

Deno.test({
  name: "who was stopped is ended though the shell cannot fork a second time",
  ignore,
  async fn() {
    // What forks is ps: the first one of all looks, and every later one.
    const script = GUARD_SCRIPT.replace(
      "table=$(ps ",
      "[ $round -eq 1 ] || exit 2; table=$(ps ",
    );
    await assertLeft(0, script);
  },
});

for (
  const [what, instead] of [
    ["ps is not there", "$(no-such-ps "],
    ["the shell ends because it cannot fork", "$(exit 2) || exit 2; x=$(ps "],
  ] as const
) {
  Deno.test({
    name: `the group ends though ${what}`,
    ignore,
    async fn() {
      const script = GUARD_SCRIPT.replaceAll("$(ps ", instead);
      await assertLeft(3, script);
    },
  });
}
