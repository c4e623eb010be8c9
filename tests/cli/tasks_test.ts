/**
 * The tasks of examples/tasks, run with `deno task` as they stand, but for the
 * flags that find `@std` where this run found it.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { until, within } from "../fixtures/deadline.ts";
import { denoUnderTest } from "../fixtures/deno.ts";
import { waitForText } from "../fixtures/eval.ts";
import {
  CAN_OBSERVE,
  newMarker,
  processesWith,
} from "../fixtures/process_table.ts";
import { CLI, pathWithDeno, stdFlags } from "./program.ts";

const FOLDER = new URL("../../examples/tasks/", import.meta.url);

/** A copy of the example with the program's real place, and a marker. */
class Example implements AsyncDisposable {
  readonly marker: string = newMarker();
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async copy(): Promise<Example> {
    const example = new Example(await Deno.makeTempDir());
    for await (const { name } of Deno.readDir(FOLDER)) {
      const text = await Deno.readTextFile(new URL(name, FOLDER));
      const program = [...stdFlags(), CLI].join(" ").replaceAll("\\", "/");
      await Deno.writeTextFile(
        `${example.folder}/${name}`,
        text.replaceAll("../../cli.ts", program),
      );
    }
    return example;
  }

  task(name: string): Deno.ChildProcess {
    return new Deno.Command(denoUnderTest(), {
      args: ["task", "--quiet", name],
      cwd: this.folder,
      env: { MARKER: this.marker, NO_COLOR: "1", PATH: pathWithDeno() },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async gone(): Promise<void> {
    if (!CAN_OBSERVE) return;
    // The guard sees the end of the program a moment after it.
    await until(
      () => processesWith(this.marker).length === 0,
      `the end of ${JSON.stringify(processesWith(this.marker))}`,
      5_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function outcome(
  child: Deno.ChildProcess,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await within(child.output(), "the task");
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

Deno.test("deno task build is not in the way of a build that ends", async () => {
  await using example = await Example.copy();
  const child = example.task("build");
  await child.stdin.close();
  assertEquals(await outcome(child), {
    code: 0,
    stdout: "compiling\nbuilt\n",
    stderr: "",
  });
  await example.gone();
});

Deno.test("deno task build:hanging exits with 124 and leaves no helper", async () => {
  await using example = await Example.copy();
  const child = example.task("build:hanging");
  await child.stdin.close();
  assertEquals((await outcome(child)).code, 124);
  await example.gone();
});

Deno.test("deno task dev serves until its standard input ends", async () => {
  await using example = await Example.copy();
  const child = example.task("dev");
  const said = await within(waitForText(child.stdout, "/\n"), "the address");
  const answer = await fetch(said.trim());
  assertEquals(await answer.text(), "hello\n");
  await child.stdin.close();
  const { stderr } = await outcome(child);
  assertStringIncludes(stderr, "stopped, standard input ended");
  await example.gone();
});

Deno.test("deno task together ends the server with the build", async () => {
  await using example = await Example.copy();
  const child = example.task("together");
  await child.stdin.close();
  const { code, stdout } = await outcome(child);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "build  | built\n");
  await example.gone();
});

Deno.test("deno task check runs a task within a limit", async () => {
  await using example = await Example.copy();
  const child = example.task("check");
  await child.stdin.close();
  const { code, stdout } = await outcome(child);
  assertEquals([code, stdout], [0, "compiling\nbuilt\n"]);
  await example.gone();
});

Deno.test("deno task lists every task with a sentence", async () => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", FOLDER)),
  );
  for (
    const [name, { description }] of Object.entries<{ description: string }>(
      tasks,
    )
  ) {
    assertEquals(typeof description, "string", name);
  }
});
