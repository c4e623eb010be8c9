/** The `together` command as a program, and its prefixes. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Palette } from "../../cli/terminal/colour.ts";
import { namesOf, prefixes } from "../../cli/run/line_prefix.ts";
import { UsageError } from "../../cli/arguments/operands.ts";
import { until, within } from "../fixtures/deadline.ts";
import { waitForText } from "../fixtures/eval.ts";
import { newMarker, processesWith } from "../fixtures/process_table.ts";
import { cli, startCli } from "./program.ts";

const WINDOWS = Deno.build.os === "windows";
const POSIX = { ignore: WINDOWS }; // The command lines are those of /bin/sh.

Deno.test("names are tasks, programs, or what was given", () => {
  assertEquals(
    namesOf(
      ["deno task server -x", "npm run watch", "/bin/make a", "make b", " "],
      undefined,
    ),
    ["server", "watch", "make:3", "make:4", "command"],
  );
  assertEquals(namesOf(["a", "b"], "x,y"), ["x", "y"]);
  assertThrows(() => namesOf(["a", "b"], "x"), UsageError, "gives 1 for 2");
});

Deno.test("prefixes have one width", () => {
  assertEquals(prefixes(["a", "long"], new Palette(false)), [
    "a    | ",
    "long | ",
  ]);
});

Deno.test({
  name: "together shows every line with its name, and the streams apart",
  ...POSIX,
  async fn() {
    const { code, stdout, stderr } = await cli([
      "together",
      "-p",
      "all",
      "-n",
      "a,bb",
      "echo one; echo wrong >&2",
      "printf 'no end'",
    ]);
    assertEquals(stdout.split("\n").toSorted(), [
      "",
      "a  | one",
      "bb | no end",
    ]);
    assertEquals([code, stderr], [0, "a  | wrong\n"]);
  },
});

Deno.test({
  name: "together stops all when one fails, daemons included",
  ...POSIX,
  async fn() {
    const marker = newMarker();
    const idle = `setsid sh -c 'sleep 600 # ${marker}' & sleep 600 # ${marker}`;
    const { code, stderr } = await cli(
      ["together", "-k", "10s", "-n", "idle,test", idle, "exit 7"],
    );
    assertEquals([code, stderr], [7, "together: 'test' exited with 7\n"]);
    assertEquals(processesWith(marker), []);
  },
});

Deno.test({
  name: "together -p first-exit succeeds with the first that ends",
  ...POSIX,
  async fn() {
    const { code, stderr } = await cli(
      ["together", "-j", "-p", "first-exit", "sleep 600", "exit 0"],
    );
    const report = JSON.parse(stderr.trim());
    assertEquals([code, report.success, report.commands.length], [0, true, 2]);
    const [first, second] = report.commands;
    assert(first.killed);
    assertEquals([first.name, first.command], ["sleep", "sleep 600"]);
    assertEquals([second.name, second.code], ["exit", 0]);
  },
});

Deno.test({
  name:
    "together -p all waits for the others, and has the first failure's status",
  ...POSIX,
  async fn() {
    const { code, stdout } = await cli(
      ["together", "-r", "-p", "all", "exit 4", "sleep 0.1; echo done"],
    );
    assertEquals([code, stdout], [4, "done\n"]);
  },
});

Deno.test({
  name: "together --timeout exits with 124",
  ...POSIX,
  async fn() {
    const { code, stderr } = await cli(
      ["together", "-t", "200ms", "sleep 600"],
    );
    assertEquals([code, stderr], [124, "together: the time was up\n"]);
  },
});

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
  Deno.test({
    name: `together leaves nothing when it gets ${signal}`,
    ...POSIX,
    async fn() {
      const marker = newMarker();
      const line = `echo ready; sleep 600 # ${marker}`;
      const child = startCli(["together", "-r", line, line]);
      await child.stdin.close();
      await waitForText(child.stdout);
      child.kill(signal);
      const { code } = await within(child.output(), "the program");
      await until(
        () => processesWith(marker).length === 0,
        "the end of what it started",
      );
      if (signal === "SIGTERM") assertEquals(code, 143);
    },
  });
}

Deno.test("together refuses what it does not understand, with 125", async () => {
  const nothing = await cli(["together"]);
  assertEquals(nothing.code, 125);
  assert(nothing.stderr.includes("missing command line"), nothing.stderr);
  const policy = await cli(["together", "-p", "some", "true"]);
  assertEquals(policy.code, 125);
  assert(policy.stderr.includes("first-failure"), policy.stderr);
});
