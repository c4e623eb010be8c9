/** The `timeout` command as a program. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { until, within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { DEAF, evalArgs } from "../fixtures/eval.ts";
import { newMarker, processesWith } from "../fixtures/process_table.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { cli, startCli } from "./program.ts";

const WINDOWS = Deno.build.os === "windows";
const HINT = "Try 'killable timeout --help' for more information.\n";

/** A program that exits with this code. */
function exits(code: number): string[] {
  return [denoPath(), ...evalArgs(`Deno.exit(${code})`)];
}

Deno.test("timeout hands the exit status on", async () => {
  for (const code of [0, 2, 255]) {
    const output = await cli(["timeout", "60", ...exits(code)]);
    assertEquals(output, { code, stdout: "", stderr: "" });
  }
});

Deno.test("timeout 0 sets no limit", async () => {
  assertEquals((await cli(["timeout", "0", ...exits(3)])).code, 3);
});

Deno.test("timeout ends the tree and exits with 124", async () => {
  await using roll = new RollCall();
  const program = startCli([
    "timeout",
    "-k",
    "5",
    "4",
    denoPath(),
    ...roll.args("leader"),
  ]);
  const leader = await roll.member("leader");
  await leader.spawn("child");
  await leader.spawn("escaped", { detached: true });
  const { code, stderr } = await within(program.output(), "the program");
  await program.stdin.close();
  await roll.assertGone();
  // A program without a console may have to be killed there: then it is 137.
  assert(code === 124 || WINDOWS && code === 137, `${code}`);
  assertEquals(new TextDecoder().decode(stderr), "");
});

Deno.test("timeout ends what the command leaves behind", async () => {
  await using roll = new RollCall();
  const program = startCli([
    "timeout",
    "60",
    denoPath(),
    ...roll.args("leader"),
  ]);
  const leader = await roll.member("leader");
  await leader.spawn("left", { detached: true });
  await leader.exit(7);
  const { code } = await within(program.output(), "the program");
  await program.stdin.close();
  await roll.assertGone();
  assertEquals(code, 7);
});

Deno.test({
  name: "timeout -k kills what does not end, and exits with 137",
  ignore: WINDOWS, // There a program without a console group has no soft signal.
  async fn() {
    const { code, stderr } = await cli([
      "timeout",
      "-v",
      "-k1",
      "3",
      denoPath(),
      ...evalArgs(DEAF),
    ]);
    assertEquals(code, 137);
    assertEquals(
      stderr,
      `timeout: sending signal TERM to command '${denoPath()}'\n` +
        `timeout: sending signal KILL to command '${denoPath()}'\n`,
    );
  },
});

Deno.test({
  name: "timeout -s and --preserve-status decide how the command ends",
  ignore: WINDOWS, // Exit codes stand for signals there.
  async fn() {
    for (
      const [args, expected] of [
        [["-p", ".2", "sleep", "60"], 143],
        [["-ps", "INT", ".2", "sleep", "60"], 130],
        [["-s", "KILL", ".2", "sleep", "60"], 137],
        [["-fp", ".2", "sleep", "60"], 143],
        [["-s0", "-k.2", ".2", "sleep", "60"], 137],
        [["-p", ".2", "sh", "-c", "trap 'exit 5' TERM; sleep 60 & wait"], 5],
      ] as const
    ) {
      assertEquals(
        (await cli(["timeout", ...args])).code,
        expected,
        args.join(" "),
      );
    }
  },
});

Deno.test({
  name: "timeout tells a missing command from one that cannot be invoked",
  ignore: WINDOWS, // There is no executable bit.
  async fn() {
    const missing = await cli(["timeout", "10", "no-such-program"]);
    assertEquals(missing, {
      code: 127,
      stdout: "",
      stderr:
        "timeout: failed to run command 'no-such-program': No such file or directory\n",
    });
    const refused = await cli(["timeout", "10", "/etc/passwd"]);
    assertEquals(refused, {
      code: 126,
      stdout: "",
      stderr:
        "timeout: failed to run command '/etc/passwd': Permission denied\n",
    });
    assertEquals((await cli(["timeout", "10", "."])).code, 126);
  },
});

Deno.test("timeout exits with 125 for its own mistakes, and says where help is", async () => {
  for (
    const [args, message] of [
      [["invalid", "x"], "invalid time interval 'invalid'"],
      [["--kill-after=5x", "1", "x"], "invalid time interval '5x'"],
      [["--signal=invalid", "1", "x"], "'invalid': invalid signal"],
      [["-x", "1", "x"], "invalid option -- 'x'"],
      [["1"], "missing operand"],
      [[], "missing operand"],
    ] as const
  ) {
    assertEquals(await cli(["timeout", ...args]), {
      code: 125,
      stdout: "",
      stderr: `timeout: ${message}\n${HINT}`,
    });
  }
});

