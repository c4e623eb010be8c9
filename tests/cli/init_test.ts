/** The program as process 1, in a pid namespace of its own (pid_namespaces(7)). */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { within } from "../fixtures/deadline.ts";
import { denoUnderTest } from "../fixtures/deno.ts";
import { cli, cliArgs, type CliOutput } from "./program.ts";

const UNSHARE = ["-p", "-f", "--mount-proc", "--kill-child"];

// Only root may make a pid namespace here, and not in every container.
const ignore = Deno.build.os !== "linux" || !await canUnshare();

async function canUnshare(): Promise<boolean> {
  try {
    const args = [...UNSHARE, "true"];
    return (await new Deno.Command("unshare", { args, stderr: "null" })
      .output()).success;
  } catch {
    return false;
  }
}

/** Runs the program as process 1. */
async function asProcess1(...args: string[]): Promise<CliOutput> {
  const { code, stdout, stderr } = await within(
    new Deno.Command("unshare", {
      args: [...UNSHARE, denoUnderTest(), ...cliArgs(args)],
      stdin: "null",
    }).output(),
    `process 1: ${args.join(" ")}`,
  );
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

const SH = ["--", "sh", "-c"];

// Waits, for as long as the test does, until no child of process 1 is a zombie.
const UNTIL_REAPED =
  "while ps -o stat= --ppid 1 | grep -q Z; do sleep 0.05; done; echo reaped";

for (const command of ["init", "run"]) {
  Deno.test({
    name: `${command} as process 1 ends with the status of the command`,
    ignore,
    async fn() {
      const { code } = await asProcess1(command, ...SH, "exit 7");
      assertEquals(code, 7);
    },
  });

  Deno.test({
    name: `${command} as process 1 waits for orphans`,
    ignore,
    async fn() {
      const { code, stdout } = await asProcess1(
        command,
        ...SH,
        // Each is an orphan when it ends; the last one is seen to come.
        `for i in 1 2 3; do (setsid sh -c 'sleep 0.1' &); done; ${UNTIL_REAPED}`,
      );
      assertEquals([code, stdout], [0, "reaped\n"]);
    },
  });

  for (const [signal, number] of [["TERM", 15], ["INT", 2], ["HUP", 1]]) {
    Deno.test({
      name: `${command} as process 1 that gets SIG${signal} ends with ${
        128 + Number(number)
      }`,
      ignore,
      async fn() {
        const { code } = await asProcess1(
          command,
          ...SH,
          `kill -${signal} 1; exec sleep 600`,
        );
        assertEquals(code, 128 + Number(number));
      },
    });
  }
}

Deno.test({
  name: "init hands signals to the command, --group to all it started",
  ignore,
  async fn() {
    const child =
      "sh -c 'trap \"echo child; exit\" USR1; echo up; while :; do sleep 0.05; done' & ";
    const script =
      `trap 'echo main; ended=yes' USR1; ${child} sleep 0.5; kill -USR1 1; until [ "$ended" ]; do sleep 0.05; done; sleep 0.3`;
    const alone = await asProcess1("init", ...SH, script);
    assertEquals(alone.stdout, "up\nmain\n");
    const group = await asProcess1("init", "--group", ...SH, script);
    assertEquals(group.stdout.split("\n").toSorted(), [
      "",
      "child",
      "main",
      "up",
    ]);
  },
});

Deno.test({
  name: "init hands another signal on where it is told to",
  ignore,
  async fn() {
    const script = (signal: string) =>
      `trap 'exit 4' QUIT; trap 'exit 5' TERM; kill -${signal} 1; while :; do sleep 0.05; done`;
    const stop = await asProcess1("init", "-s", "QUIT", ...SH, script("TERM"));
    assertEquals(stop.code, 4);
    const rewrite = ["--rewrite", "HUP:TERM"];
    const other = await asProcess1("init", ...rewrite, ...SH, script("HUP"));
    assertEquals(other.code, 5);
  },
});

Deno.test({
  name: "init kills what does not end within the grace, after SIGTERM alone",
  ignore,
  async fn() {
    const { code, stderr } = await asProcess1(
      "init",
      "-k",
      "300ms",
      ...SH,
      "trap '' TERM; kill -TERM 1; while :; do sleep 0.05; done",
    );
    assertEquals(code, 137);
    assertStringIncludes(stderr, "did not end in time");
    const spared = await asProcess1(
      "init",
      "-k",
      "1ms",
      ...SH,
      "trap '' HUP; kill -HUP 1; sleep 0.5; exit 6",
    );
    assertEquals(spared.code, 6);
  },
});

Deno.test({
  name: "init lets what the command leaves behind end softly",
  ignore,
  async fn() {
    const file = await Deno.makeTempFile();
    try {
      const left =
        `sh -c "trap 'echo softly >${file}; exit' TERM; echo up; while :; do sleep 0.05; done"`;
      const { code, stdout } = await asProcess1(
        "init",
        ...SH,
        `mkfifo ${file}.up; setsid ${left} >${file}.up & read x <${file}.up; echo $x`,
      );
      assertEquals([code, stdout], [0, "up\n"]);
      assertEquals(await Deno.readTextFile(file), "softly\n");
    } finally {
      await Deno.remove(file);
      await Deno.remove(`${file}.up`);
    }
  },
});

Deno.test({
  name: "init --remap-exit makes a status a success",
  ignore,
  async fn() {
    const given = ["-e", "143", "-e", "3"];
    assertEquals((await asProcess1("init", ...given, ...SH, "exit 3")).code, 0);
    assertEquals((await asProcess1("init", ...given, ...SH, "exit 4")).code, 4);
  },
});

Deno.test({
  name: "init that is not process 1 says so, and adopts with --subreaper",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const plain = await cli(["init", ...SH, "exit 3"]);
    assertEquals(plain.code, 3);
    assertStringIncludes(plain.stderr, "this is not process 1");
    const adopts =
      "(setsid sh -c 'sleep 0.1' &); while ps -o stat= --ppid $PPID | grep -q Z; do sleep 0.05; done; echo reaped";
    const { code, stdout, stderr } = await cli(
      ["init", "--subreaper", "--warn", ...SH, adopts],
    );
    assertEquals([code, stdout], [0, "reaped\n"]);
    assert(!stderr.includes("not process 1"), stderr);
  },
});

Deno.test("init refuses what it does not understand, with 125", async () => {
  for (
    const [args, message] of [
      [[], "missing command"],
      [["-g", "-c", "true"], "--group and --main-only exclude each other"],
      [["--rewrite", "TERM", "true"], "write it like TERM:QUIT"],
      [["-e", "256", "true"], "it is 0 to 255"],
      [["-s", "NONE", "true"], "invalid signal"],
    ] as const
  ) {
    const { code, stderr } = await cli(["init", ...args]);
    assertEquals(code, 125);
    assertStringIncludes(stderr, message);
  }
});
