/** The library is not alone in its process, and leaves no traces in it. */

import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { spawn as nodeSpawn } from "node:child_process";
import { Command } from "../../../mod.ts";
import { libcLinux } from "../../../posix/system/libc.ts";
import { waitpid } from "../../../posix/mod.ts";
import { parseLocksLimit } from "../../../posix/system/proc_files.ts";
import { windowOf } from "../../../posix/containment/owner.ts";
import { until, within } from "../../fixtures/deadline.ts";
import { evalArgs, waitForText } from "../../fixtures/eval.ts";
import {
  newMarker,
  openDescriptors,
  ownZombies,
  processesWith,
  statOf,
} from "../../fixtures/process_table.ts";
import { warmUp } from "../../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const linuxOnly = Deno.build.os !== "linux";
const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;
const MOD = import.meta.resolve("../../../mod.ts");

Deno.test({
  name: "2,000 children leave no descriptor open and no zombie",
  ignore: linuxOnly,
  async fn() {
    const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    const round = async (i: number) => {
      if (i % 4 === 0) {
        const run = await new Command("echo", { args: ["x"], input: "y" })
          .output();
        assertEquals(run.stdout.length, 2);
      } else if (i % 4 === 1) {
        assertEquals(new Command("true").outputSync().code, 0);
      } else if (i % 4 === 2) {
        const child = new Command("true", piped).spawn();
        await child.stdin.close();
        await child.output();
      } else {
        await using child = new Command("sleep", {
          args: ["100"],
          ...QUIET,
          grace: 0,
        }).spawn();
        assert(child.pid > 1);
      }
    };
    for (let i = 0; i < 8; i++) await round(i);
    const before = openDescriptors();
    for (let i = 0; i < 2000; i += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, j) => round(i + j)));
    }
    // Fewer, when garbage of the warming up was collected meanwhile.
    const after = openDescriptors();
    assert(after <= before, `${before} before, ${after} after`);
    assertEquals(ownZombies(), []);
  },
});

Deno.test({
  name: "failed starts leave no descriptor open and no process",
  ignore: linuxOnly,
  fn() {
    const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    const fail = () => {
      for (
        const [program, options] of [
          ["./none", {}],
          ["none-anywhere", {}],
          ["true", { cwd: "/none" }],
          ["/", {}],
          ["true", { args: ["x".repeat(200_000)] }],
        ] as const
      ) {
        try {
          new Command(program, { ...piped, ...options }).spawn();
        } catch {
          continue;
        }
        throw new Error(`${program} was started`);
      }
    };
    fail();
    const before = openDescriptors();
    for (let i = 0; i < 100; i++) fail();
    const after = openDescriptors();
    assert(after <= before, `${before} before, ${after} after`);
    assertEquals(ownZombies(), []);
  },
});

Deno.test({
  name: "an abandoned child does not leave its pipes open for ever",
  ignore: linuxOnly,
  async fn() {
    const piped = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    // A host of its own, whose garbage can be collected on demand.
    const source = `import { Command } from ${JSON.stringify(MOD)};
      const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
      const start = async () => { await new Command("true", ${
      JSON.stringify(piped)
    }).spawn().status; };
      await start();
      const before = count();
      for (let i = 0; i < 50; i++) await start();
      const during = count();
      const deadline = Date.now() + 30_000;
      while (count() > before && Date.now() < deadline) {
        gc();
        await new Promise((r) => setTimeout(r, 10));
      }
      console.log(during > before, count() <= before);`;
    const run = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--quiet",
        "--no-config",
        "--no-lock",
        "--v8-flags=--expose-gc",
        source,
      ],
    }).output();
    assertEquals(
      new TextDecoder().decode(run.stdout) +
        new TextDecoder().decode(run.stderr),
      "true true\n",
    );
  },
});

Deno.test("children of Deno.Command and node:child_process keep their statuses, hundreds of all kinds at once", async () => {
  const codes: number[] = [];
  const expected: number[] = [];
  const jobs: Promise<unknown>[] = [];
  for (let i = 0; i < 300; i++) {
    const code = i % 100;
    const args = ["-c", `exit ${code}`];
    expected.push(code);
    const note = (got: number | null) => codes[i] = got ?? -1;
    if (i % 3 === 0) {
      jobs.push(
        new Command("sh", { args, ...QUIET }).spawn().status.then((s) =>
          note(s.code)
        ),
      );
    } else if (i % 3 === 1) {
      jobs.push(
        new Deno.Command("sh", { args, ...QUIET }).spawn().status.then((s) =>
          note(s.code)
        ),
      );
    } else {
      jobs.push(
        new Promise<void>((resolve) =>
          nodeSpawn("sh", args, { stdio: "ignore" }).on("exit", (got) => {
            note(got);
            resolve();
          })
        ),
      );
    }
  }
  await within(Promise.all(jobs), "all children");
  assertEquals(codes, expected);
  assertEquals(ownZombies(), []);
});

