/**
 * A FIFO without another end as a stream of a child: the child waits for it, this
 * process does not.
 */

import { assertEquals, assertThrows } from "@std/assert";
import { Command, type CommandOptions } from "../../../mod.ts";
import { within } from "../../fixtures/deadline.ts";
import { settle, warmUp } from "../../fixtures/warm_up.ts";

let folder = "";
let number = 0;

Deno.test.beforeAll(async () => {
  await warmUp();
  folder = await Deno.makeTempDir();
  const file = makeFifo();
  await new Command("true", { stdin: { file }, timeout: 1, grace: 0 }).output();
  await settle();
});

Deno.test.afterAll(async () => {
  await Deno.remove(folder, { recursive: true });
});

function makeFifo(): string {
  const file = `${folder}/fifo 'of' ${number++}`;
  new Deno.Command("mkfifo", { args: [file] }).outputSync();
  return file;
}

const PLACES: readonly (readonly [string, (file: string) => CommandOptions])[] =
  [
    ["stdin", (file) => ({ stdin: { file } })],
    ["stdout", (file) => ({ stdout: { file } })],
    ["stdout, to append", (file) => ({ stdout: { file, append: true } })],
    ["stderr", (file) => ({ stderr: { file } })],
    ["stdout and stderr", (file) => ({ stdout: { file }, stderr: "stdout" })],
    ["fds", (file) => ({ fds: { 5: { file, access: "read" } } })],
    ["held back", (file) => ({ stdin: { file }, priority: 3 })],
  ];

for (const [name, options] of PLACES) {
  Deno.test(`a FIFO without another end holds up the child alone: ${name}`, async () => {
    const run = { ...options(makeFifo()), timeout: 200, grace: 0 };
    const child = new Command("true", run).spawn();
    const status = await within(child.status, "the time limit");
    assertEquals([status.timedOut, status.success], [true, false]);
    const blocking = new Command("true", {
      stdout: "null",
      stderr: "null",
      ...run,
    });
    assertEquals(blocking.outputSync().timedOut, true);
  });
}

Deno.test("a child that is suspended before a FIFO waits for it when resumed", async () => {
  const file = makeFifo();
  await using child = new Command("cat", {
    stdin: { file },
    stdout: "piped",
    suspended: true,
  }).spawn();
  child.resume();
  await Deno.writeTextFile(file, "late");
  assertEquals(await child.stdout.text(), "late");
});

Deno.test("a FIFO is read and written once its other end is there", async () => {
  const file = makeFifo();
  const reader = new Command("cat", { stdin: { file }, stdout: "piped" })
    .spawn();
  const writer = new Command("sh", {
    args: ["-c", "echo out; echo err >&2"],
    stdout: { file },
    stderr: "stdout",
  }).spawn();
  assertEquals(await reader.stdout.text(), "out\nerr\n");
  assertEquals((await writer.status).code, 0);
  assertEquals((await reader.status).code, 0);
  const fifo = makeFifo();
  const third = new Command("sh", {
    args: ["-c", "cat <&3"],
    fds: { 3: { file: fifo, access: "read" } },
    stdout: "piped",
  }).spawn();
  await Deno.writeTextFile(fifo, "by 3");
  assertEquals(await third.stdout.text(), "by 3");
  await third.status;
});

Deno.test("a link to a FIFO and a path from this process's directory lead to it", async () => {
  const file = makeFifo();
  await Deno.symlink(file, `${folder}/link`);
  const before = Deno.cwd();
  try {
    Deno.chdir(folder);
    const child = new Command("cat", {
      stdin: { file: "link" },
      stdout: "piped",
      cwd: "/",
    }).spawn();
    await Deno.writeTextFile(file, "linked");
    assertEquals(await child.stdout.text(), "linked");
    await child.status;
  } finally {
    Deno.chdir(before);
  }
});

Deno.test({
  name: "a FIFO that this process may not open is an error at once",
  // Root may open everything.
  ignore: Deno.uid() === 0,
  fn() {
    const file = makeFifo();
    Deno.chmodSync(file, 0o200);
    assertThrows(
      () => new Command("cat", { stdin: { file } }).spawn(),
      Deno.errors.PermissionDenied,
      file,
    );
  },
});
