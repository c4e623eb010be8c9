/**
 * The cookbook among the examples, run as their first comments say. Nothing of
 * them is left: what they start carries a marker in its environment.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { readOptions } from "../../cli/arguments/read_options.ts";
import { SPEC as INIT } from "../../cli/commands/init.ts";
import { SPEC as RUN } from "../../cli/commands/run.ts";
import { parseDuration } from "../../cli/arguments/operands.ts";
import { until } from "../fixtures/deadline.ts";
import { denoArgs, denoPath } from "../fixtures/deno.ts";
import { newMarker, processesWith } from "../fixtures/process_table.ts";

const ignore = Deno.build.os === "windows";
const LINUX = Deno.build.os === "linux";
const PERMISSIONS = ["--allow-ffi", "--allow-run"];
const FOLDER = new URL("../../examples/", import.meta.url);

interface Ended {
  readonly code: number;
  readonly out: string;
}

async function runExample(
  name: string,
  args: readonly string[] = [],
): Promise<Ended> {
  const marker = newMarker();
  const { code, stdout, stderr } = await new Deno.Command(denoPath(), {
    args: denoArgs(new URL(`${name}.ts`, FOLDER).href, args, PERMISSIONS),
    env: { EXAMPLE_MARKER: marker, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const errors = new TextDecoder().decode(stderr);
  await until(
    () => processesWith(marker).length === 0,
    `the end of what ${name} started; ${errors}`,
    2_000,
  );
  return { code, out: new TextDecoder().decode(stdout) };
}

Deno.test({
  name: "examples/ci_step.ts names what hung, and ends with 124",
  ignore,
  async fn() {
    const { code, out } = await runExample("ci_step");
    assertEquals(code, 124);
    assertStringIncludes(
      out,
      "test 1 ok\n\ntime is up after 1000 ms; stopped:",
    );
    const lines = out.split("\n").filter((line) => / ended /.test(line));
    assertEquals(lines.length, 4, out);
    const hard = lines.filter((line) => line.endsWith("SIGKILL, ended hard"));
    assertEquals(hard.length, 2, out);
    assert(hard.some((line) => line.includes("sleep 60: SIGTERM,")), out);
  },
});

Deno.test({
  name: "examples/ci_step.ts hands the status of a command in time on",
  ignore,
  async fn() {
    const { code, out } = await runExample("ci_step", [
      "60000",
      "sh",
      "-c",
      "echo hello; exit 3",
    ]);
    assertEquals(code, 3);
    assertEquals(out, "hello\n");
  },
});

Deno.test({
  name: "examples/batch.ts runs fifty commands, eight at a time, with retries",
  ignore,
  async fn() {
    const { code, out } = await runExample("batch");
    assertEquals([code, out], [
      0,
      "50 done, 7 tried again, sum 1275\n8 at a time\n",
    ]);
  },
});

Deno.test({
  name: "examples/supervisor.ts starts again after a crash, and stops once",
  ignore,
  async fn() {
    const { code, out } = await runExample("supervisor");
    assertEquals(code, 0);
    // What the service says comes through a pipe: nothing orders it among these.
    const own = out.split("\n").filter((line) =>
      line !== "bye" && line !== "up"
    );
    assertEquals(own, [
      "started, pid known: true",
      "started, pid known: true",
      "started, pid known: true",
      "client runs: true",
      "SIGTERM: ended by its job with 0",
      "restarts 2, left 0",
      "",
    ]);
  },
});

Deno.test({
  name: "examples/prompt.ts answers the prompts of a program on a terminal",
  ignore: !LINUX, // Pseudo-terminals are there on Linux only.
  async fn() {
    const { code, out } = await runExample("prompt");
    assertEquals([code, out], [0, "it said: hello Ada, 6 letters\ncode 0\n"]);
  },
});

Deno.test({
  name: "examples/prefix.ts puts a name before each line, and ends the rest",
  ignore,
  async fn() {
    const { code, out } = await runExample("prefix");
    assertEquals(code, 0);
    const of = (name: string) =>
      out.split("\n").filter((line) => line.startsWith(name));
    assertEquals(of("server"), [
      "server | compiling",
      "server | main.c:3: error",
      "server | code 2",
    ]);
    assertEquals(of("client"), ["client | bundling", "client | ended"]);
    assertEquals(of("failed"), ["failed"]);
  },
});

Deno.test({
  name: "examples/deploy/entrypoint.ts hands SIGTERM on to the whole tree",
  ignore,
  async fn() {
    const marker = newMarker();
    const script = new URL("deploy/entrypoint.ts", FOLDER).href;
    const program = "trap 'echo bye; exit 7' TERM; sleep 60 & echo up; wait";
    const child = new Deno.Command(denoPath(), {
      args: denoArgs(script, ["sh", "-c", program], PERMISSIONS),
      env: { EXAMPLE_MARKER: marker },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = new Response(child.stderr).text();
    const reader = child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let out = "";
    const read = async () => {
      const { value, done } = await reader.read();
      out += value ?? "";
      return done;
    };
    while (!out.includes("up\n")) assert(!await read(), "ended too early");
    child.kill("SIGTERM");
    while (!await read());
    assertEquals((await child.status).code, 7);
    assertEquals(out, "up\nbye\n");
    assertEquals(await errors, "stopped\n");
    await until(() => processesWith(marker).length === 0, "the end", 2_000);
  },
});

/** The grace, in milliseconds, of a command line of `killable`. */
function graceOf(words: readonly string[]): number {
  const at = words.indexOf("killable");
  const args = words.slice(at + 2);
  const grace = words[at + 1] === "init"
    ? readOptions(INIT, args).value("grace")
    : readOptions(RUN, args).value("kill-after");
  return parseDuration(grace!, "--grace");
}

Deno.test("examples/deploy: the grace is over before a manager kills", async () => {
  const read = (name: string) =>
    Deno.readTextFile(new URL(`deploy/${name}`, FOLDER));
  const of = (text: string, pattern: RegExp) => pattern.exec(text)![1]!;

  const unit = await read("worker.service");
  const exec = of(unit, /^ExecStart=(.*)$/m).split(" ");
  assert(graceOf(exec) < Number(of(unit, /^TimeoutStopSec=(\d+)$/m)) * 1000);

  const pod = await read("pod.yaml");
  const command = JSON.parse(of(pod, /^ *command: (\[.*\])$/m));
  const limit = of(pod, /terminationGracePeriodSeconds: (\d+)/);
  assert(graceOf(command) < Number(limit) * 1000);

  // docker stop waits ten seconds.
  const dockerfile = await read("Dockerfile");
  const entry = JSON.parse(of(dockerfile, /^ENTRYPOINT (\[.*\])$/m));
  const arguments_ = JSON.parse(of(dockerfile, /^CMD (\[.*\])$/m));
  assert(graceOf([...entry, ...arguments_]) < 10_000);
});
