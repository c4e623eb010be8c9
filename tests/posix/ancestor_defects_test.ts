/**
 * The defects of killableprocess.py, one test for each that a POSIX system can
 * have (FACTS H; those of Windows are in tests/windows/).
 */

import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { call, Command } from "../../mod.ts";
import { getpgid } from "../../posix/mod.ts";
import { posixError } from "../../posix/system/errno.ts";
import { until, within } from "../fixtures/deadline.ts";
import { waitForText } from "../fixtures/eval.ts";
import {
  newMarker,
  ownZombies,
  processesWith,
  statOf,
} from "../fixtures/process_table.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;
const notLinux = Deno.build.os !== "linux";

Deno.test("defect 1, no group of its own: the child leads one before its first instruction", async () => {
  for (let i = 0; i < 20; i++) {
    const child = new Command("sleep", { args: ["100"], ...QUIET }).spawn();
    // Right after spawn(), with nothing in between.
    assertEquals(getpgid(child.pid), child.pid);
    assert(getpgid(0) !== child.pid);
    await child.stop({ grace: 0 });
  }
});

Deno.test("defect 2, a cached return code: after kill() the real status is read, and no zombie stays", async () => {
  const child = new Command("sh", {
    args: [
      "-c",
      "trap 'exit 42' TERM; echo ready; while :; do sleep 0.01; done",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await waitForText(child.stdout);
  child.kill("SIGTERM", { tree: false });
  const status = await child.status;
  assertEquals([status.code, status.signal], [42, null]);
  await child.stop({ grace: 0 });
  await child.stdout.cancel();
  assertEquals(statOf(child.pid), null);
  assertEquals(ownZombies(), []);
});

Deno.test("defect 3, a timed-out wait returns before the tree is gone: it is gone when wait() returns", async () => {
  for (let i = 0; i < 10; i++) {
    const marker = newMarker();
    await using child = new Command("sh", {
      // Not in the environment, which macOS does not show of its own programs.
      args: [
        "-c",
        `for i in 1 2 3 4 5; do sleep ${marker} & done; echo ready; wait`,
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    await waitForText(child.stdout);
    // One that is just becoming its program has no readable environment.
    await until(() => processesWith(marker).length === 6, "six processes");
    const status = await child.wait({
      timeout: 1,
      grace: i % 2 === 0 ? 0 : 1000,
    });
    assertEquals(processesWith(marker), []);
    assertEquals(status.timedOut, true);
    await child.stdout.cancel();
  }
});

Deno.test("defect 4, no grace: a process that cleans up on SIGTERM gets to do it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const status = await call([
      "sh",
      "-c",
      "trap 'echo done >$F; exit 3' TERM; sleep 100 & wait",
    ], {
      ...QUIET,
      env: { F: `${folder}/clean` },
      timeout: 300,
      grace: 60_000,
    });
    assertEquals(status, 3);
    assertEquals(await Deno.readTextFile(`${folder}/clean`), "done\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("defect 4, code 127 for a timeout: it is told apart from 'command not found'", async () => {
  const missing = new Command("sh", {
    args: ["-c", "no-such-command 2>/dev/null"],
    timeout: 60_000,
  });
  const found = await missing.output();
  assertEquals([found.code, found.timedOut], [127, false]);
  const late = await new Command("sleep", {
    args: ["100"],
    timeout: 1,
    grace: 0,
  }).output();
  assertEquals([late.code, late.signal, late.timedOut], [137, "SIGKILL", true]);
});

Deno.test({
  name:
    "defect 5, the SIGCHLD handler is replaced: the host's own goes on hearing, and none is left behind",
  ignore: notLinux,
  async fn() {
    const caught = () =>
      Deno.readTextFileSync("/proc/self/status").match(/SigCgt:\s+(\w+)/)![1];
    let heard = 0;
    const listener = () => heard++;
    Deno.addSignalListener("SIGCHLD", listener);
    try {
      const before = caught();
      await new Command("true").output();
      new Command("true").outputSync();
      await new Deno.Command("true").output();
      await until(() => heard > 0, "the host's listener");
      assertEquals(caught(), before);
      const children = Array.from(
        { length: 5 },
        () => new Command("sleep", { args: ["100"], ...QUIET }).spawn(),
      );
      await Promise.all(children.map((child) => child.stop({ grace: 0 })));
      heard = 0;
      await new Deno.Command("true").output();
      await until(() => heard > 0, "the host's listener, still");
    } finally {
      Deno.removeSignalListener("SIGCHLD", listener);
    }
  },
});

Deno.test("defect 6, the wall clock: setting it back or forth does not move a deadline", async () => {
  const realNow = Date.now;
  try {
    const began = performance.now();
    const child = new Command("sleep", {
      args: ["100"],
      ...QUIET,
      timeout: 300,
      grace: 0,
    }).spawn();
    Date.now = () => 0;
    const status = await within(
      child.status,
      "a timeout though the clock stands still",
    );
    assertEquals(status.timedOut, true);
    assertGreaterOrEqual(performance.now() - began, 290);
    Date.now = () => realNow() + 10 ** 12;
    const other = new Command("sh", {
      args: ["-c", "sleep 0.2; exit 5"],
      ...QUIET,
      timeout: 60_000,
    }).spawn();
    const stopping = other.wait({ timeout: 60_000 });
    assertEquals((await stopping).code, 5);
  } finally {
    Date.now = realNow;
  }
});

Deno.test("defect 7, ESRCH: ending what is gone in this very moment is no error", async () => {
  for (let i = 0; i < 30; i++) {
    const child = new Command("true", QUIET).spawn();
    // Some are caught alive, some as zombies, some after their reaping.
    if (i % 3 === 1) await child.status;
    if (i % 3 === 2) {
      await until(() => statOf(child.pid)?.state !== "R", "the exit");
    }
    child.kill("SIGTERM");
    child.kill("SIGKILL", { tree: false });
    await child.stop({ grace: 0 });
    child.kill("SIGCONT");
  }
  assertEquals(ownZombies(), []);
});

Deno.test("defect 7, macOS's EPERM: an error of kill() keeps its number and name", () => {
  const error = posixError("kill", 1, { pid: 5 });
  assert(error instanceof Deno.errors.PermissionDenied);
  assertEquals([(error as unknown as { code: string }).code], ["EPERM"]);
});

Deno.test("defect 8, a suspended orphan: a start that fails half way leaves no process", async () => {
  const marker = newMarker();
  const env = { M: marker };
  for (
    const options of [{}, { suspended: true }, {
      containment: "process-group",
    }] as const
  ) {
    assertThrows(
      () => new Command("./none", { env, ...options }).spawn(),
      Deno.errors.NotFound,
    );
    assertThrows(
      () =>
        new Command("sleep", { args: [marker], cwd: "/none", ...options })
          .spawn(),
      Deno.errors.NotFound,
    );
  }
  await new Command("true").output();
  assertEquals(processesWith(marker), []);
  assertEquals(ownZombies(), []);
});

Deno.test({
  name:
    "defect 9, children outlive the parent: a killed parent's tree ends by itself",
  ignore: notLinux,
  async fn() {
    const marker = newMarker();
    const source = `import { Command } from ${
      JSON.stringify(import.meta.resolve("../../mod.ts"))
    };
      const child = new Command("sh", {
        args: ["-c", "setsid sleep $M & sleep $M & echo ready; wait"],
        env: { M: ${JSON.stringify(marker)} }, stdin: "null", stdout: "inherit",
      }).spawn();
      await child.status;`;
    const host = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", "--no-config", "--no-lock", source],
      stdout: "piped",
    }).spawn();
    await waitForText(host.stdout);
    await until(
      () =>
        processesWith(marker).filter((one) => one.command.startsWith("sleep"))
          .length === 2,
      "both sleepers",
    );
    host.kill("SIGKILL");
    await host.status;
    await host.stdout.cancel();
    await until(
      () => processesWith(marker).length === 0,
      "the end of the orphaned tree",
      10_000,
    );
  },
});

Deno.test({
  name:
    "defect 10, descriptors leak into the child: a pipe to one child is not held open by another",
  async fn() {
    // With a leaked copy in `other`, the end of file would never come.
    const reader = new Command("cat", { stdin: "piped", stdout: "piped" })
      .spawn();
    const other = new Command("sleep", { args: ["100"], ...QUIET }).spawn();
    await reader.stdin.close();
    assertEquals(await within(reader.stdout.text(), "the end of file"), "");
    assertEquals((await reader.status).code, 0);
    await other.stop({ grace: 0 });
  },
});

Deno.test("defect 11, waiting for the leader only: the tree's end is waited for", async () => {
  const marker = newMarker();
  const child = new Command("sh", {
    args: ["-c", "sleep $M & exit 0"],
    env: { M: marker },
    ...QUIET,
  }).spawn();
  const status = await child.wait({ timeout: 60_000, grace: 1000 });
  assertEquals([status.code, status.timedOut], [0, false]);
  assertEquals(processesWith(marker), []);
  const late = new Command("sh", {
    args: ["-c", "(sleep 0.2; exit) & exit 0"],
    ...QUIET,
  }).spawn();
  await late.status;
  const began = performance.now();
  await within(late.treeExited, "treeExited");
  assertEquals(late.descendants(), []);
  assertLess(performance.now() - began, 60_000);
});

Deno.test("defect 12, the environment block: every variable arrives once, in whatever order it was given", async () => {
  const env = {
    z: "1",
    A: "2",
    _: "3",
    B: "4",
    a: "5",
    PATH: Deno.env.get("PATH")!,
  };
  const run = await new Command("env", { clearEnv: true, env }).output();
  const lines = new TextDecoder().decode(run.stdout).trim().split("\n").sort();
  const expected = Object.entries(env).map(([name, value]) =>
    `${name}=${value}`
  ).sort();
  assertEquals(lines, expected);
  await assertRejects(
    async () => await new Command("env", { env: { "A=B": "" } }).output(),
    TypeError,
  );
});