Deno.test("timeout --help and --version are on standard output, without colours", async () => {
  const help = await cli(["timeout", "--help"]);
  assertEquals([help.code, help.stderr], [0, ""]);
  assertStringIncludes(
    help.stdout,
    "Usage: timeout [OPTION]... DURATION COMMAND",
  );
  for (const status of ["124", "125", "126", "127", "137"]) {
    assertStringIncludes(help.stdout, `\n  ${status}  `);
  }
  assertEquals(help.stdout.includes("\x1b"), false);
  const version = await cli(["timeout", "--version"]);
  assertEquals([version.code, version.stderr], [0, ""]);
  assertStringIncludes(version.stdout, "timeout (@killable/process)");
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] as const) {
  Deno.test({
    name: `timeout that gets ${signal} leaves nothing`,
    ignore: WINDOWS, // Only SIGKILL can be sent there: see tests/windows/parent_death_test.ts.
    async fn() {
      await using roll = new RollCall();
      const program = startCli([
        "timeout",
        "60",
        denoPath(),
        ...roll.args("leader"),
      ]);
      const leader = await roll.member("leader");
      const child = await leader.spawn("child");
      const escaped = await leader.spawn("escaped", { detached: true });
      program.kill(signal);
      const { code, stderr } = await within(program.output(), "the program");
      await program.stdin.close();
      for (const one of [leader, child, escaped]) {
        await within(one.gone, `the end of ${one.name}`);
      }
      await roll.assertGone();
      const number = { SIGTERM: 15, SIGINT: 2, SIGHUP: 1, SIGKILL: 9 }[signal];
      assertEquals(code, 128 + number);
      assertEquals(new TextDecoder().decode(stderr), "");
    },
  });
}

Deno.test({
  name: "when timeout is killed, a deaf tree has as long as --kill-after says",
  ignore: WINDOWS,
  async fn() {
    const markers = [newMarker(), newMarker()] as const;
    const programs = [["-k", "1h"], ["-k", "0.1"]].map((flags, i) =>
      startCli([
        ...["timeout", ...flags, "60", "sh", "-c"],
        `trap '' TERM; while sleep 0.2; do :; done; : ${markers[i]}`,
      ])
    );
    const isThere = (i: 0 | 1) => processesWith(markers[i]).length > 1;
    try {
      await until(() => isThere(0) && isThere(1), "both trees");
      for (const program of programs) {
        program.kill("SIGKILL");
        await within(program.status, "the program");
      }
      const gone = () => processesWith(markers[1]).length === 0;
      await until(gone, "the end of the tree with a short grace");
      assert(processesWith(markers[0]).length > 0);
    } finally {
      for (const { pid } of markers.flatMap(processesWith)) {
        Deno.kill(pid, "SIGKILL");
      }
      for (const program of programs) {
        await program.output();
        await program.stdin.close();
      }
    }
  },
});

Deno.test({
  name: "timeout ended by SIGALRM says that time is up",
  ignore: WINDOWS,
  async fn() {
    await using roll = new RollCall();
    const program = startCli([
      "timeout",
      "60",
      denoPath(),
      ...roll.args("leader"),
    ]);
    await roll.member("leader");
    program.kill("SIGALRM");
    const { code } = await within(program.output(), "the program");
    await program.stdin.close();
    assertEquals(code, 124);
    await roll.assertGone();
  },
});

Deno.test({
  name: "timeout whose parent ignores SIGCHLD still knows the status",
  ignore: WINDOWS,
  async fn() {
    const { cliArgs } = await import("./program.ts");
    const quoted = [
      Deno.execPath(),
      ...cliArgs(["timeout", "60", "sh", "-c", "exit 9"]),
    ]
      .map((one) => `'${one}'`).join(" ");
    const { code } = await new Deno.Command("sh", {
      args: ["-c", `trap '' CHLD; exec ${quoted}`],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).output();
    assertEquals(code, 9);
  },
});

Deno.test({
  name: "timeout ends on time although nobody reads what it says",
  ignore: WINDOWS,
  async fn() {
    const program = startCli(["timeout", "-v", "1", "sleep", "60"]);
    await program.stderr.cancel();
    const { code } = await within(program.status, "the program");
    await program.stdin.close();
    await program.stdout.cancel();
    assertEquals(code, 124);
  },
});

Deno.test("timeout does with --allow-ffi and --allow-run", async () => {
  const permissions = ["--allow-ffi", "--allow-run", "--no-prompt"];
  const run = await cli(["timeout", "60", ...exits(4)], { permissions });
  assertEquals(run, { code: 4, stdout: "", stderr: "" });
  const less = await cli(["timeout", "60", ...exits(4)], {
    permissions: ["--allow-ffi", "--no-prompt"],
  });
  assertEquals([less.code, less.stdout], [125, ""]);
  assertStringIncludes(less.stderr, "--allow-run");
});
