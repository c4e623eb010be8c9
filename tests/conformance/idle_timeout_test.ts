import { assert, assertEquals, assertRejects } from "@std/assert";
import { checkOutput, Command, TimeoutExpired } from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { ENOUGH } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
/** Speaks once, and then never again. */
const QUIET = { args: evalArgs(IDLE), idleTimeout: ENOUGH, grace: 0 };
/** Speaks five times for each idle timeout, for longer than that, on stderr. */
const TALKATIVE = `
for (let i = 0; i < 8; i++) {
  console.error("still here");
  await new Promise((resolve) => setTimeout(resolve, ${ENOUGH / 5}));
}
Deno.exit(7)`;

Deno.test("a child that falls silent is ended, and the status says so", async () => {
  const output = await new Command(deno, QUIET).output();
  assertEquals(new TextDecoder().decode(output.stdout), "ready\n");
  assertEquals([output.idledOut, output.timedOut, output.killed], [
    true,
    false,
    true,
  ]);
});

Deno.test("outputSync() notices as well", () => {
  const output = new Command(deno, QUIET).outputSync();
  assertEquals(new TextDecoder().decode(output.stdout), "ready\n");
  assertEquals([output.idledOut, output.timedOut, output.killed], [
    true,
    false,
    true,
  ]);
});

Deno.test("a child that speaks now and then lives longer than the idle timeout", async () => {
  const command = new Command(deno, {
    args: evalArgs(TALKATIVE),
    idleTimeout: ENOUGH,
  });
  const output = await command.output();
  assertEquals([output.code, output.idledOut, output.killed], [
    7,
    false,
    false,
  ]);
});

Deno.test("the blocking run lets it live, too", () => {
  const output = new Command(deno, {
    args: evalArgs(TALKATIVE),
    idleTimeout: ENOUGH,
  }).outputSync();
  assertEquals([output.code, output.idledOut, output.killed], [
    7,
    false,
    false,
  ]);
});

Deno.test("the timeout still is the timeout", async () => {
  const options = { ...QUIET, timeout: ENOUGH / 2, idleTimeout: 60_000 };
  const output = await new Command(deno, options).output();
  assertEquals([output.idledOut, output.timedOut], [false, true]);
  const sync = new Command(deno, options).outputSync();
  assertEquals([sync.idledOut, sync.timedOut], [false, true]);
});

Deno.test("checkOutput() fails with TimeoutExpired, which tells what was silent", async () => {
  const error = await assertRejects(
    () => checkOutput([deno, ...QUIET.args], { idleTimeout: ENOUGH, grace: 0 }),
    TimeoutExpired,
    "did not write anything",
  );
  assertEquals([error.idle, error.timeout], [true, ENOUGH]);
  assertEquals(new TextDecoder().decode(error.stdout!), "ready\n");
});

Deno.test("a reader of the stream sees its end, and the status the reason", async () => {
  await using child = new Command(deno, { ...QUIET, stdout: "piped" }).spawn();
  assertEquals(await child.stdout.text(), "ready\n");
  assert((await child.status).idledOut);
});

Deno.test("while nobody reads, the child is not to blame", async () => {
  await using child = new Command(deno, {
    ...QUIET,
    idleTimeout: 1,
    stdout: "piped",
    args: evalArgs("await Deno.stdin.read(new Uint8Array(1)); Deno.exit(5)"),
    stdin: "piped",
  }).spawn();
  // Far longer than the idle timeout.
  await new Command(deno, { args: ["--version"] }).output();
  const writer = child.stdin.getWriter();
  await writer.write(new Uint8Array(1));
  const { code, idledOut } = await child.status;
  assertEquals([code, idledOut], [5, false]);
  writer.releaseLock();
});

Deno.test("while this process is busy, what the child writes is no silence", async () => {
  const WRITES =
    "console.log('begun'); await new Promise((r) => setTimeout(r, 500)); console.log('second'); await Deno.stdin.read(new Uint8Array(1)); Deno.exit(5)";
  await using child = new Command(deno, {
    ...QUIET,
    idleTimeout: 1500,
    stdin: "piped",
    stdout: "piped",
    args: evalArgs(WRITES),
  }).spawn();
  const lines = child.lines();
  await lines.next();
  // The second line comes while nothing here can read it.
  const second = lines.next();
  for (const end = performance.now() + 2500; performance.now() < end;);
  assertEquals((await second).value, "second");
  const writer = child.stdin.getWriter();
  await writer.write(new Uint8Array(1));
  const { code, idledOut } = await child.status;
  assertEquals([code, idledOut], [5, false]);
  writer.releaseLock();
});
