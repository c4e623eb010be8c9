import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  checkOutput,
  Command,
  type CommandOptions,
  OutputLimitExceeded,
} from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const text = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes!);

/** 100,000 bytes on each stream: 0000000001…, ten per line number. */
const LINES = `
let all = "";
for (let i = 0; i < 10000; i++) all += String(i).padStart(9, "0") + "\\n";
const bytes = new TextEncoder().encode(all);
for (const to of [Deno.stdout, Deno.stderr]) {
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}`;

function both(
  options: CommandOptions,
): (readonly [
  string,
  () => Promise<Deno.CommandOutput & { truncated: boolean }>,
])[] {
  const command = new Command(deno, { args: evalArgs(LINES), ...options });
  return [
    ["output()", () => command.output()],
    // deno-lint-ignore require-await -- the same shape for both
    ["outputSync()", async () => command.outputSync()],
  ];
}

Deno.test("up to maxOutput, everything is kept", async () => {
  for (const policy of ["error", "head", "tail"] as const) {
    for (
      const [name, run] of both({ maxOutput: 100_000, outputPolicy: policy })
    ) {
      const { stdout, stderr, truncated, success } = await run();
      assertEquals(
        [stdout.length, stderr.length, truncated, success],
        [100_000, 100_000, false, true],
        `${policy} ${name}`,
      );
    }
  }
});

Deno.test("'head' keeps the first bytes and lets the child finish", async () => {
  for (const [name, run] of both({ maxOutput: 25, outputPolicy: "head" })) {
    const { stdout, stderr, truncated, success } = await run();
    assertEquals(text(stdout), "000000000\n000000001\n00000", name);
    assertEquals(text(stderr), "000000000\n000000001\n00000", name);
    assertEquals([truncated, success], [true, true], name);
  }
});

Deno.test("'tail' keeps the last bytes and lets the child finish", async () => {
  for (const [name, run] of both({ maxOutput: 25, outputPolicy: "tail" })) {
    const { stdout, stderr, truncated, success } = await run();
    assertEquals(text(stdout), "9997\n000009998\n000009999\n", name);
    assertEquals(text(stderr), "9997\n000009998\n000009999\n", name);
    assertEquals([truncated, success], [true, true], name);
  }
});

Deno.test("'ends' keeps the first and the last bytes, and says what is between", async () => {
  for (const [name, run] of both({ maxOutput: 40, outputPolicy: "ends" })) {
    const { stdout, stderr, truncated, success } = await run();
    const kept =
      "000000000\n000000001\n\n[99960 bytes left out]\n000009998\n000009999\n";
    assertEquals([text(stdout), text(stderr)], [kept, kept], name);
    assertEquals([truncated, success], [true, true], name);
  }
  for (
    const [name, run] of both({ maxOutput: 100_000, outputPolicy: "ends" })
  ) {
    const { stdout, truncated } = await run();
    assertEquals([stdout.length, truncated], [100_000, false], name);
  }
});

Deno.test("maxOutput: 0 keeps nothing", async () => {
  for (const policy of ["head", "tail"] as const) {
    for (const [name, run] of both({ maxOutput: 0, outputPolicy: policy })) {
      const { stdout, truncated, code } = await run();
      assertEquals(
        [stdout.length, truncated, code],
        [0, true, 0],
        `${policy} ${name}`,
      );
    }
  }
});

Deno.test("maxOutput: 0 is no error for a child that says nothing", async () => {
  const command = new Command(deno, { args: evalArgs(""), maxOutput: 0 });
  assertEquals((await command.output()).truncated, false);
  assertEquals(command.outputSync().truncated, false);
});

Deno.test("maxOutput: Infinity keeps everything", async () => {
  for (const [name, run] of both({ maxOutput: Infinity })) {
    assertEquals((await run()).stdout.length, 100_000, name);
  }
});

Deno.test("'error' is the default: the call fails with the first bytes attached", async () => {
  const command = new Command(deno, { args: evalArgs(LINES), maxOutput: 30 });
  const failures = [
    await assertRejects(() => command.output(), OutputLimitExceeded),
    assertThrows(() => command.outputSync(), OutputLimitExceeded),
    await assertRejects(
      () =>
        checkOutput([deno, ...evalArgs(LINES)], {
          maxOutput: 30,
          stderr: "null",
        }),
      OutputLimitExceeded,
    ),
  ];
  for (const error of failures) {
    assertInstanceOf(error, RangeError);
    assertEquals([error.name, error.limit, error.command], [
      "OutputLimitExceeded",
      30,
      deno,
    ]);
    assertStringIncludes(error.message, "wrote more than 30 bytes");
    assertEquals(text(error.stdout), "000000000\n000000001\n000000002\n");
  }
  assertEquals(failures[2]!.stderr, null);
});

Deno.test("'error' ends the tree of a child that writes without end", async () => {
  await using roll = new RollCall();
  const command = new Command(deno, {
    args: evalArgs(
      `new Deno.Command(${JSON.stringify(deno)}, {
        args: ${
        JSON.stringify(roll.args("grandchild"))
      }, stdin: "null", stdout: "null", stderr: "null",
      }).spawn();
      const piece = new Uint8Array(65536);
      for (;;) Deno.stdout.writeSync(piece);`,
      roll.marker,
    ),
    maxOutput: 1 << 20,
    grace: 0,
  });
  await assertRejects(() => command.output(), OutputLimitExceeded);
  await roll.assertGone();
  assertThrows(() => command.outputSync(), OutputLimitExceeded);
  await roll.assertGone();
});

Deno.test("a stream that is over its limit does not cut the other", async () => {
  const run = await new Command(deno, {
    args: evalArgs("console.log('x'.repeat(100)); console.error('short')"),
    maxOutput: 10,
    outputPolicy: "tail",
  }).output();
  assertEquals([text(run.stdout), text(run.stderr)], [
    "xxxxxxxxx\n",
    "short\n",
  ]);
  assertEquals(run.truncated, true);
});
