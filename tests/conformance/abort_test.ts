/** An abort signal: before the start, during the run, and in the errors. */

import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  call,
  CalledProcessError,
  checkCall,
  checkOutput,
  Command,
  Job,
  pipeline,
  spawn,
} from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const reason = new Error("cancelled");

Deno.test("a signal that is aborted already starts nothing", async () => {
  const file = await Deno.makeTempFile();
  const write = `Deno.writeTextFileSync(${JSON.stringify(file)}, "ran")`;
  const options = { signal: AbortSignal.abort(reason) };
  const args = evalArgs(write);
  const command = new Command(deno, { args, ...options });

  const throws = (start: () => unknown) =>
    assertStrictEquals(assertThrows(start), reason);
  throws(() => command.spawn());
  throws(() => spawn(deno, args, options));
  await using open = new Job();
  throws(() => open.spawn(command));
  await using aborted = new Job(options);
  throws(() => aborted.spawn(deno, args));

  for (const run of [await command.output(), command.outputSync()]) {
    const { success, code, signal, aborted, killed, usage } = run;
    assertEquals({ success, code, signal, aborted, killed }, {
      success: false,
      code: 143,
      signal: "SIGTERM",
      aborted: true,
      killed: true,
    });
    assertEquals([run.stdout.byteLength, usage.tree.processes], [0, 0]);
  }
  assertEquals(await call([deno, ...args], options), 143);
  for (const check of [checkCall, checkOutput]) {
    const error = await assertRejects(() => check([deno, ...args], options));
    assertInstanceOf(error, CalledProcessError);
    assertStrictEquals(error.cause, reason);
  }
  const piped = await pipeline([[deno, ...args]], options);
  assertEquals(
    [piped.success, piped.aborted, piped.code, piped.statuses],
    [false, true, 143, []],
  );

  assertEquals(await Deno.readTextFile(file), "");
  await Deno.remove(file);
});

Deno.test("bad options are refused also when the signal is aborted already", () => {
  const signal = AbortSignal.abort(reason);
  const command = new Command(deno, { signal, timeout: -1 });
  assertThrows(() => command.spawn(), RangeError, "timeout");
  assertThrows(() => command.outputSync(), RangeError, "timeout");
});

for (const check of [checkCall, checkOutput]) {
  Deno.test(`${check.name}() that is aborted rejects with the reason as cause`, async () => {
    const controller = new AbortController();
    const running = check([deno, ...evalArgs(IDLE)], {
      signal: controller.signal,
      stdout: "piped",
      tee: () => controller.abort(reason),
    });
    const error = await assertRejects(() => running);
    assertInstanceOf(error, CalledProcessError);
    assertStrictEquals(error.cause, reason);
    assertEquals([error.aborted, error.limit], [true, null]);
    assertEquals(error.message.includes("was aborted"), true);
  });

  Deno.test(`${check.name}() that a limit ended names it, whatever the program says`, async () => {
    const chatter = "for (;;) console.log('x'.repeat(1000))";
    const error = await assertRejects(() =>
      check([deno, ...evalArgs(chatter)], {
        stdout: "piped",
        limits: { output: 5000 },
      })
    );
    assertInstanceOf(error, CalledProcessError);
    assertEquals([error.limit, error.aborted], ["output", false]);
  });
}
