/** The other commands as programs, and what all commands have in common. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { within } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { COMMANDS } from "../../cli/commands.ts";
import { cli } from "./program.ts";

const WINDOWS = Deno.build.os === "windows";
const LINUX = Deno.build.os === "linux";

/** A leader that Deno.Command started, with a child: another program's tree. */
async function strangers(roll: RollCall): Promise<Deno.ChildProcess> {
  const leader = new Deno.Command(denoPath(), {
    args: roll.args("leader"),
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: WINDOWS,
  }).spawn();
  await (await roll.member("leader")).spawn("child");
  return leader;
}

Deno.test("tree draws a process and its child", async () => {
  await using roll = new RollCall();
  const leader = await strangers(roll);
  const child = await roll.member("child");
  const { code, stdout, stderr } = await cli(["tree", String(leader.pid)]);
  assertEquals(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.length, 3);
  assertMatch(lines[0]!, LINUX ? /PID +USER +CPU% +MEM +AGE COMMAND/ : /PID/);
  assertMatch(lines[1]!, new RegExp(`^ *${leader.pid} `));
  assertMatch(lines[2]!, new RegExp(`^ *${child.pid} .*└[─╌] `));
  assertEquals(stdout.includes("\x1b"), false);
  await roll.member("child").then((one) => one.answers());
  leader.kill("SIGKILL");
  await leader.status;
});

Deno.test("tree --json parses, and has null for what it may not know", async () => {
  await using roll = new RollCall();
  const leader = await strangers(roll);
  const all = await cli(["tree", "--json", String(leader.pid)]);
  const rows = JSON.parse(all.stdout);
  assertEquals(rows[0].pid, leader.pid);
  assertEquals(rows[1].ppid, leader.pid);
  if (LINUX) {
    assert(rows[0].memory > 1_000_000, "memory");
    assertEquals(typeof rows[0].user, "string");
  }
  const less = await cli(["tree", "--json", String(leader.pid)], {
    permissions: ["--allow-ffi", "--allow-run", "--no-prompt"],
  });
  assertEquals(less.code, 0, less.stderr);
  // On macOS it comes from ps, which may be run as well as any other program.
  if (Deno.build.os !== "darwin") {
    assertEquals(JSON.parse(less.stdout)[0].memory, null);
  }
  leader.kill("SIGKILL");
  await leader.status;
});

Deno.test({
  name: "tree says which permission the missing columns need",
  ignore: !LINUX, // Elsewhere they come from somewhere else.
  async fn() {
    await using roll = new RollCall();
    const leader = await strangers(roll);
    const { stdout, stderr } = await cli(["tree", String(leader.pid)], {
      permissions: ["--allow-ffi", "--allow-run", "--no-prompt"],
    });
    assertEquals(stdout.includes("USER"), false);
    assertStringIncludes(stderr, "--allow-all");
    leader.kill("SIGKILL");
    await leader.status;
  },
});

Deno.test("kill ends a tree that somebody else started", async () => {
  await using roll = new RollCall();
  const leader = await strangers(roll);
  const less = await cli(["kill", String(leader.pid)], {
    permissions: ["--allow-ffi", "--no-prompt"],
  });
  assertEquals([less.code, less.stdout], [1, ""]);
  assertStringIncludes(less.stderr, "--allow-run");
  const { code, stdout, stderr } = await cli(["kill", String(leader.pid)], {
    permissions: ["--allow-ffi", "--allow-run", "--no-prompt"],
  });
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, `${leader.pid}: `);
  await within(leader.status, "the leader");
  await roll.assertGone();
});

Deno.test("kill --json tells what it took, and --quiet nothing", async () => {
  await using roll = new RollCall();
  const leader = await strangers(roll);
  const { stdout } = await cli(["kill", "--json", String(leader.pid)]);
  const report = JSON.parse(stdout);
  assertEquals([report.pid, report.survivors], [leader.pid, 0]);
  await leader.status;
  await using other = new RollCall();
  const again = await strangers(other);
  const quiet = await cli(["kill", "-q", "-k", "0", String(again.pid)]);
  assertEquals(quiet, { code: 0, stdout: "", stderr: "" });
  await again.status;
});

