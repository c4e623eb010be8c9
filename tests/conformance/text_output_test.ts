/** Captured output as text; the look at an exit code; what console.log() shows. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CalledProcessError, checkText, Command, pipeline } from "../../mod.ts";
import { until } from "../fixtures/deadline.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const PRINT = evalArgs(
  `await Deno.stdout.write(new TextEncoder().encode("[1,\\r\\n\\"ä\\"]\\n")); console.error("oops")`,
);

Deno.test("text(), json() and lines() of a result", async () => {
  const command = new Command(deno, { args: PRINT });
  for (const run of [await command.output(), command.outputSync()]) {
    assertEquals(run.text(), '[1,\r\n"ä"]\n');
    assertEquals(run.json(), [1, "ä"]);
    assertEquals(run.lines(), ["[1,", '"ä"]']);
    assertEquals([run.text("stderr"), run.lines("stderr")], ["oops\n", [
      "oops",
    ]]);
    assertEquals(Object.keys(run).includes("text"), false);
    assertThrows(() => run.text("stdin" as "stdout"), TypeError, "stream");
  }
  const silent = await new Command(deno, {
    args: ["--version"],
    stdout: "null",
    stderr: "null",
  }).output();
  assertThrows(() => silent.text(), TypeError, "not piped");
  const piped = await pipeline([[deno, ...PRINT]]);
  assertEquals([piped.json(), piped.lines().length], [[1, "ä"], 2]);
});

Deno.test("checkText() gives the text of a success, and throws for a failure", async () => {
  const options = { stderr: "null" } as const;
  assertEquals(await checkText([deno, ...PRINT], options), '[1,\r\n"ä"]\n');
  await assertRejects(
    () => checkText([deno, ...evalArgs("Deno.exit(3)")]),
    CalledProcessError,
    "code 3",
  );
});

Deno.test("exitCode looks without waiting; console.log() shows pid and state", async () => {
  const child = new Command(deno, { args: evalArgs(IDLE), stdout: "null" })
    .spawn();
  assertEquals(child.exitCode, null);
  const running = Deno.inspect(child);
  assert(running.includes(`pid: ${child.pid}`), running);
  assert(running.includes('state: "running"'), running);
  child.kill("SIGKILL");
  await until(() => child.exitCode !== null, "its exit code");
  assertEquals(child.exitCode, (await child.status).code);
  assert(Deno.inspect(child).includes('state: "exited"'));
});