Deno.test("stopping trees does not touch the children of Deno.Command and node:child_process", async () => {
  const marker = newMarker();
  const theirs = Array.from(
    { length: 20 },
    () => new Deno.Command("sleep", { args: [marker], ...QUIET }).spawn(),
  );
  const nodes = Array.from(
    { length: 20 },
    () => nodeSpawn("sleep", [marker], { stdio: "ignore" }),
  );
  const exits = nodes.map((one) =>
    new Promise((resolve) => one.on("exit", (_code, signal) => resolve(signal)))
  );
  try {
    for (let i = 0; i < 20; i++) {
      // Between and around their spawns, in the same instant.
      const ours = new Command("sh", {
        args: ["-c", "sleep 100 & wait"],
        ...QUIET,
      }).spawn();
      theirs.push(
        new Deno.Command("sleep", { args: [marker], ...QUIET }).spawn(),
      );
      await ours.stop({ grace: 0 });
    }
    assertEquals(processesWith(marker).length, 60);
  } finally {
    for (const child of theirs) child.kill("SIGUSR1");
    for (const child of nodes) child.kill("SIGUSR2");
  }
  for (const child of theirs) {
    assertEquals((await child.status).signal, "SIGUSR1");
  }
  assertEquals(new Set(await Promise.all(exits)), new Set(["SIGUSR2"]));
});

Deno.test({
  name:
    "a stranger whose fork took the tag of a spawn along is none of the tree",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const ours = new Command("sh", {
      args: ["-c", "sleep 300 & wait"],
      ...QUIET,
    })
      .spawn();
    const theirs = new Deno.Command("sleep", { args: ["300"], ...QUIET })
      .spawn();
    try {
      const tag = locksLimit(ours.pid);
      // What a fork of another thread copies in the middle of posix_spawn.
      setLocksLimit(theirs.pid, windowOf(tag!));
      const { survivors } = await ours.stop({ grace: 0 });
      assertEquals(survivors, 0);
      assertEquals(locksLimit(theirs.pid), locksLimit(Deno.pid));
    } finally {
      theirs.kill("SIGUSR1");
    }
    assertEquals((await theirs.status).signal, "SIGUSR1");
  },
});

Deno.test({
  name:
    "children that other isolates start at the same moment are no members of our trees",
  ignore: linuxOnly,
  async fn() {
    const marker = newMarker();
    const code = `const children = [];
      self.onmessage = async () => {
        for (const child of children) child.kill("SIGUSR1");
        const statuses = await Promise.all(children.map((child) => child.status));
        self.postMessage(statuses.map((status) => status.signal));
        self.close();
      };
      for (let i = 0; i < 60; i++) {
        children.push(new Deno.Command("sleep", { args: ["${marker}"], stdin: "null", stdout: "null", stderr: "null" }).spawn());
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      self.postMessage("started");`;
    const url = `data:application/javascript,${encodeURIComponent(code)}`;
    const worker = new Worker(url, { type: "module" });
    const next = () =>
      new Promise<unknown>((resolve) =>
        worker.onmessage = ({ data }) => resolve(data)
      );
    let started = false;
    const waiting = next().then(() => started = true);
    let trees = 0;
    while (!started) {
      const child = new Command("sleep", { args: ["100"], ...QUIET }).spawn();
      await child.stop({ grace: 0 });
      trees++;
    }
    await waiting;
    const signals = next();
    assertEquals(processesWith(marker).length, 60);
    worker.postMessage("end");
    assertEquals(new Set(await signals as string[]), new Set(["SIGUSR1"]));
    assert(trees > 10, `only ${trees} trees`);
  },
});

