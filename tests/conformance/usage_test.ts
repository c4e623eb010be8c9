import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertThrows,
} from "@std/assert";
import { Command, type Usage } from "../../mod.ts";
import { until, within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE, waitForText } from "../fixtures/eval.ts";
import { settle, warmUp } from "../fixtures/warm_up.ts";

const deno = denoPath();
const MB = 1 << 20;

Deno.test.beforeAll(async () => {
  await warmUp();
  {
    await using child = new Command(deno, { args: evalArgs(IDLE) }).spawn();
    child.usage();
  }
  const run = await new Command(deno, { args: evalArgs("1") }).output();
  assertGreaterOrEqual(run.usage.elapsed, 0);
  await settle();
});

const cpu = ({ leader }: Usage) => leader.userTime! + leader.systemTime!;

Deno.test("the status tells what was used", async () => {
  const busy =
    "const end = performance.now() + 600; while (performance.now() < end);";
  const idle = await new Command(deno, { args: evalArgs("1") }).output();
  const run = await new Command(deno, { args: evalArgs(busy) }).output();
  assertGreater(cpu(run.usage), 50);
  assertLess(cpu(run.usage), 60_000);
  // What does less has used less.
  assertLess(cpu(idle.usage), cpu(run.usage) + 1000);
  assertGreaterOrEqual(run.usage.elapsed, 500);
  assertEquals(run.usage.leader.processes, 0);
  assertEquals(run.usage.tree.memory, 0);
  // The same each time it is asked for.
  assert(run.usage === run.usage);
  const sync = new Command(deno, { args: evalArgs(busy) }).outputSync();
  assertGreater(cpu(sync.usage), 50);
});

Deno.test("usage() looks at the living child and its tree", async () => {
  const grandchild =
    `new Deno.Command(Deno.execPath(), { args: ["eval", "--quiet", "--no-config", "--no-lock", ${
      JSON.stringify(IDLE)
    }], stdout: "inherit" }).spawn();`;
  await using child = new Command(deno, {
    args: evalArgs(
      `globalThis.kept = new Uint8Array(64 << 20).fill(1); ${grandchild} setInterval(() => {}, 1000)`,
    ),
    stdin: "null",
    stdout: "piped",
  }).spawn();
  await waitForText(child.stdout);
  const { leader, tree, elapsed } = child.usage();
  assertGreater(elapsed, 0);
  assertGreater(leader.memory!, 64 * MB);
  assertGreater(tree.memory!, leader.memory!);
  assertGreaterOrEqual(tree.peakMemory!, 64 * MB);
  assertEquals([leader.processes, tree.processes], [1, 2]);
  await child.stop({ grace: 0 });
  await child.stdout.cancel();
  const after = child.usage();
  assertEquals([after.tree.processes, after.tree.memory], [0, 0]);
  assertGreaterOrEqual(after.tree.peakMemory!, 64 * MB);
});

Deno.test("CPU time rises while the child works, and never falls", async () => {
  await using child = new Command(deno, {
    args: evalArgs("console.log('ready'); for (;;);"),
    stdin: "null",
    stdout: "piped",
  }).spawn();
  await waitForText(child.stdout);
  const first = cpu(child.usage());
  let last = first;
  await until(() => {
    const now = cpu(child.usage());
    assertGreaterOrEqual(now, last);
    last = now;
    return now > first + 100;
  }, "CPU time");
  await child.stdout.cancel();
});

Deno.test("sample() looks from time to time and ends with the tree", async () => {
  const child = new Command(deno, {
    args: evalArgs("setTimeout(() => {}, 1500)"),
    stdin: "null",
  }).spawn();
  const elapsed: number[] = [];
  const all = async () => {
    for await (const usage of child.sample({ interval: 200 })) {
      elapsed.push(usage.elapsed);
      if (usage.tree.processes === 0) continue;
      assertEquals(usage.tree.processes, 1);
    }
  };
  await within(all(), "the end of the samples");
  assertGreaterOrEqual(elapsed.length, 3);
  assertEquals(elapsed, elapsed.toSorted((a, b) => a - b));
  assertEquals((await child.status).success, true);
});

Deno.test("sample() can be left early", async () => {
  await using child = new Command(deno, {
    args: evalArgs(IDLE),
    stdin: "null",
    stdout: "null",
  }).spawn();
  let looks = 0;
  for await (const { tree } of child.sample({ interval: 10 })) {
    assertEquals(tree.processes, 1);
    if (++looks === 3) break;
  }
  assertEquals(looks, 3);
});

Deno.test("sample() refuses a bad interval", async () => {
  await using child = new Command(deno, {
    args: evalArgs(IDLE),
    stdout: "null",
  }).spawn();
  assertThrows(() => child.sample({ interval: 0 }), RangeError, "interval");
  assertThrows(
    () => child.sample({ interval: "1" as never }),
    TypeError,
    "interval",
  );
});

Deno.test({
  name: "the figures are those of an independent observer",
  // GNU time is the observer; macOS has that of BSD, which has no -f.
  ignore: Deno.build.os !== "linux" || !exists("/usr/bin/time"),
  async fn() {
    // The observer's child is the program; ours is the observer, which waited
    // for it: the figures of both are about the same program.
    // Larger than this process ever was, type check included: on Linux a child
    // starts with its parent's peak, and a smaller one of its own does not show.
    const size = Math.max(300 * MB, ownPeak() + 64 * MB);
    const source =
      `const a = new Uint8Array(${size}).fill(1); const end = performance.now() + 300; while (performance.now() < end) a[0]++;`;
    const child = new Command("/usr/bin/time", {
      args: ["-f", "%U %S %M %R %F %w %c", deno, ...evalArgs(source)],
      stdin: "null",
      stderr: "piped",
    });
    const run = await child.output();
    const line = new TextDecoder().decode(run.stderr).trim().split("\n").pop()!;
    const [user, system, maxKb, minor, major, waits, switches] = line
      .split(" ").map(Number) as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
    const { leader } = run.usage;
    const near = (ours: number | null, theirs: number, slack: number) =>
      assert(
        ours !== null && Math.abs(ours - theirs) <= slack,
        `${ours} is not within ${slack} of ${theirs}`,
      );
    near(leader.userTime, user * 1000, 50);
    near(leader.systemTime, system * 1000, 50);
    near(leader.peakMemory, maxKb * 1024, 5 * MB);
    near(leader.minorFaults, minor, 2000);
    near(leader.majorFaults, major, 50);
    near(leader.voluntarySwitches, waits, 100);
    near(leader.involuntarySwitches, switches, 500);
  },
});

function ownPeak(): number {
  if (Deno.build.os !== "linux") return 0;
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) * 1024;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
