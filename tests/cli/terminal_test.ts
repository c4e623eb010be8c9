/** The program on a terminal, which script(1) of util-linux provides. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { until, within } from "../fixtures/deadline.ts";
import { denoPath, denoUnderTest } from "../fixtures/deno.ts";
import { RollCall } from "../fixtures/roll_call.ts";
import { cliArgs } from "./program.ts";

// The BSDs' script takes other arguments.
const ignore = Deno.build.os !== "linux" || !await has("script");

async function has(program: string): Promise<boolean> {
  if (Deno.build.os === "windows") return false;
  return (await new Deno.Command("sh", {
    args: ["-c", `command -v ${program}`],
    stdout: "null",
  }).output()).success;
}

/** A terminal with the program on it. */
class Terminal implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  said = "";

  constructor(
    args: readonly string[],
    env: Record<string, string> = {},
    before = "",
    after = "",
  ) {
    const quoted = [denoUnderTest(), ...cliArgs(args)]
      .map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`).join(" ");
    // exec: a shell that stays in between is in the foreground too, and dash
    // answers Ctrl-C by exiting with 130, whatever its child did.
    const exec = before + after === "" ? "exec " : "";
    const line = `stty cols 80 rows 10; ${before}${exec}${quoted}${after}`;
    this.#child = new Deno.Command("script", {
      args: ["-qec", line, "/dev/null"],
      env: { ...env, SHELL: "/bin/sh" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const piece of this.#child.stdout) {
      this.said += decoder.decode(piece, { stream: true });
    }
  }

  async says(text: string): Promise<void> {
    await until(() => this.said.includes(text), `'${text}' in '${this.said}'`);
  }

  async types(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  async status(): Promise<number> {
    const { code } = await within(this.#child.status, "the program");
    await within(this.#reading, "the end of what it says");
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#writer.close().catch(() => {});
  }
}

Deno.test({
  name: "run hands the terminal over: the command reads what is typed",
  ignore,
  async fn() {
    await using terminal = new Terminal([
      "run",
      "-t",
      "60s",
      "--",
      "sh",
      "-c",
      "echo ready; read line; echo got:$line; exit 3",
    ]);
    await terminal.says("ready");
    await terminal.types("typed\n");
    assertEquals(await terminal.status(), 3);
    assertStringIncludes(terminal.said, "got:typed");
  },
});

for (
  const begin of [["run", "--"], ["timeout", "60"], ["timeout", "-f", "60"]]
) {
  Deno.test({
    name:
      `Ctrl-C reaches a command on our terminal once, and is its own affair: ${
        begin.join(" ")
      }`,
    ignore,
    async fn() {
      // Twice: a signal ends the first one.
      const count =
        "n=0; trap 'n=$((n + 1)); echo heard:$n' INT; echo ready; read line || read line; echo $line; exit 4";
      await using terminal = new Terminal([...begin, "sh", "-c", count]);
      await terminal.says("ready");
      await terminal.types("\x03");
      await terminal.says("heard:1");
      await terminal.types("still here\n");
      assertEquals(await terminal.status(), 4);
      assertEquals(terminal.said.includes("heard:2"), false);
    },
  });
}

Deno.test({
  name: "a stop on a terminal shows what it waits for; Ctrl-C kills at once",
  ignore,
  async fn() {
    await using roll = new RollCall();
    await using terminal = new Terminal([
      "run",
      "-t",
      "3s",
      "-k",
      "10m",
      "--report",
      "--",
      denoPath(),
      ...roll.args("leader", ["SIGTERM", "SIGINT"]),
    ]);
    const leader = await roll.member("leader");
    await leader.hears("SIGTERM");
    await terminal.says("waiting for 1 process: ");
    assertStringIncludes(terminal.said, "stopping (SIGKILL in ");
    await terminal.types("\x03");
    assertEquals(await terminal.status(), 124);
    await roll.assertGone();
    // The line is taken away before the report is written.
    assertStringIncludes(terminal.said, `\x1b[K${denoPath()}: stopped, `);
    assertStringIncludes(terminal.said, "then SIGKILL to 1 process");
  },
});

Deno.test({
  name:
    "tree --watch draws again until the process ends, and restores the screen",
  ignore,
  async fn() {
    await using roll = new RollCall();
    const leader = new Deno.Command(denoPath(), {
      args: roll.args("leader"),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const member = await roll.member("leader");
    await using terminal = new Terminal([
      "tree",
      "--watch",
      "-n",
      "50ms",
      String(leader.pid),
    ]);
    await terminal.says("COMMAND");
    const child = await member.spawn("child");
    await terminal.says(String(child.pid));
    leader.kill("SIGKILL");
    await leader.status;
    assertEquals(await terminal.status(), 0);
    assertStringIncludes(
      terminal.said,
      `\x1b[?1049lprocess ${leader.pid} has ended`,
    );
  },
});

Deno.test({
  name: "there are colours on a terminal, and none with NO_COLOR",
  ignore,
  async fn() {
    await using terminal = new Terminal(["--help"], { NO_COLOR: "" });
    assertEquals(await terminal.status(), 0);
    assertStringIncludes(terminal.said, "\x1b[1mUsage:");
    await using plain = new Terminal(["--help"], { NO_COLOR: "1" });
    assertEquals(await plain.status(), 0);
    assertEquals(plain.said.includes("\x1b"), false);
  },
});

Deno.test({
  name: "run behind a pipe: the command asks on the terminal",
  ignore,
  async fn() {
    await using terminal = new Terminal(
      [
        "run",
        "--",
        "sh",
        "-c",
        "printf ask: >/dev/tty; read x </dev/tty; cat; echo got:$x",
      ],
      {},
      "echo data | ",
    );
    await terminal.says("ask:");
    await terminal.types("secret\n");
    assertEquals(await terminal.status(), 0);
    assertStringIncludes(terminal.said, "data\r\ngot:secret");
  },
});

for (const begin of [["run", "-t", "1s", "--"], ["timeout", "1"]]) {
  Deno.test({
    name: `the modes of the terminal are restored after a limit: ${begin[0]}`,
    ignore,
    async fn() {
      await using terminal = new Terminal(
        [...begin, "sh", "-c", "stty raw -echo; sleep 600"],
        {},
        "",
        "; stty -a | grep -o -- '-*\\(echo\\|icanon\\) '",
      );
      await terminal.status();
      const modes = terminal.said.trim().split(/\s+/).slice(-2);
      assertEquals(modes, ["icanon", "echo"]);
    },
  });
}

Deno.test({
  name: "modes that a command sets and leaves stay",
  ignore,
  async fn() {
    await using terminal = new Terminal(
      ["run", "--", "stty", "-echo"],
      {},
      "",
      "; stty -a | grep -o -- '-*echo '",
    );
    await terminal.status();
    assertEquals(terminal.said.trim(), "-echo");
  },
});

Deno.test({
  name: "together names a command that the terminal has stopped, and ends it",
  ignore,
  async fn() {
    await using terminal = new Terminal([
      "together",
      "-n",
      "modes,idle",
      "stty -echo </dev/tty; echo done",
      "sleep 600",
    ]);
    const code = await terminal.status();
    assertStringIncludes(terminal.said, "'modes' was stopped by SIGTTOU: stty");
    assertEquals(code, 143);
  },
});

Deno.test({
  name: "no line of a help or of doctor is longer than the terminal",
  ignore,
  async fn() {
    for (const columns of [60, 80, 160]) {
      for (
        const args of [["--help"], ["together", "--help"], ["init", "--help"], [
          "doctor",
        ]]
      ) {
        await using terminal = new Terminal(
          args,
          { NO_COLOR: "1" },
          `stty cols ${columns}; `,
        );
        await terminal.status();
        const lines = terminal.said.split("\r\n");
        const longest = Math.max(...lines.map((line) => line.length));
        assertEquals(longest <= columns, true, `${args}: ${longest}`);
        assertEquals(lines.length > 10, true);
      }
    }
  },
});
