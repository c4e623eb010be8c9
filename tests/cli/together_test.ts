/** The `together` command as a program, and its prefixes. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Palette } from "../../cli/terminal/colour.ts";
import { namesOf, prefixes } from "../../cli/run/line_prefix.ts";
import { UsageError } from "../../cli/arguments/operands.ts";
import { until, within } from "../fixtures/deadline.ts";
import { waitForText } from "../fixtures/eval.ts";
import { newMarker, processesWith } from "../fixtures/process_table.ts";
import { cli, pathWithDeno, startCli } from "./program.ts";

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
    assertEquals([code, stderr], [
      7,
      "killable together: 'test' exited with 7\n",
    ]);
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
    assertEquals([code, stderr], [124, "killable together: the time was up\n"]);
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

Deno.test({
  name: "together obeys its limit although nobody reads what it writes",
  ...POSIX,
  async fn() {
    const marker = newMarker();
    const child = startCli(
      ["together", "-t", "1s", `yes; : ${marker}`, `yes >&2; : ${marker}`],
    );
    await child.stdin.close();
    const { code } = await within(child.status, "the program");
    assertEquals(code, 124);
    assertEquals(processesWith(marker), []);
    await child.stdout.cancel();
    await child.stderr.cancel();
  },
});

Deno.test({
  name: "together obeys a signal although nobody reads what it writes",
  ...POSIX,
  async fn() {
    const marker = newMarker();
    const child = startCli(["together", `echo up >&2; yes; : ${marker}`]);
    await child.stdin.close();
    await waitForText(child.stderr, "up");
    child.kill("SIGHUP");
    const { signal } = await within(child.status, "the program");
    assertEquals(signal, "SIGHUP");
    assertEquals(processesWith(marker), []);
    await child.stdout.cancel();
    await child.stderr.cancel();
  },
});

for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const) {
  Deno.test({
    name: `together ends by ${signal} also when its commands answer with 0`,
    ...POSIX,
    async fn() {
      const number = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 }[signal];
      const child = startCli([
        "together",
        "trap 'exit 0' HUP INT QUIT TERM; echo ready; while :; do sleep 0.05; done",
      ]);
      await child.stdin.close();
      await waitForText(child.stdout);
      child.kill(signal);
      const status = await within(child.status, "the program");
      await child.stdout.cancel();
      await child.stderr.cancel();
      assertEquals(status.code, 128 + number);
      // A core file would be Deno's: by that one it ends with the number alone.
      if (signal !== "SIGQUIT") assertEquals(status.signal, signal);
    },
  });
}

Deno.test({
  name: "together ends when the reader of its output has gone",
  ...POSIX,
  async fn() {
    const marker = newMarker();
    const tick = `while :; do echo tick; sleep 0.05; done; : ${marker}`;
    const child = startCli(["together", tick, `sleep 600 # ${marker}`]);
    await child.stdin.close();
    await child.stdout.cancel();
    const { code } = await within(child.status, "the program");
    await child.stderr.cancel();
    assertEquals(code, 141);
    assertEquals(processesWith(marker), []);
  },
});

Deno.test({
  name: "together hands SIGUSR2 to its commands, and goes on",
  ...POSIX,
  async fn() {
    const child = startCli([
      "together",
      "trap 'echo heard; exit 0' USR2; echo ready; while :; do sleep 0.05; done",
    ]);
    await child.stdin.close();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let said = "";
    while (!said.includes("ready")) said += (await reader.read()).value;
    child.kill("SIGUSR2");
    while (!said.includes("heard")) said += (await reader.read()).value;
    const { code } = await within(child.status, "the program");
    await reader.cancel();
    await child.stderr.cancel();
    assertEquals(code, 0);
  },
});

Deno.test({
  name: "together starts a command when another is ready, or has exited",
  ...POSIX,
  async fn() {
    const { code, stdout, stderr } = await cli([
      ...["together", "-p", "all", "-n", "build,db,web"],
      ...["--after", "db=build:exited", "--after", "web=db"],
      ...["--ready", "db=line:listening"],
      "sleep 0.1; echo built",
      "echo starting; sleep 0.1; echo listening",
      "echo served",
    ]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.replace(/ +\|/g, ":").split("\n"), [
      "build: built",
      "db: starting",
      "db: listening",
      "web: served",
      "",
    ]);
  },
});

Deno.test({
  name: "together does not start what waits for a command that failed",
  ...POSIX,
  async fn() {
    const { code, stdout, stderr } = await cli([
      ...["together", "-p", "all", "-n", "db,web", "--ready", "db=line:up"],
      ...["--after", "web=db", "echo no; exit 3", "echo served"],
    ]);
    assertEquals([code, stdout], [125, "db  | no\n"]);
    assertEquals(
      stderr,
      "killable together: 'web' cannot start: 'db' ended before\n",
    );
  },
});

Deno.test({
  name: "together --restart starts a failed command again, up to a limit",
  ...POSIX,
  async fn() {
    const { code, stdout, stderr } = await cli([
      ...["together", "-r", "-n", "job", "--restart", "job=on-failure"],
      ...["--restart-limit", "2/1m", "--restart-delay", "1ms"],
      "echo run; exit 9",
    ]);
    assertEquals([code, stdout], [9, "run\nrun\nrun\n"]);
    assert(stderr.includes("'job' exited with 9; restart 1 in "), stderr);
    assert(stderr.endsWith("'job' exited with 9 after 2 restarts\n"), stderr);
  },
});

Deno.test({
  name: "together ends what a failed run left behind before it starts it again",
  ignore: Deno.build.os !== "linux", // It looks in proc(5): a zombie may stay.
  async fn() {
    const marker = newMarker();
    const folder = await Deno.makeTempDir();
    try {
      const { code } = await cli([
        ...["together", "-n", "job", "--restart", "on-failure"],
        ...["--restart-delay", "1ms"],
        // The second run succeeds when nothing of the first is there.
        `cd ${folder}; if [ -e ran ]; then ! grep -qs 'State:.[^ZX]' /proc/$(cat ran)/status; else setsid sleep 600 & echo $! >ran; exit 1; fi # ${marker}`,
      ]);
      assertEquals(code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "together -m runs as many at a time as it is told",
  ...POSIX,
  async fn() {
    const folder = await Deno.makeTempDir();
    const line = `cd ${folder}; mkdir lock || exit 1; sleep 0.05; rmdir lock`;
    try {
      const one = ["together", "-m", "1", line, line, line];
      assertEquals((await cli(one)).code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "together takes a Procfile, tasks by name and an env file",
  ...POSIX,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/Procfile`, "web: echo web $A\n");
      await Deno.writeTextFile(`${folder}/.env`, "A='one two'\n");
      await Deno.writeTextFile(
        `${folder}/deno.jsonc`,
        '{ "tasks": { "dev:a": "echo task a", /* no */ "b": "exit 9", }, }',
      );
      const { code, stdout } = await cli([
        ...["together", "-p", "all", "-f", "Procfile", "-T", "dev:*"],
        ...["--env-file", ".env", "echo line"],
      ], { cwd: folder, env: { PATH: pathWithDeno() } });
      assertEquals(code, 0);
      assertEquals(stdout.replace(/ +\|/g, ":").split("\n").toSorted(), [
        "",
        "dev:a: task a",
        "echo: line",
        "web: web one two",
      ]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "together --group shows each command in one piece",
  ...POSIX,
  async fn() {
    const line = "echo 1; sleep 0.05; echo 2; sleep 0.05; echo 3";
    const { stdout } = await cli(["together", "-g", "-n", "a,b", line, line]);
    const order = stdout.split("\n").map((one) => one[0]).join("");
    assert(order === "aaabbb" || order === "bbbaaa", stdout);
  },
});

Deno.test({
  name: "together --pty gives each command a terminal",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { code, stdout } = await cli([
      ...[
        "together",
        "--pty",
        "-n",
        "a,b",
        "test -t 0 && test -t 1 && echo yes",
      ],
      "stty -echo </dev/tty && echo yes",
    ]);
    assertEquals(
      [code, stdout.replaceAll("\r", "").split("\n").toSorted()],
      [0, ["", "a | yes", "b | yes"]],
    );
  },
});