Deno.test("kill refuses who asks; tree, where nothing can be drawn", async () => {
  const own = String(Deno.pid);
  const kill = await cli(["kill", own]);
  assertEquals([kill.code, kill.stdout], [1, ""]);
  assertStringIncludes(kill.stderr, "an ancestor");
  const permissions = ["--allow-ffi", "--no-prompt"];
  const tree = await cli(["tree", own], WINDOWS ? {} : { permissions });
  assertEquals([tree.code, tree.stdout], [1, ""]);
});

Deno.test({
  name: "tree draws what this program descends from, down to itself",
  ignore: WINDOWS, // There is no list of all processes there.
  async fn() {
    const { code, stdout } = await cli(["tree", "--json", String(Deno.pid)]);
    const rows = JSON.parse(stdout) as { pid: number; command: string }[];
    assertEquals([code, rows[0]?.pid], [0, Deno.pid]);
    assert(rows.some(({ command }) => command.includes("tree --json")));
    assert(rows.every(({ pid }) => pid !== Deno.ppid));
  },
});

Deno.test("tree and kill refuse what is not there", async () => {
  for (const command of ["tree", "kill"]) {
    const missing = await cli([command, "999999999"]);
    assertEquals([missing.code, missing.stdout], [1, ""]);
    assertStringIncludes(missing.stderr, "there is no such process");
    const nonsense = await cli([command, "-k", "x1"]);
    assertEquals(nonsense.code, 2);
  }
  assertEquals(await cli(["kill"]), {
    code: 2,
    stdout: "",
    stderr:
      "killable kill: missing PID\nTry 'killable kill --help' for more information.\n",
  });
});

Deno.test({
  name: "tree without PID shows every process, itself too",
  ignore: WINDOWS, // There the tree of one process is shown.
  async fn() {
    const { code, stdout, stderr } = await cli(["tree"]);
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.split("\n");
    assert(lines.some((one) => one.trim().startsWith("1 ")), "process 1");
    const us = lines.findIndex((one) => one.trim().startsWith(`${Deno.pid} `));
    assert(us > 0, "this process");
    assert(
      lines.slice(us).some((one) => /[└├]─ .*cli\.ts tree$/.test(one)),
      "the program below it",
    );
  },
});

Deno.test({
  name: "tree without PID says which permission it needs",
  ignore: !LINUX, // Elsewhere ps is asked.
  async fn() {
    const { code, stderr } = await cli(["tree"], {
      permissions: ["--allow-ffi", "--allow-run", "--no-prompt"],
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "--allow-all");
  },
});

Deno.test("tree --watch wants a terminal", async () => {
  const { code, stderr } = await cli(["tree", "--watch", "999999999"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--json");
});

Deno.test("doctor tells the containment, and what is missing", async () => {
  const { code, stdout } = await cli(["doctor", "--json"]);
  const found = JSON.parse(stdout);
  assertEquals(found.deno, Deno.version.deno);
  assert(found.mechanisms.length > 0);
  assertEquals(code, found.problem === "" ? 0 : 1);
  const text = await cli(["doctor"]);
  assertStringIncludes(text.stdout, `${found.containment}`);
  const none = await cli(["doctor"], { permissions: ["--no-prompt"] });
  assertEquals([none.code, none.stderr], [1, ""]);
  assertStringIncludes(none.stdout, "Missing: ");
  assertStringIncludes(none.stdout, "--allow-ffi");
});

Deno.test("completions knows every option of every command", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout, stderr } = await cli(["completions", shell], {
      permissions: ["--no-prompt"],
    });
    assertEquals([code, stderr], [0, ""]);
    for (
      const word of ["stop-on-stdin-eof", "preserve-status", "doctor", "TERM"]
    ) {
      assertStringIncludes(stdout, word);
    }
  }
  const named = await cli(["completions", "--name", "kp", "bash"]);
  assertStringIncludes(named.stdout, "complete -o default -F _kp kp");
  const other = await cli(["completions", "csh"]);
  assertEquals(other.code, 2);
  assertStringIncludes(other.stderr, "choose from bash, zsh, fish");
});