Deno.test("the leader is not reaped before its tree is swept: the zombie pins its number", async () => {
  const marker = newMarker();
  await using child = new Command("sh", {
    args: [
      "-c",
      `trap 'exit 0' TERM; sh -c 'trap "" TERM; echo ready; while :; do sleep ${marker}; done' & wait`,
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  await waitForText(child.stdout);
  let settled = false;
  child.status.then(() => settled = true);
  const stopping = child.stop({ grace: 60_000 });
  // The leader obeys and is gone; a deaf member keeps the tree alive.
  await until(() => statOf(child.pid)?.state === "Z", "the zombie leader");
  assertEquals(statOf(child.pid)?.pgrp, child.pid);
  assertEquals(settled, false);
  await child.stop({ grace: 0 });
  await stopping;
  assertEquals(statOf(child.pid), null);
  assertEquals((await child.status).code, 0);
  assertEquals(processesWith(marker), []);
});

Deno.test("wait() and stop() wait for the deaf when the leader obeys at once", async () => {
  // The leader is seen to end within the first step of the stop, or soon after.
  const script =
    `trap 'exit 0' TERM; sh -c 'trap "" TERM; echo ready; while :; do sleep $M; done' & wait`;
  for (let i = 0; i < 12; i++) {
    const marker = newMarker();
    const child = new Command("sh", {
      args: ["-c", script],
      env: { M: marker },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await waitForText(child.stdout);
    const ending = { grace: 100 };
    const status = i % 2 === 0
      ? await child.wait({ timeout: 1, ...ending })
      : (child.stop(ending), await child.status);
    assertEquals(processesWith(marker), []);
    assertEquals(status.timedOut, i % 2 === 0);
    assertEquals(status.killed, true);
    await child.stdout.cancel();
  }
});

Deno.test("a status that somebody else took is reported as lost, not made up", async () => {
  const child = new Command("sh", { args: ["-c", "exit 7"], ...QUIET }).spawn();
  let stolen = null;
  // Before our event loop can turn.
  while (stolen === null) stolen = waitpid(child.pid);
  assertEquals(stolen.code, 7);
  const status = await within(child.status, "the status");
  assertEquals(
    [status.lost, status.code, status.signal, status.success],
    [true, -1, null, false],
  );
  // Its number is not ours any more.
  child.kill("SIGKILL");
  assertEquals((await child.stop()).survivors, 0);
});

Deno.test("a host that ignores SIGCHLD gets its output and no hang; the status is lost", async () => {
  // With SIGCHLD ignored the kernel reaps by itself (signal(7)); exec keeps it.
  const source = `import { Command } from ${JSON.stringify(MOD)};
    const child = new Command("sh", { args: ["-c", "exit 7"] }).spawn();
    const status = await child.status;
    const run = await new Command("echo", { args: ["hi"] }).output();
    const sync = new Command("echo", { args: ["hi"] }).outputSync();
    console.log(JSON.stringify([
      status.lost ? "lost" : status.code,
      new TextDecoder().decode(run.stdout).trim(),
      new TextDecoder().decode(sync.stdout).trim(),
    ]));`;
  const run = await within(
    new Deno.Command("sh", {
      args: [
        "-c",
        `trap '' CHLD; exec "$0" "$@"`,
        Deno.execPath(),
        ...evalArgs(source),
      ],
    }).output(),
    "the host",
  );
  const [status, ...texts] = JSON.parse(new TextDecoder().decode(run.stdout));
  assertEquals(texts, ["hi", "hi"]);
  // Deno may install a handler of its own first: then nothing is lost.
  assert(status === "lost" || status === 7, String(status));
});

Deno.test("a pid of 1 or less is refused by the native functions", async () => {
  const { kill, killpg } = await import("../../../posix/mod.ts");
  for (const number of [1, 0, -1, -2, NaN, 1.5]) {
    await assertRejects(async () => await kill(number, 0), RangeError);
    await assertRejects(async () => await killpg(number, 0), RangeError);
    await assertRejects(async () => await waitpid(number), RangeError);
  }
});

Deno.test("waiting costs nothing: an idle child causes no wake-ups", async () => {
  if (linuxOnly) return;
  const source = `import { Command } from ${JSON.stringify(MOD)};
    const child = new Command("sleep", { args: ["100"], stdin: "null", stdout: "piped" }).spawn();
    child.status;
    const reading = child.stdout.text();
    const ticks = () => {
      let sum = 0;
      for (const { name } of Deno.readDirSync("/proc/self/task")) {
        const status = Deno.readTextFileSync("/proc/self/task/" + name + "/status");
        sum += Number(/^voluntary_ctxt_switches:\\s+(\\d+)/m.exec(status)[1]);
      }
      return sum;
    };
    await new Promise((r) => setTimeout(r, 1000));
    const before = ticks();
    await new Promise((r) => setTimeout(r, 3000));
    console.log(ticks() - before);
    await child.stop({ grace: 0 });
    await reading;`;
  const run = await new Deno.Command(Deno.execPath(), {
    args: evalArgs(source),
  }).output();
  const switches = Number(new TextDecoder().decode(run.stdout));
  // The backstop looks once in two seconds; V8 and tokio turn over now and then.
  assert(run.success, new TextDecoder().decode(run.stderr));
  assertLess(switches, 150);
});

function locksLimit(pid: number): bigint | null {
  return parseLocksLimit(Deno.readTextFileSync(`/proc/${pid}/limits`));
}

function setLocksLimit(pid: number, soft: bigint): void {
  const unlimited = 0xffff_ffff_ffff_ffffn;
  const limit = new Uint8Array(new BigUint64Array([soft, unlimited]).buffer);
  assertEquals(libcLinux().prlimit(pid, 10, limit, new Uint8Array(16)), 0);
}
