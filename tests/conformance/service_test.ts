/** A command that a job keeps running: after others, when ready, while well, again. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type ChildProcess,
  Command,
  Job,
  type Service,
  type ServiceOptions,
} from "../../mod.ts";
import { until, within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import {
  CAN_OBSERVE,
  newMarker,
  processesWith,
} from "../fixtures/process_table.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

function says(code: string): Command {
  return new Command(denoPath(), {
    args: evalArgs(code),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    grace: 0,
  });
}

// Fails after so many milliseconds of the shortest delay there is.
const AT_ONCE: ServiceOptions = { restartDelay: 1, maxRestartDelay: 1 };

Deno.test("service(): a command that fails is started again, up to the limit, and the job ends", async () => {
  await using job = new Job();
  const pids: number[] = [];
  const service = job.service(says("Deno.exit(3)"), {
    ...AT_ONCE,
    restart: "on-failure",
    restartLimit: 2,
    onSpawn: ({ pid }) => pids.push(pid),
  });
  assertEquals([service.state, service.child], ["waiting", null]);
  const { success, because, status, restarts, error } = await service.exited;
  assertEquals([success, because, restarts, error], [false, "limit", 2, null]);
  assertEquals([status?.code, service.state], [3, "ended"]);
  assertEquals([new Set(pids).size, service.child?.pid], [3, pids[2]]);
  const end = await job.exited;
  assertEquals([end.success, end.statuses.length], [false, 3]);
});

Deno.test("service(): a command that succeeds is started again by 'always' alone", async () => {
  await using job = new Job({ policy: "all" });
  const ends = says("");
  const once = job.service(ends, { ...AT_ONCE, restart: "on-failure" });
  const often = job.service(ends, {
    ...AT_ONCE,
    restart: "always",
    restartLimit: 1,
  });
  const result = await once.exited;
  assertEquals([result.success, result.because], [true, "policy"]);
  assertEquals([once.restarts, (await often.exited).because], [0, "limit"]);
  assertEquals(often.restarts, 1);
});

Deno.test("service(): one waits until another is ready, and does not without 'after'", async () => {
  for (const waits of [true, false]) {
    await using job = new Job();
    const order: string[] = [];
    // Ready long after it has been started.
    const slow = "setTimeout(() => console.log('up'), 300); " +
      "setInterval(() => {}, 60_000)";
    const database = job.service(says(slow), { ready: { line: "up" } });
    database.ready.then(() => order.push("ready"));
    const server = job.service(says(IDLE), {
      after: waits ? [database] : [],
      onSpawn: () => order.push("server"),
    });
    assert(await within(server.ready, "the second"));
    assert(await within(database.ready, "the first"));
    assertEquals(order, waits ? ["ready", "server"] : ["server", "ready"]);
    assertEquals([database.state, server.state], ["ready", "ready"]);
  }
});

Deno.test("service(): nothing is started after one that did not get so far", async () => {
  await using job = new Job({ policy: "all" });
  const failing = job.service(says("Deno.exit(1)"), { ready: { line: "up" } });
  const waiting = job.service(says(IDLE), { after: [failing] });
  const task = job.service(says(IDLE), {
    after: [{ service: failing, condition: "exited" }],
  });
  for (const one of [waiting, task]) {
    const { success, because, status } = await within(one.exited, "its end");
    assertEquals([success, because, status], [false, "dependency", null]);
    assertEquals([one.child, await one.started], [null, false]);
  }
  assertEquals((await job.exited).success, false);
});

Deno.test("service(): a task that has ended well lets the next one begin", async () => {
  await using job = new Job({ policy: "all" });
  const migration = job.service(says(""));
  const after = [{ service: migration, condition: "exited" }] as const;
  const server = job.service(says(""), { after });
  assertEquals((await server.exited).success, true);
  assertEquals((await job.exited).success, true);
});

Deno.test("service(): one that is not well any more is stopped, and started again", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/well`;
  try {
    await using job = new Job();
    const runs: ChildProcess[] = [];
    const service = job.service(says(IDLE), {
      ...AT_ONCE,
      restart: "on-failure",
      health: { check: { file }, interval: 20, failures: 2 },
      onSpawn: (child) => {
        runs.push(child);
        Deno.writeTextFileSync(file, "");
      },
    });
    assert(await within(service.ready, "the first run"));
    await Deno.remove(file);
    await until(() => runs.length === 2, "the second run");
    assertEquals((await runs[0]?.status)?.success, false);
    await until(() => service.state === "ready", "the second to be ready");
    assertEquals(service.restarts, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("service(): a run that is not ready in time has failed", async () => {
  await using job = new Job({ policy: "all" });
  const service = job.service(says(IDLE), {
    ready: { line: "never said", timeout: 50 },
  });
  const { success, because } = await within(service.exited, "its end");
  assertEquals([success, because, await service.ready], [
    false,
    "policy",
    false,
  ]);
});

Deno.test("service(): what cannot be looked at is an error, not a restart", async () => {
  await using job = new Job({ policy: "all" });
  const silent = new Command(denoPath(), {
    args: evalArgs(IDLE),
    stdout: "null",
    grace: 0,
  });
  const line = job.service(silent, {
    ...AT_ONCE,
    restart: "always",
    ready: { line: "up" },
  });
  const check = { port: -1 };
  const port = job.service(silent, {
    ...AT_ONCE,
    restart: "always",
    health: { check, interval: 1 },
  });
  for (const one of [line, port]) {
    const { because, error, restarts } = await within(one.exited, "its end");
    assertEquals([because, restarts], ["error", 0]);
    assert(error instanceof TypeError || error instanceof RangeError);
  }
});

Deno.test("service(): stop() is an end for good, also while it waits to be started", async () => {
  await using job = new Job({ policy: "all" });
  const running = job.service(says(IDLE), { restart: "always" });
  const pausing = job.service(says("Deno.exit(1)"), {
    restart: "always",
    restartDelay: 600_000,
    maxRestartDelay: 600_000,
  });
  const waiting = job.service(says(IDLE), {
    after: [{ service: running, condition: "exited" }],
  });
  await within(running.ready, "the first");
  await until(() => pausing.state === "restarting", "the wait");
  for (const one of [waiting, running, pausing]) {
    const { success, because } = await within(one.stop(), "the stop");
    assertEquals([success, because], [true, "stopped"]);
  }
  assertEquals(pausing.restarts, 1);
  assertEquals(waiting.child, null);
});

Deno.test("service(): restart() starts the next run at once, whatever the policy", async () => {
  await using job = new Job();
  const service = job.service(says(IDLE));
  await within(service.ready, "the first run");
  const first = service.child as ChildProcess;
  service.restart();
  await until(
    () => service.child !== first && service.state === "ready",
    "the second run",
  );
  await within(first.status, "the first run's end");
  assertEquals(service.restarts, 0);
  await service.stop();
  assertThrows(() => service.restart(), TypeError, "it has ended");
});

Deno.test("service(): the end of the job ends it, and is no failure of its own", async () => {
  await using job = new Job({ policy: "first-exit" });
  const service = job.service(says(IDLE), { restart: "always" });
  await within(service.ready, "the service");
  const tests = job.spawn(says(""));
  const { success, first } = await within(job.exited, "the job");
  assertEquals([success, first], [true, tests]);
  const result = await within(service.exited, "the service's end");
  assertEquals([result.because, service.restarts], ["job", 0]);
});

Deno.test("service(): a program that does not exist is told, and nothing hangs", async () => {
  await using job = new Job();
  const service = job.service(["no-such-program-anywhere"]);
  const { success, because, error } = await within(service.exited, "its end");
  assertEquals([success, because], [false, "error"]);
  assert(error instanceof Deno.errors.NotFound);
});

Deno.test({
  name: "service(): what a run has left behind is ended before the next",
  // Processes are found by what is in their command lines.
  ignore: !CAN_OBSERVE,
  async fn() {
    const marker = newMarker();
    const left: number[] = [];
    const shell = ["sh", "-c", `(sleep ${marker} &) ; exit 1`];
    await using job = new Job({ policy: "all" });
    const service = job.service(shell, {
      ...AT_ONCE,
      restart: "on-failure",
      restartLimit: 2,
      onSpawn: () => left.push(sleeping(marker)),
    });
    await within(service.exited, "the end");
    // The one of the run that has just begun may be there already.
    assert(left.length === 3 && left.every((count) => count <= 1), `${left}`);
    assertEquals(sleeping(marker), 0);
  },
});

function sleeping(marker: string): number {
  return processesWith(marker).filter(({ command }) =>
    /^\S*sleep /.test(command)
  ).length;
}

Deno.test("service(): what is wrong is refused, and nothing is started", async () => {
  await using job = new Job();
  await using other = new Job();
  const foreign = other.service(says(IDLE));
  const started: unknown[] = [];
  const onSpawn = (child: ChildProcess) => started.push(child);
  const wrong = (options: unknown, word: string) =>
    assertThrows(
      () =>
        job.service(says(IDLE), {
          ...options as ServiceOptions,
          onSpawn,
        }),
      TypeError,
      word,
    );
  wrong({ restarts: "always" }, "restart");
  wrong({ restart: "often" }, "restart");
  wrong({ after: foreign }, "after");
  wrong({ after: [foreign] }, "same job");
  wrong({ after: [{ service: foreign }] }, "same job");
  wrong({ health: { check: { line: "up" } } }, "health");
  wrong({ health: {} }, "check");
  wrong({ ready: "up" }, "ready");
  assertThrows(
    () => job.service(says(IDLE), { restartLimit: -1 }),
    RangeError,
    "restartLimit",
  );
  const text = "sleep" as unknown as readonly string[];
  assertThrows(() => job.service(text), TypeError, "command of Job.service()");
  assertThrows(
    () => new (foreign.constructor as new () => Service)(),
    TypeError,
    "Illegal",
  );
  await other.stop();
  assertEquals(started, []);
});
