/**
 * Whatever a child writes, timers and other children have their turn.
 */

import { assert, assertEquals } from "@std/assert";
import { type ChildProcess, Command } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs } from "../fixtures/eval.ts";
import { settle, warmUp } from "../fixtures/warm_up.ts";

const deno = denoPath();
// More short lines than any pipe or buffer holds, as fast as they are taken.
const FLOOD = "const block = new TextEncoder().encode('y\\n'.repeat(65536));" +
  "for (;;) Deno.stdout.writeSync(block);";

Deno.test.beforeAll(async () => {
  await warmUp();
  const child = flood();
  for await (const _ of child.lines()) break;
  await child.stop({ grace: 0 });
  await settle();
});

function flood(): ChildProcess {
  return new Command(deno, {
    args: evalArgs(FLOOD),
    stdin: "null",
    stdout: "piped",
  }).spawn();
}

/** Keeps the isolate for so long. */
function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

Deno.test("a timer fires while short lines are there", async () => {
  await using child = flood();
  let fired = false;
  let taken = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const line of child.lines()) {
    assertEquals(line, "y");
    // From the first line on, thousands are there.
    if (taken++ === 0) timer = setTimeout(() => fired = true);
    work(1);
    if (fired || taken === 500) break;
  }
  clearTimeout(timer);
  assert(fired, `it had not fired when ${taken} lines were taken`);
});

// The runtime looks at its timers every 61 polls at the latest, when it never waits.
Deno.test("a timer fires while the stream of a flood is read", async () => {
  await using child = flood();
  let fired = false;
  let taken = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const _ of child.stdout) {
    if (taken++ === 0) timer = setTimeout(() => fired = true);
    work(5);
    if (fired || taken === 400) break;
  }
  clearTimeout(timer);
  assert(fired, `it had not fired when ${taken} pieces were taken`);
});

Deno.test("the exit of another child is seen while short lines are there", async () => {
  await using child = flood();
  let exited = false;
  let taken = 0;
  for await (const _ of child.lines()) {
    if (taken++ === 0) {
      const other = new Command(deno, { args: ["--version"], stdout: "null" })
        .spawn();
      other.status.then(() => exited = true);
    }
    work(1);
    if (exited || taken === 30_000) break;
  }
  assert(exited, `it had not been seen when ${taken} lines were taken`);
});

Deno.test("a time limit ends a flood whose lines are taken slowly", async () => {
  const child = new Command(deno, {
    args: evalArgs(FLOOD),
    stdin: "null",
    stdout: "piped",
    timeout: 500,
    grace: 0,
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  let taken = 0;
  for await (const _ of child.lines()) {
    work(1);
    if (ended || ++taken === 30_000) break;
  }
  assert(ended, `it had not ended when ${taken} lines were taken`);
  assertEquals((await child.status).timedOut, true);
});
