/** On a terminal, which script(1) provides: Deno alone cannot. */

import { assertStringIncludes } from "@std/assert";
import { until, within } from "../../fixtures/deadline.ts";
import { evalArgs } from "../../fixtures/eval.ts";
import { newMarker, processesWith } from "../../fixtures/process_table.ts";

// util-linux's script; the BSDs' takes other arguments.
const ignore = Deno.build.os !== "linux" || !await has("script");
const MOD = import.meta.resolve("../../../mod.ts");

async function has(program: string): Promise<boolean> {
  if (Deno.build.os === "windows") return false;
  return (await new Deno.Command("sh", {
    args: ["-c", `command -v ${program}`],
    stdout: "null",
  }).output()).success;
}

/** Runs a program on a terminal of its own; types `input` when it has said `prompt`. */
async function onTerminal(
  source: string,
  prompt = "",
  input = "",
): Promise<string> {
  const quoted = [Deno.execPath(), ...evalArgs(source)]
    .map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["-qec", quoted, "/dev/null"],
    // On a terminal Deno colours what it prints.
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const talk = async (): Promise<string> => {
    let said = "";
    let typed = false;
    for await (
      const piece of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      said += piece;
      if (typed || !said.includes(prompt)) continue;
      typed = true;
      await writer.write(new TextEncoder().encode(input));
    }
    return said.replaceAll("\r", "");
  };
  try {
    return await within(talk(), "the program on the terminal");
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
    await writer.close().catch(() => {});
  }
}

const PRELUDE = `import { Command } from ${JSON.stringify(MOD)};
  if (!Deno.stdin.isTerminal()) throw new Error("no terminal");
  console.log("begun");`;

Deno.test({
  name: "a child that shares the terminal for input can read it",
  ignore,
  async fn() {
    const said = await onTerminal(
      `${PRELUDE}
      const child = new Command("sh", { args: ["-c", "read line; echo got:$line"], timeout: 30_000 }).spawn();
      const status = await child.status;
      console.log("code", status.code, status.timedOut);`,
      "begun",
      "typed\n",
    );
    assertStringIncludes(said, "got:typed");
    assertStringIncludes(said, "code 0 false");
  },
});

Deno.test({
  name:
    "in a group of its own it would be stopped by the terminal: the reason for sharing ours",
  ignore,
  async fn() {
    const said = await onTerminal(
      `${PRELUDE}
      const child = new Command("sh", { args: ["-c", "read line; echo got:$line"], processGroup: "own", grace: 0 }).spawn();
      const state = () => Deno.readTextFileSync("/proc/" + child.pid + "/stat").split(") ")[1][0];
      while (state() !== "T") await new Promise((r) => setTimeout(r, 10));
      console.log("stopped");
      const report = await child.stop({ grace: 20_000 });
      console.log("ended", report.escalated);`,
      "begun",
      "typed\n",
    );
    assertStringIncludes(said, "stopped");
    // SIGCONT behind SIGTERM: a stopped process obeys, and is not killed.
    assertStringIncludes(said, "ended 0");
  },
});

Deno.test({
  name:
    "a child with no use for the terminal has a group of its own: Ctrl-C reaches it once, through us",
  ignore,
  async fn() {
    const said = await onTerminal(
      `${PRELUDE}
      const child = new Command("sh", { args: ["-c", "trap 'echo heard' INT; echo ready; while :; do sleep 0.05; done"], stdin: "null", stdout: "piped", grace: 0 }).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      await reader.read();
      let here = 0;
      Deno.addSignalListener("SIGINT", () => here++);
      console.log("go");
      while (here === 0) await new Promise((r) => setTimeout(r, 5));
      console.log("here", here);
      child.kill("SIGINT", { tree: false });
      console.log("child", (await reader.read()).value.trim());
      await child.stop();
      Deno.exit();`,
      "go",
      "\x03",
    );
    assertStringIncludes(said, "here 1");
    assertStringIncludes(said, "child heard\n");
  },
});

Deno.test({
  name: "when the terminal hangs up, the tree ends with its parent",
  ignore,
  async fn() {
    const marker = newMarker();
    const said = await onTerminal(
      `${PRELUDE}
      new Command("sh", { args: ["-c", "setsid sleep $M & sleep $M & wait"], env: { M: "${marker}" }, stdin: "null" }).spawn();
      while (new TextDecoder().decode(new Deno.Command("sh", { args: ["-c", "ps -eo args | grep -c '^sleep ${marker}'"] }).outputSync().stdout).trim() !== "2");
      console.log("both");
      Deno.kill(Deno.pid, "SIGHUP");`,
    );
    assertStringIncludes(said, "both");
    await until(
      () => processesWith(marker).length === 0,
      "the end of the tree",
      10_000,
    );
  },
});