Deno.test({
  name: "the completion for bash completes",
  ignore: WINDOWS || !await has("bash"),
  async fn() {
    const { stdout } = await cli(["completions", "bash"]);
    const ask = `
      t() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _killable; echo "\${COMPREPLY[*]}"; }
      t killable time
      t killable run --time
      t killable kill -s TER
      t killable run --containment l
      t killable completions f
      t killable run --signal = TER
      t killable run --containment =
      t killable help to`;
    const output = await new Deno.Command("bash", {
      args: ["-c", stdout + ask],
    }).output();
    assertEquals(new TextDecoder().decode(output.stderr), "");
    assertEquals(
      new TextDecoder().decode(output.stdout),
      "timeout\n--timeout\nTERM\nlineage\nfish\nTERM\n" +
        "auto cgroup lineage process-group job-object\ntogether\n",
    );
  },
});

async function has(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output())
      .success;
  } catch {
    return false;
  }
}

Deno.test("without a command there is help on standard error, and status 2", async () => {
  const { code, stdout, stderr } = await cli([]);
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "Usage: killable COMMAND");
});

Deno.test("--help and help are on standard output, for every command", async () => {
  const general = await cli(["--help"]);
  assertEquals([general.code, general.stderr], [0, ""]);
  assertEquals((await cli(["help"])).stdout, general.stdout);
  const names = [...general.stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map((
    m,
  ) => m[1]!);
  assertEquals(names, [
    "run",
    "timeout",
    "together",
    "init",
    "tree",
    "kill",
    "explain",
    "doctor",
    "completions",
    "man",
  ]);
  for (const name of names) {
    const { code, stdout, stderr } = await cli(["help", name]);
    assertEquals([code, stderr], [0, ""], name);
    for (
      const part of [
        "Usage:",
        "Options:",
        "Examples:",
        "Exit status:",
        "Permissions:",
      ]
    ) {
      assertStringIncludes(stdout, `${part}`, name);
    }
    assert(stdout.split("\n").every((line) => line.length <= 80), name);
    assertEquals(stdout.includes("\x1b"), false);
  }
});

Deno.test("an unknown command is refused with the one that was meant", async () => {
  assertEquals(await cli(["tiemout", "5"]), {
    code: 2,
    stdout: "",
    stderr:
      "killable: unknown command 'tiemout'; did you mean 'timeout'?\nTry 'killable --help' for more information.\n",
  });
});

Deno.test("colours are forced by FORCE_COLOR, where it may be read", async () => {
  const env = { FORCE_COLOR: "1" };
  const forced = await cli(["--help"], { env });
  assertStringIncludes(forced.stdout, "\x1b[1m");
  const permissions = ["--no-prompt"];
  const unread = await cli(["--help"], { env, permissions });
  assertEquals(unread.stdout.includes("\x1b"), false);
});

Deno.test("man makes a page of every command, with every option", async () => {
  for (const { name, load } of COMMANDS) {
    const { code, stdout } = await cli(["man", name]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, `.TH KILLABLE-${name.toUpperCase()} 1 `);
    for (const option of (await load()).SPEC.options) {
      const long = `--${option.name}`.replaceAll("-", "\\-");
      assertStringIncludes(stdout, long);
    }
    // A line that begins with a dot is a request, and there are no others.
    const requests = stdout.match(/^\.\S+/gm) ?? [];
    assertEquals(
      requests.filter((one) => !/^\.(TH|SH|TP|PP|B|BR)$/.test(one)),
      [],
    );
  }
  assertEquals((await cli(["man", "none"])).code, 2);
});
