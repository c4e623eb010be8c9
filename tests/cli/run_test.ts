/** The `run` command as a program. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { until, within } from "../fixtures/deadline.ts";
import { denoArgs, denoPath } from "../fixtures/deno.ts";
import { DEAF, evalArgs, waitForText } from "../fixtures/eval.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { cli, startCli } from "./program.ts";

const WINDOWS = Deno.build.os === "windows";

function program(source: string, ...args: string[]): string[] {
  return ["--", denoPath(), ...evalArgs(source, ...args)];
}

Deno.test("run hands streams, arguments and the exit status on", async () => {
  const script = import.meta.resolve("./echo_arguments.ts");
  const given = ["--a", "--", "b c", ""];
  assertEquals(
    await cli(["run", "--", denoPath(), ...denoArgs(script, given)]),
    { code: 5, stdout: `${JSON.stringify(given)}\n`, stderr: "to stderr\n" },
  );
});

Deno.test("run hands standard input on", async () => {
  const child = startCli([
    "run",
    ...program(
      "console.log((await new Response(Deno.stdin.readable).text()).length)",
    ),
  ]);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("x".repeat(1000)));
  await writer.close();
  const { stdout } = await within(child.output(), "the program");
  assertEquals(new TextDecoder().decode(stdout), "1000\n");
});

Deno.test("run sets directory and environment", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const source =
      `console.log(Deno.cwd(), Deno.env.get("A"), Deno.env.get("B"), Deno.env.get("C"));`;
    const { stdout } = await cli(
      ["run", "-C", folder, "-e", "A=1=2", "--env=B=", ...program(source)],
      { env: { C: "passed" } },
    );
    assertEquals(stdout, `${folder} 1=2  passed\n`);
    if (WINDOWS) return; // Without SystemRoot no program starts there.
    const bare = await cli(
      ["run", "--clear-env", "-e", "A=1", "--", "/usr/bin/env"],
      { env: { C: "passed" } },
    );
    assertEquals(bare.stdout, "A=1\n");
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("run --timeout ends the tree, exits with 124 and reports it", async () => {
  await using roll = new RollCall();
  const child = startCli([
    "run",
    "--timeout",
    "4s",
    "--json",
    "--",
    denoPath(),
    ...roll.args("leader"),
  ]);
  const leader = await roll.member("leader");
  await leader.spawn("child");
  await leader.spawn("escaped", { detached: true });
  const { code, stderr } = await within(child.output(), "the program");
  await child.stdin.close();
  await roll.assertGone();
  assertEquals(code, 124);
  const report = JSON.parse(new TextDecoder().decode(stderr));
  assertEquals(report.reason, "timeout");
  assertEquals(report.exitStatus, 124);
  assertEquals(report.stop.survivors, 0);
  assert(report.stop.signalled + report.stop.escalated >= 3, "members");
  assert(report.elapsed >= 4000, "elapsed");
  assertEquals(typeof report.containment.mechanism, "string");
  if (!WINDOWS) assertEquals([report.code, report.signal], [143, "SIGTERM"]);
});

Deno.test("run ends what the command leaves behind, and says so in a report", async () => {
  await using roll = new RollCall();
  const child = startCli([
    "run",
    "--report",
    "--",
    denoPath(),
    ...roll.args("leader"),
  ]);
  const leader = await roll.member("leader");
  await leader.spawn("left", { detached: true });
  await leader.exit(3);
  const { code, stderr } = await within(child.output(), "the program");
  await child.stdin.close();
  await roll.assertGone();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 3);
  assertStringIncludes(text, "ended by itself (exit code 3) after ");
  assertStringIncludes(text, " to 1 process");
  assertStringIncludes(text, "\n  containment: ");
  assertEquals(text.includes("\x1b"), false);
});

Deno.test("run says nothing of its own when all is well", async () => {
  assertEquals(await cli(["run", ...program("")]), {
    code: 0,
    stdout: "",
    stderr: "",
  });
});

Deno.test("run --idle-timeout ends a program that has gone quiet, not one that speaks", async () => {
  const quiet = await cli([
    "run",
    "-i",
    "3s",
    "--json",
    ...program("console.log('once'); setInterval(() => {}, 1e6)"),
  ]);
  assertEquals([quiet.code, quiet.stdout], [124, "once\n"]);
  assertEquals(JSON.parse(quiet.stderr).reason, "idle");
  // Speaks for longer than it may be quiet.
  const speaks = await cli([
    "run",
    "-i",
    "3s",
    ...program(
      "for (let i = 0; i < 10; i++) { console.error(i); await new Promise((r) => setTimeout(r, 400)); }",
    ),
  ]);
  assertEquals(speaks.code, 0);
  assertEquals(speaks.stderr, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
});

Deno.test("run --stop-on-stdin-eof ends the tree when its input ends", async () => {
  await using roll = new RollCall();
  const child = startCli([
    "run",
    "--stop-on-stdin-eof",
    "--json",
    "--",
    denoPath(),
    ...roll.args("leader"),
  ]);
  const leader = await roll.member("leader");
  await leader.spawn("escaped", { detached: true });
  const writer = child.stdin.getWriter();
  // What comes is thrown away and no reason.
  await writer.write(new TextEncoder().encode("data\n"));
  await leader.answers();
  await writer.close();
  const { stderr } = await within(child.output(), "the program");
  await roll.assertGone();
  const report = JSON.parse(new TextDecoder().decode(stderr));
  assertEquals(report.reason, "stdin-eof");
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) {
  Deno.test({
    name: `run stops the tree with ${signal} when it gets it`,
    ignore: WINDOWS, // Only SIGKILL can be sent there.
    async fn() {
      await using roll = new RollCall();
      // A shell starts a job in the background with some of them ignored. What is
      // ignored is passed on by exec, and stays so; what is listened to is not.
      const listener = (): void => {};
      Deno.addSignalListener(signal, listener);
      const child = startCli([
        "run",
        "--json",
        "--",
        denoPath(),
        ...roll.args("leader"),
      ]);
      Deno.removeSignalListener(signal, listener);
      const leader = await roll.member("leader");
      await leader.spawn("escaped", { detached: true });
      child.kill(signal);
      const { code, stderr } = await within(child.output(), "the program");
      await child.stdin.close();
      await roll.assertGone();
      const report = JSON.parse(new TextDecoder().decode(stderr));
      assertEquals([report.reason, report.signal], ["signal", signal]);
      assertEquals(code, report.code);
    },
  });
}

Deno.test({
  name: "a second signal to run kills at once what is deaf to the first",
  ignore: WINDOWS, // Only SIGKILL can be sent there.
  async fn() {
    await using roll = new RollCall();
    const child = startCli([
      "run",
      "--kill-after",
      "10m",
      "--json",
      "--",
      denoPath(),
      ...roll.args("leader", ["SIGTERM"]),
    ]);
    const leader = await roll.member("leader");
    child.kill("SIGTERM");
    await leader.hears("SIGTERM");
    await leader.answers();
    child.kill("SIGTERM");
    const { code, stderr } = await within(child.output(), "the program");
    await child.stdin.close();
    await roll.assertGone();
    assertEquals(code, 137);
    assertEquals(JSON.parse(new TextDecoder().decode(stderr)).reason, "signal");
  },
});

Deno.test("run that is killed by SIGKILL leaves nothing", async () => {
  await using roll = new RollCall();
  const child = startCli(["run", "--", denoPath(), ...roll.args("leader")]);
  const leader = await roll.member("leader");
  const escaped = await leader.spawn("escaped", { detached: true });
  child.kill("SIGKILL");
  await within(leader.gone, "the end of the leader");
  await within(escaped.gone, "the end of the escaped");
  await roll.assertGone();
  await child.stdin.close().catch(() => {});
  await child.output();
});

Deno.test({
  name: "run --kill-after decides how long a stop waits",
  ignore: WINDOWS, // There is no soft signal for a program without a console.
  async fn() {
    const { code, stderr } = await cli([
      "run",
      "-t",
      "3s",
      "-k",
      "200ms",
      "--json",
      ...program(DEAF),
    ]);
    const report = JSON.parse(stderr);
    assertEquals([code, report.signal, report.code], [124, "SIGKILL", 137]);
    assertEquals([report.stop.signalled, report.stop.escalated], [1, 1]);
  },
});

Deno.test("run exits with 125, 126 and 127, and says what to do", async () => {
  const hint = "Try 'killable run --help' for more information.\n";
  for (
    const [args, message] of [
      [[], "missing command: killable run [OPTION]... -- COMMAND"],
      [
        ["-t", "soon", "x"],
        "invalid --timeout 'soon': write it like 30s, 1m30s, 500ms or 2h",
      ],
      [
        ["--tiemout=5", "x"],
        "unrecognized option '--tiemout'; did you mean '--timeout'?",
      ],
      [["-e", "secret", "x"], "invalid --env: write it like NAME=VALUE"],
      [
        ["--require=all", "x"],
        "invalid --require 'all': choose from holds-escapees, ends-with-parent, kernel-limits",
      ],
      [
        ["--containment=none", "x"],
        "invalid --containment 'none': choose from auto, cgroup, lineage, process-group, job-object",
      ],
    ] as const
  ) {
    assertEquals(await cli(["run", ...args]), {
      code: 125,
      stdout: "",
      stderr: `killable run: ${message}\n${hint}`,
    });
  }
  const missing = await cli(["run", "--", "no-such-program"]);
  assertEquals(missing.code, 127);
  assertStringIncludes(
    missing.stderr,
    "killable run: failed to run command 'no-such-program'",
  );
  if (WINDOWS) return; // There is no executable bit, and other mechanisms.
  assertEquals((await cli(["run", "/etc/passwd"])).code, 126);
  const nowhere = await cli(["run", "-C", "/no/such/place", "true"]);
  assertEquals(nowhere.code, 125);
  assertStringIncludes(nowhere.stderr, "'/no/such/place'");
  const other = await cli(["run", "--containment=job-object", "true"]);
  assertEquals(other.code, 125);
  assertStringIncludes(other.stderr, "only Windows has job objects");
  const demand = ["--containment=process-group", "--require=holds-escapees"];
  const refused = await cli(["run", ...demand, "--", "echo", "started"]);
  assertEquals([refused.code, refused.stdout], [125, ""]);
  assertStringIncludes(refused.stderr, "holdsEscapees");
  const kept = ["--require=ends-with-parent,kernel-limits", "--open-files=64"];
  const fine = await cli(["run", ...kept, "--", "echo", "started"]);
  assertEquals([fine.code, fine.stdout], [0, "started\n"]);
});

Deno.test({
  name: "run under nohup stays deaf to SIGHUP",
  ignore: Deno.build.os !== "linux", // Only proc(5) tells what is ignored.
  async fn() {
    const { cliArgs } = await import("./program.ts");
    const child = new Deno.Command("sh", {
      args: [
        "-c",
        'trap "" HUP; exec "$@"',
        "sh",
        Deno.execPath(),
        ...cliArgs([
          "run",
          ...program(
            "console.log('ready'); await new Response(Deno.stdin.readable).text(); Deno.exit(6)",
          ),
        ]),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    await within(waitForText(child.stdout), "the program");
    child.kill("SIGHUP");
    await child.stdin.close();
    const { code } = await within(child.status, "the program");
    await child.stdout.cancel();
    assertEquals(code, 6);
  },
});

Deno.test("run --output ends what writes too much, and names the limit", async () => {
  const { code, stdout, stderr } = await cli([
    "run",
    "--output=10k",
    "--json",
    ...program("for (;;) console.log('and on')"),
  ]);
  const report = JSON.parse(stderr.trim().split("\n").at(-1)!);
  assertEquals([code, report.reason, report.limit], [137, "limit", "output"]);
  assertEquals(report.usage.processes, 0);
  assert(stdout.length <= 10 * 1024, `${stdout.length}`);
});

Deno.test("run refuses a size or number that is none", async () => {
  for (const option of ["--memory=10Q", "--processes=0", "--open-files=1.5"]) {
    const { code, stderr } = await cli(["run", option, "--", "true"]);
    assertEquals(code, 125);
    assertStringIncludes(stderr, option.split("=")[0]!);
  }
});

Deno.test({
  name: "run hands arguments on that are no UTF-8",
  ignore: Deno.build.os !== "linux", // Elsewhere names of files are Unicode.
  async fn() {
    const { cliArgs } = await import("./program.ts");
    // Only a shell can write such an argument: Deno.Command takes strings.
    const { stdout } = await within(
      new Deno.Command("sh", {
        args: [
          "-c",
          '"$@" "$(printf "a\\377b\\303\\244\\303")"',
          "sh",
          Deno.execPath(),
          ...cliArgs(["run", "--", "printf", "%s"]),
        ],
        stdin: "null",
        stderr: "inherit",
      }).output(),
      "the program",
    );
    assertEquals([...stdout], [0x61, 0xff, 0x62, 0xc3, 0xa4, 0xc3]);
  },
});

Deno.test({
  name: "run, timeout and together hand the soft limit of open files on",
  ignore: Deno.build.os !== "linux", // Only proc(5) tells what the parent has.
  async fn() {
    const { cliArgs } = await import("./program.ts");
    for (
      const begin of [
        ["run", "--", "sh", "-c"],
        ["timeout", "60", "sh", "-c"],
        [
          "together",
          "-r",
        ],
      ]
    ) {
      const { stdout } = await within(
        new Deno.Command("sh", {
          args: [
            "-c",
            'ulimit -S -n 345; "$@"; exit $?',
            "sh",
            Deno.execPath(),
            ...cliArgs([...begin, "ulimit -S -n"]),
          ],
          stdin: "null",
          stderr: "inherit",
        }).output(),
        "the program",
      );
      assertEquals(new TextDecoder().decode(stdout), "345\n", begin[0]);
    }
  },
});

Deno.test({
  name: "run --idle-timeout spares a program whose reader takes nothing",
  ignore: WINDOWS, // The program is a shell's.
  async fn() {
    // It has more to write than fits. The limit is long for a loaded machine.
    const write = ["--", "sh", "-c", "head -c 8388608 /dev/zero; exit 3"];
    const child = startCli(["run", "--idle-timeout=3s", ...write]);
    await child.stdin.close();
    // One with the same limit, which is started later and is silent, ends before.
    const other = ["run", "--idle-timeout=3s", "--", "sleep", "600"];
    assertEquals((await cli(other)).code, 124);
    const { code, stdout } = await within(child.output(), "the program");
    assertEquals([code, stdout.length], [3, 8 << 20]);
  },
});

Deno.test({
  name: "run that waits only for its reader obeys a signal",
  ignore: WINDOWS,
  async fn() {
    await using roll = new RollCall();
    const child = startCli([
      "run",
      "--idle-timeout=10m",
      "--",
      "sh",
      "-c",
      'head -c 300000 /dev/zero; exec "$@"',
      "sh",
      denoPath(),
      ...roll.args("leader"),
    ]);
    await child.stdin.close();
    const leader = await roll.member("leader");
    await leader.exit(0);
    await within(leader.gone, "the end of the command");
    child.kill("SIGTERM");
    const { code } = await within(child.status, "the program");
    await child.stdout.cancel();
    await child.stderr.cancel();
    // 0: the signal came in the moment in which the command had ended.
    assert(code === 143 || code === 0, `${code}`);
  },
});

for (const signal of ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGXCPU"] as const) {
  Deno.test({
    name: `run hands ${signal} to the command, and goes on`,
    ignore: WINDOWS,
    async fn() {
      const child = startCli([
        "run",
        "--",
        "sh",
        "-c",
        `trap 'exit 7' ${
          signal.slice(3)
        }; echo ready; while :; do sleep 0.05; done`,
      ]);
      await child.stdin.close();
      await waitForText(child.stdout);
      child.kill(signal);
      const { code } = await within(child.status, "the program");
      await child.stdout.cancel();
      await child.stderr.cancel();
      assertEquals(code, 7);
    },
  });
}

Deno.test({
  name: "run says in one line what a limit has ended; --quiet does not",
  ignore: WINDOWS,
  async fn() {
    const loud = await cli(["run", "-t", "200ms", "--", "sleep", "60"]);
    assertEquals(loud.code, 124);
    const line =
      /^killable run: sleep: stopped, its time was up after .*: SIGTERM to 1 process; gone after .*\n$/;
    assert(line.test(loud.stderr), loud.stderr);
    const quiet = await cli(["run", "-q", "-t", "200ms", "--", "sleep", "60"]);
    assertEquals(quiet, { code: 124, stdout: "", stderr: "" });
  },
});

Deno.test({
  name: "run --retry starts a failed command again, and no other",
  ignore: WINDOWS, // The counting is a shell's.
  async fn() {
    const folder = await Deno.makeTempDir();
    const counts = (last: string) =>
      ["--", "sh", "-c", `echo x >>${folder}/runs; ${last}`] as const;
    const runs = async () => {
      const text = await Deno.readTextFile(`${folder}/runs`);
      await Deno.remove(`${folder}/runs`);
      return text.split("\n").length - 1;
    };
    const retry = ["run", "--retry", "2", "--retry-delay", "1ms"];
    try {
      const failing = await cli([...retry, ...counts("exit 4")]);
      assertEquals([failing.code, await runs()], [4, 3]);
      assertStringIncludes(failing.stderr, "sh: status 4; retry 2 of 2 in ");
      const late = `[ $(wc -l <${folder}/runs) = 2 ]`;
      const second = await cli([...retry, ...counts(late)]);
      assertEquals([second.code, await runs()], [0, 2]);
      const fine = await cli([...retry, ...counts("exit 0")]);
      assertEquals([fine.code, await runs()], [0, 1]);
      const slow = [...retry, "-t", "300ms", ...counts("exec sleep 600")];
      const limited = await cli(slow);
      assertEquals([limited.code, await runs()], [124, 3]);
      const missing = await cli([...retry, "--", "no-such-program"]);
      assertEquals(missing.code, 127);
      assert(!missing.stderr.includes("retry"), missing.stderr);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "run that waits for its next attempt obeys a signal",
  ignore: WINDOWS,
  async fn() {
    const child = startCli(
      ["run", "--retry", "2", "--retry-delay", "10m", "--", "false"],
    );
    await child.stdin.close();
    await waitForText(child.stderr, "retry 1 of 2");
    child.kill("SIGTERM");
    const { signal } = await within(child.status, "the program");
    await child.stdout.cancel();
    await child.stderr.cancel();
    assertEquals(signal, "SIGTERM");
  },
});

Deno.test({
  name: "run --lock runs one at a time, and --pidfile tells which",
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const lock = ["--lock", `${folder}/lock`];
    const pidfile = `${folder}/pid`;
    const first = startCli(
      [
        "run",
        ...lock,
        "--pidfile",
        pidfile,
        "--",
        "sh",
        "-c",
        "echo $$; read x",
      ],
    );
    try {
      const pid = await waitForText(first.stdout, "\n");
      await until(
        async () => await Deno.readTextFile(pidfile).catch(() => "") === pid,
        "the file with the process id",
      );
      const waiting = startCli(["run", ...lock, "--", "true"]);
      await waiting.stdin.close();
      // It cannot be seen to wait but by what it does not do; the third one ends.
      const impatient = startCli(["run", ...lock, "--", "true"]);
      await impatient.stdin.close();
      const other = ["run", "--lock", `${folder}/other`, "--", "true"];
      assertEquals((await cli(other)).code, 0);
      impatient.kill("SIGTERM");
      assertEquals((await within(impatient.output(), "it")).signal, "SIGTERM");
      await first.stdin.close();
      const { code } = await within(first.status, "the first");
      assertEquals(code, 1);
      assertEquals((await within(waiting.output(), "the second")).code, 0);
      assertEquals(
        [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted(),
        ["lock", "other"],
      );
    } finally {
      await first.stdout.cancel();
      await first.stderr.cancel();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "run --env-file sets variables, and --env wins",
  ignore: WINDOWS,
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, "A=1\nB='2 3'\n");
      const given = ["run", "--env-file", file, "-e", "A=4"];
      const { stdout } = await cli([
        ...given,
        "--",
        "sh",
        "-c",
        'echo "$A $B"',
      ]);
      assertEquals(stdout, "4 2 3\n");
    } finally {
      await Deno.remove(file);
    }
  },
});

// On Windows an event goes to the whole console.
Deno.test({
  name: "run --main-first tells the command first, and then what is left",
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const script =
      `sh -c 'trap "echo child; : >\$0; exit" TERM; : >$0.up; while :; do sleep 0.02; done' "$0" &
trap 'i=0; while [ ! -e "$0" ] && [ $i -lt $1 ]; do sleep 0.05; i=$((i+1)); done; echo main; exit' TERM
while [ ! -e "$0.up" ]; do sleep 0.02; done
kill -TERM $PPID
while :; do sleep 0.02; done`;
    try {
      for (const first of [true, false]) {
        const mark = `${folder}/${first}`;
        const { stdout } = await cli([
          "run",
          ...first ? ["--main-first"] : [],
          "-k60",
          "--",
          "sh",
          "-c",
          script,
          mark,
          first ? "10" : "400",
        ]);
        assertEquals(stdout, first ? "main\nchild\n" : "child\nmain\n");
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "run says why what its time was up for had to be killed",
  // What a process does about signals is in /proc alone.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const script = "trap '' TERM; exec sleep 100";
    const { code, stderr } = await cli(
      ["run", "-t1", "-k0.2", "--", "sh", "-c", script],
    );
    assertEquals(code, 124);
    assert(
      /^killable run: sh: stopped, .* SIGKILL to 1 process; gone after .*; sleep \d+: it ignores SIGTERM\n$/
        .test(stderr),
      stderr,
    );
  },
});

Deno.test({
  name: "run --events writes what happens as lines of JSON",
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const file = `${folder}/events`;
    const typesOf = async () =>
      (await Deno.readTextFile(file)).trimEnd().split("\n")
        .map((line) => JSON.parse(line).type);
    try {
      const events = ["run", "--events", file, "--quiet"];
      const deaf = 'trap "" TERM; while :; do sleep 1; done';
      const limits = ["-t", "0.2", "-k", "0.1"];
      const timed = await cli([...events, ...limits, "--", "sh", "-c", deaf]);
      assertEquals(timed.code, 124);
      assertEquals(
        [...new Set(await typesOf())],
        ["spawned", "soft-signal", "escalated", "exited", "tree-empty"],
      );
      await Deno.remove(file);
      // Written also when this program ends itself by the command's signal.
      const ended = await cli([...events, "--", "sh", "-c", "kill -9 $$"]);
      assertEquals(ended.code, 137);
      assertEquals(await typesOf(), ["spawned", "exited", "tree-empty"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "run --events to a pipe without a reader does not keep a limit waiting",
  ignore: WINDOWS,
  async fn() {
    const folder = await Deno.makeTempDir();
    const fifo = `${folder}/fifo`;
    try {
      await new Deno.Command("mkfifo", { args: [fifo] }).output();
      // Held open for reading and writing, never read; full from the start.
      const hold = `exec 3<>"$1"; head -c 65536 /dev/zero >&3; echo up; read x`;
      const holder = new Deno.Command("sh", {
        args: ["-c", hold, "sh", fifo],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      await waitForText(holder.stdout, "up");
      const limits = ["run", "--events", fifo, "-q", "-t", "0.2"];
      const { code } = await within(
        cli([...limits, "--", "sleep", "60"]),
        "the time limit",
      );
      assertEquals(code, 124);
      await holder.stdin.close();
      await holder.stdout.cancel();
      await holder.status;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("run --events that cannot be opened is a mistake", async () => {
  const given = ["run", "--events", "/no/such/folder/file", "--", "true"];
  const { code, stderr } = await cli(given);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "for the events");
});
