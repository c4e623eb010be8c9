import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { Command, OutputLimitExceeded, pipeline } from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import {
  CAN_OBSERVE,
  newMarker,
  openDescriptors,
  processesWith,
} from "../fixtures/process_table.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { ENOUGH, WINDOWS } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const MiB = 1024 * 1024;

/** Writes for ever, until nothing reads any more. */
const YES = `const line = new TextEncoder().encode("y\\n".repeat(4096));
try {
  for (;;) Deno.stdout.writeSync(line);
} catch {
  // Deno ignores SIGPIPE and throws.
  Deno.exit(1);
}`;
/** Passes on one line and ends. */
const HEAD = `const buffer = new Uint8Array(2);
Deno.stdin.readSync(buffer);
Deno.stdout.writeSync(buffer);`;
const CAT = "await Deno.stdin.readable.pipeTo(Deno.stdout.writable)";
const UPPER = `const text = await new Response(Deno.stdin.readable).text();
console.log(text.trim().toUpperCase());`;
const COUNT = `let n = 0;
for await (const piece of Deno.stdin.readable) n += piece.length;
console.log(n);`;

function stage(source: string, ...args: string[]): string[] {
  return [deno].concat(evalArgs(source, ...args));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("each command reads what the one before it writes", async () => {
  const output = await pipeline([
    stage("console.log('hello')"),
    stage(CAT),
    new Command(deno, { args: evalArgs(UPPER) }),
  ]);
  assertEquals(text(output.stdout).trim(), "HELLO");
  assertEquals([output.success, output.code], [true, 0]);
  assertEquals(output.statuses.map(({ status }) => status.code), [0, 0, 0]);
  assertEquals([output.timedOut, output.aborted, output.signal], [
    false,
    false,
    null,
  ]);
});

Deno.test("the first command is fed, and a single one is a pipeline", async () => {
  const { stdout } = await pipeline([
    new Command(deno, { args: evalArgs(UPPER), input: "fed" }),
  ]);
  assertEquals(text(stdout).trim(), "FED");
});

Deno.test("a writer that nobody reads any more ends", async () => {
  const { stdout, statuses, success } = await within(
    pipeline([stage(YES), stage(HEAD)]),
    "the end of the writer",
  );
  assertEquals(text(stdout), "y\n");
  assertEquals(statuses[1]!.status.code, 0);
  assertEquals(statuses[0]!.status.success, false);
  assertEquals(statuses[0]!.status.killed, false);
  assertEquals(success, false);
});

Deno.test({
  name: "yes | head -1 ends by SIGPIPE",
  // No such programs.
  ignore: WINDOWS,
  async fn() {
    const output = await pipeline([["yes"], ["head", "-1"]]);
    assertEquals(text(output.stdout), "y\n");
    assertEquals(output.statuses[0]!.status.signal, "SIGPIPE");
    assertEquals(output.code, 128 + 13);
  },
});

Deno.test("when the middle dies, the writer ends and the reader sees the end", async () => {
  const { stdout, statuses, code } = await within(
    pipeline([stage(YES), stage("Deno.exit(7)"), stage(COUNT)]),
    "the end of all",
  );
  assertEquals(text(stdout).trim(), "0");
  assertEquals(statuses[1]!.status.code, 7);
  assertEquals(statuses[2]!.status.code, 0);
  // As `pipefail` has it: the last one that failed.
  assertEquals(code, 7);
});

Deno.test("much data passes through three stages, and not through us", async () => {
  const size = 128 * MiB;
  const write = `const piece = new Uint8Array(${MiB});
for (let n = 0; n < ${size}; n += ${MiB}) {
  for (let at = 0; at < ${MiB};) at += Deno.stdout.writeSync(piece.subarray(at));
}`;
  const before = Deno.memoryUsage().rss;
  const { stdout, success } = await pipeline([
    stage(write),
    stage(CAT),
    stage(COUNT),
  ]);
  assertEquals([text(stdout).trim(), success], [String(size), true]);
  assertLess(Deno.memoryUsage().rss - before, 64 * MiB);
});

for (const how of ["timeout", "abort"] as const) {
  Deno.test(`${how} ends every command, with what it has started`, async () => {
    await using roll = new RollCall();
    const controller = new AbortController();
    const running = pipeline([
      [deno, ...roll.args("first")],
      [deno, ...roll.args("last")],
    ], how === "abort" ? { signal: controller.signal } : { timeout: ENOUGH });
    const first = await roll.member("first");
    await roll.member("last");
    if (how === "abort") {
      await first.spawn("daemon", { detached: true });
      controller.abort();
    }
    const output = await within(running, "the end of the pipeline");
    await roll.assertGone();
    assertEquals(
      [output.success, output.timedOut, output.aborted],
      [false, how === "timeout", how === "abort"],
    );
    assert(output.statuses.every(({ status }) => status.killed));
  });
}

Deno.test("what a command left behind may still write, and is ended with the pipeline", async () => {
  await using roll = new RollCall();
  const running = pipeline([
    [deno, ...roll.args("first")],
    stage(CAT),
  ]);
  const first = await roll.member("first");
  const writer = await first.spawn("writer", { stdout: "inherit" });
  const idle = await first.spawn("idle", { detached: true });
  await first.exit(0);
  await writer.ask({ do: "print", text: "late" });
  await idle.answers();
  await writer.exit(0);
  const { stdout, success } = await within(running, "the pipeline");
  assertEquals([text(stdout), success], ["late", true]);
  await roll.assertGone();
});

Deno.test("a command that cannot be started ends those before it", async () => {
  const marker = newMarker();
  const first = stage("setInterval(() => {}, 1000)", marker);
  await assertRejects(
    () => pipeline([first, ["no-such-program-7"], stage(CAT)]),
    Deno.errors.NotFound,
  );
  if (CAN_OBSERVE) assertEquals(processesWith(marker), []);
});

Deno.test("bad commands are refused before anything is started", async () => {
  const marker = newMarker();
  const first = stage("setInterval(() => {}, 1000)", marker);
  const cases: [unknown, string][] = [
    [[], "array of commands"],
    ["a | b", "array of commands"],
    [[first, "b"], "command 1"],
    [[first, []], "command 1"],
    [[first, new Command(deno, { stdin: "null" })], "stdin"],
    [[first, new Command(deno, { input: "x" })], "input"],
    [[new Command(deno, { stdout: "inherit" }), first], "stdout"],
    [[new Command(deno, { stdin: "piped" }), first], "stdin"],
    [[first, new Command(deno, { stderr: "piped" })], "stderr"],
    [[first, new Command(deno, { fds: { 3: { pipe: "write" } } })], "fds[3]"],
    [[first, new Command(deno, { args: ["a\0b"] })], "NUL"],
  ];
  for (const [commands, part] of cases) {
    const error = await assertRejects(
      () => pipeline(commands as string[][]),
      TypeError,
    );
    assert(error.message.includes(part), error.message);
  }
  await assertRejects(() => pipeline([first], { timeout: -1 }), RangeError);
  if (CAN_OBSERVE) assertEquals(processesWith(marker), []);
});

Deno.test("an output that is not piped cannot be read", async () => {
  const output = await pipeline([
    stage("console.log(1)"),
    new Command(deno, { args: evalArgs(CAT), stdout: "null" }),
  ]);
  assertEquals(output.success, true);
  assertThrows(() => output.stdout, TypeError, "'stdout' is not piped");
});

Deno.test("an output past maxOutput fails, and the writer is gone", async () => {
  const marker = newMarker();
  await assertRejects(
    () =>
      within(
        pipeline([
          stage(YES, marker),
          new Command(deno, { args: evalArgs(CAT, marker), maxOutput: 10_000 }),
        ], { grace: 0 }),
        "the end of all",
      ),
    OutputLimitExceeded,
  );
  if (CAN_OBSERVE) assertEquals(processesWith(marker), []);
});

Deno.test({
  name: "no descriptor is left open",
  // The table of handles cannot be listed from here.
  ignore: !CAN_OBSERVE,
  async fn() {
    const run = () => pipeline([["true"], ["true"], ["true"]]);
    await run();
    const before = openDescriptors();
    for (let i = 0; i < 20; i++) await run();
    await assertRejects(
      () => pipeline([["true"], ["no-such-program-7"]]),
      Deno.errors.NotFound,
    );
    // Fewer, when what an earlier file of tests had open is closed meanwhile.
    const after = openDescriptors();
    assert(after <= before, `${after} after ${before}`);
  },
});
