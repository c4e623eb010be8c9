/** `onEvent`: what happens to a run is told, in order; and spans, where telemetry is on. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Command, Job, type ProcessEvent } from "../../mod.ts";
import { denoPath, denoUnderTest } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const windows = Deno.build.os === "windows";
const SAYS_UP = "console.log('up'); setInterval(() => {}, 1000)";

function typesOf(events: readonly ProcessEvent[]): string[] {
  return events.map(({ type }) => type);
}

Deno.test("onEvent: a run that ends by itself", async () => {
  const events: ProcessEvent[] = [];
  const before = Date.now();
  const run = await new Command(deno, {
    args: evalArgs("Deno.exit(3)"),
    onEvent: (event) => events.push(event),
  }).output();
  assertEquals(run.code, 3);
  assertEquals(typesOf(events), ["spawned", "exited", "tree-empty"]);
  for (const { command, pid, time } of events) {
    assertEquals([command, pid], [deno, events[0]!.pid]);
    assert(time >= before && time <= Date.now());
  }
  const [, exited] = events;
  assert(exited?.type === "exited");
  assertEquals([exited.code, exited.signal], [3, null]);
});

Deno.test("onEvent: ready, the soft signal, and the end", async () => {
  const events: ProcessEvent[] = [];
  const child = new Command(deno, {
    args: evalArgs(SAYS_UP),
    stdout: "piped",
    onEvent: (event) => events.push(event),
  }).spawn();
  await child.ready({ line: "up" });
  const report = await child.stop();
  await child.stdout.cancel();
  await child.status;
  assertEquals(typesOf(events), [
    "spawned",
    "ready",
    "soft-signal",
    "exited",
    "tree-empty",
  ]);
  const soft = events[2]!;
  assert(soft.type === "soft-signal");
  assertEquals([soft.signal, soft.count], [report.signal, report.signalled]);
});

Deno.test("onEvent: a kill at once, and a limit", async () => {
  const events: ProcessEvent[] = [];
  const run = await new Command(deno, {
    args: evalArgs(IDLE),
    limits: { wallTime: 200 },
    onEvent: (event) => events.push(event),
  }).output();
  assertEquals(run.limit, "wallTime");
  assertEquals(typesOf(events), [
    "spawned",
    "limit",
    "escalated",
    "exited",
    "tree-empty",
  ]);
});

Deno.test("onEvent: a blocking run tells the same", () => {
  const events: ProcessEvent[] = [];
  const run = new Command(deno, {
    args: evalArgs(IDLE),
    timeout: 300,
    grace: 0,
    onEvent: (event) => events.push(event),
  }).outputSync();
  assert(run.timedOut);
  assertEquals(typesOf(events), [
    "spawned",
    "escalated",
    "exited",
    "tree-empty",
  ]);
});

Deno.test("onEvent: a job is told of its children and of itself", async () => {
  const all: ProcessEvent[] = [];
  const own: ProcessEvent[] = [];
  await using job = new Job({
    policy: "all",
    onEvent: (event) => all.push(event),
  });
  const first = job.spawn(deno, {
    args: evalArgs(IDLE),
    onEvent: (event) => own.push(event),
  });
  const second = job.spawn(deno, { args: evalArgs(IDLE) });
  await job.stop({ grace: 0 });
  const of = (pid: number | null) => typesOf(all.filter((e) => e.pid === pid));
  assertEquals(of(null), ["escalated"]);
  for (const { pid } of [first, second]) {
    assertEquals(of(pid), ["spawned", "exited", "tree-empty"]);
  }
  assertEquals(own, all.filter(({ pid }) => pid === first.pid));
});

Deno.test("onEvent: an error of the hook is reported, and the run goes on", async () => {
  const reported: unknown[] = [];
  const take = (event: ErrorEvent): void => {
    event.preventDefault();
    reported.push(event.error);
  };
  addEventListener("error", take);
  try {
    const mistake = new Error("of the hook");
    const run = await new Command(deno, {
      args: evalArgs("Deno.exit(0)"),
      onEvent() {
        throw mistake;
      },
    }).output();
    assertEquals(run.code, 0);
    assertEquals(reported, [mistake, mistake, mistake]);
  } finally {
    removeEventListener("error", take);
  }
});

Deno.test("onEvent: what is no function is refused, and starts nothing", () => {
  // deno-lint-ignore no-explicit-any
  const options = { onEvent: true } as any;
  assertThrows(() => new Command(deno, options).spawn(), TypeError, "onEvent");
  assertThrows(() => new Job(options), TypeError, "onEvent");
});

Deno.test({
  name: "with Deno's telemetry on, a run is a span; off, there is none",
  // Of the console exporter, which is Deno's since 2.4.
  ignore: windows,
  async fn() {
    const mod = import.meta.resolve("../../mod.ts");
    const code = `import { Command } from ${JSON.stringify(mod)};
      await new Command("sh", { args: ["-c", "exit 4", "secret"], timeout: 60_000 }).output();`;
    for (const on of [true, false]) {
      const { stdout, stderr } = await new Deno.Command(denoUnderTest(), {
        args: ["eval", "--no-config", "--no-lock", code],
        env: {
          OTEL_DENO: `${on}`,
          OTEL_EXPORTER_OTLP_PROTOCOL: "console",
          NO_COLOR: "1",
        },
      }).output();
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      const said = decode(stdout) + decode(stderr);
      assertEquals(/SPAN sh /.test(said), on, said);
      if (!on) continue;
      assert(said.includes("process.exit.code: 4"), said);
      for (const name of ["spawned", "exited", "tree-empty"]) {
        assert(said.includes(`- ${name} `), said);
      }
      // Arguments are not told.
      assert(!said.includes("secret"), said);
    }
  },
});
