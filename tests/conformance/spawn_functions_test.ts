import { assertEquals, assertThrows } from "@std/assert";
import { spawn, spawnAndWait, spawnAndWaitSync } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const PRINTS = evalArgs("console.log('out'); Deno.exit(4)");
const out = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();

Deno.test("spawn() takes the arguments in the options", async () => {
  const child = spawn(deno, { args: PRINTS, stdout: "piped" });
  assertEquals((await child.stdout.text()).trim(), "out");
  assertEquals((await child.status).code, 4);
});

Deno.test("spawn() takes the arguments separately", async () => {
  const child = spawn(deno, PRINTS, { stdout: "piped" });
  assertEquals((await child.stdout.text()).trim(), "out");
  assertEquals((await child.status).code, 4);
});

Deno.test("spawn() inherits by default", async () => {
  const child = spawn(deno, evalArgs(""));
  assertThrows(() => child.stdout, TypeError, "'stdout' is not piped");
  assertEquals((await child.status).code, 0);
});

Deno.test("spawnAndWait() collects, with arguments in either place", async () => {
  const a = await spawnAndWait(deno, { args: PRINTS });
  const b = await spawnAndWait(deno, PRINTS);
  const c = await spawnAndWait(deno, PRINTS, { stderr: "null" });
  for (const run of [a, b, c]) {
    assertEquals([out(run.stdout), run.code], ["out", 4]);
  }
});

Deno.test("spawnAndWaitSync() collects, with arguments in either place", () => {
  const a = spawnAndWaitSync(deno, { args: PRINTS });
  const b = spawnAndWaitSync(deno, PRINTS);
  const c = spawnAndWaitSync(deno, PRINTS, { stderr: "null" });
  for (const run of [a, b, c]) {
    assertEquals([out(run.stdout), run.code], ["out", 4]);
  }
});

for (
  const [name, start] of Object.entries({
    spawn,
    spawnAndWait,
    spawnAndWaitSync,
  })
) {
  Deno.test(`${name}() refuses arguments in both places`, () => {
    const both = { args: PRINTS } as unknown as Record<string, never>;
    assertThrows(
      () => start(deno, PRINTS, both),
      TypeError,
      "Passing 'args' in options is not allowed when args are passed as a separate argument",
    );
  });
}
