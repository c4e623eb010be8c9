/** As what a child runs: priority and CPUs on every system, the rest on POSIX. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Command, type CommandOptions } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { WINDOWS } from "./differences.ts";
import { isWine } from "../windows/support.ts";

Deno.test.beforeAll(warmUp);

/** What the child prints. */
async function said(
  source: string,
  options: CommandOptions,
): Promise<string> {
  const run = await new Command(denoPath(), {
    args: evalArgs(source),
    stderr: "inherit",
    ...options,
  }).output();
  return new TextDecoder().decode(run.stdout).trim();
}

// Node's view of the same thing: nice values, also for the classes of Windows.
const PRIORITY =
  `const { getPriority } = await import("node:os"); console.log(getPriority());`;

Deno.test({
  name: "priority: a word or a nice value, read back in the child",
  // Wine does not give a new process the class that CreateProcess was asked for.
  ignore: isWine(),
  async fn() {
    assertEquals(await said(PRIORITY, { priority: "below-normal" }), "10");
    assertEquals(await said(PRIORITY, { priority: "idle" }), "19");
    if (WINDOWS) return;
    assertEquals(await said(PRIORITY, { priority: 5 }), "5");
  },
});

// deno-lint-ignore no-explicit-any -- what a caller without types may pass
const REFUSED: readonly (readonly [any, new () => Error, string])[] = [
  [{ priority: "urgent" }, TypeError, '"below-normal"'],
  [{ priority: -21 }, RangeError, "-20"],
  [{ priority: 20 }, RangeError, "19"],
  [{ priority: 1.5 }, RangeError, "1.5"],
  [{ priority: null }, TypeError, "priority"],
  [{ umask: -1 }, RangeError, "umask"],
  [{ umask: 0o1000 }, RangeError, "511"],
  [{ umask: "022" }, TypeError, "umask"],
  [{ groups: 5 }, TypeError, "groups"],
  [{ groups: [-1] }, TypeError, "groups[0]"],
  [{ groups: [1, undefined] }, TypeError, "groups[1]"],
  [{ groups: new Array(65537).fill(1) }, RangeError, "65536"],
  [{ affinity: [] }, RangeError, "at least one"],
  [{ affinity: 0 }, TypeError, "affinity"],
  [{ affinity: ["0"] }, TypeError, "affinity[0]"],
  [{ affinity: [-1] }, RangeError, "affinity[0]"],
  [{ affinity: [0, 8192] }, RangeError, "affinity[1]"],
  [{ foreground: 1 }, TypeError, "foreground"],
  [{ foreground: true, pty: true }, TypeError, "terminal of its own"],
  [{ foreground: true, detached: true }, TypeError, "detached"],
  [{ foreground: true, processGroup: "session" }, TypeError, "processGroup"],
  [{ foreground: true, processGroup: "inherit" }, TypeError, "processGroup"],
  [{ pty: 1 }, TypeError, "pty"],
  [{ pty: null }, TypeError, "pty"],
  [{ pty: { columns: 0 } }, RangeError, "pty.columns"],
  [{ pty: { rows: 65536 } }, RangeError, "pty.rows"],
  [{ pty: { rows: "24" } }, TypeError, "pty.rows"],
  [{ pty: true, processGroup: "own" }, TypeError, "session"],
  [{ pty: true, stdin: "inherit" }, TypeError, "stdin"],
  [{ pty: true, stdout: "null" }, TypeError, "stdout"],
  [{ pty: true, stderr: "piped" }, TypeError, "stderr"],
];

for (const [options, type, part] of REFUSED) {
  const text = JSON.stringify(options).slice(0, 60);
  Deno.test(`refused, and nothing is started: ${text}`, () => {
    // A program that is not there: looking for it would be another error.
    const command = new Command("/no/such/program", options);
    const starts = [
      () => command.spawn(),
      () => command.output(),
      () => command.outputSync(),
    ];
    for (const start of starts) {
      assertStringIncludes(assertThrows(start, type).message, part);
    }
  });
}

Deno.test("affinity: a CPU that does not exist", () => {
  for (const affinity of [[8191], [0, 8191]]) {
    const command = new Command(denoPath(), { args: evalArgs(""), affinity });
    const error = assertThrows(() => command.spawn());
    const type = Deno.build.os === "darwin"
      ? Deno.errors.NotSupported
      : RangeError;
    assertEquals(error instanceof type, true, String(error));
    assertThrows(() => command.outputSync(), type);
  }
});

Deno.test({
  name: "affinity on the first CPU, and the child runs",
  // It has no call for that.
  ignore: Deno.build.os === "darwin",
  async fn() {
    // Node reads it from the mask of the process (uv_available_parallelism).
    const source =
      `const { availableParallelism } = await import("node:os"); console.log("ran", availableParallelism());`;
    assertStringIncludes(await said(source, { affinity: [0] }), "ran ");
  },
});

Deno.test({
  name: "Windows: groups, umask and pty are NotSupported",
  ignore: !WINDOWS,
  fn() {
    for (const options of [{ groups: [1] }, { umask: 0o22 }, { pty: true }]) {
      const command = new Command(denoPath(), {
        args: evalArgs(""),
        ...options,
      });
      assertThrows(() => command.spawn(), Deno.errors.NotSupported);
    }
  },
});

Deno.test("resize() of a child without a pseudo-terminal is a TypeError", async () => {
  await using child = new Command(denoPath(), {
    args: evalArgs("setInterval(() => {}, 1000)"),
    stdin: "null",
    grace: 0,
  }).spawn();
  assertThrows(() => child.resize({ columns: 80, rows: 24 }), TypeError, "pty");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => child.resize({ columns: 80 } as any), TypeError, "rows");
  assertEquals(child.foreground, false);
});
