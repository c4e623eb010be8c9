/** Arguments of the wrong shape, and options that do not exist. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  call,
  checkOutput,
  Command,
  Job,
  killTree,
  listen,
  pipeline,
  spawn,
  spawnAndWait,
  spawnAndWaitSync,
} from "../../mod.ts";
import { denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
// deno-lint-ignore no-explicit-any
type Anything = any;
const any = (value: unknown): Anything => value;

Deno.test("arguments of the wrong shape start nothing", async () => {
  const args = any("hi");
  for (const start of [spawn, spawnAndWait, spawnAndWaitSync]) {
    assertThrows(() => start(deno, args), TypeError, `got "hi"`);
    assertThrows(() => start(deno, args, {}), TypeError, `got "hi"`);
    assertThrows(() => start(deno, any(5)), TypeError, "got 5");
    assertThrows(() => start(deno, any(null)), TypeError, "null");
    assertThrows(() => start(deno, [], any("x")), TypeError, `got "x"`);
    assertThrows(() => start(deno, [], any({ args: [] })), TypeError, "args");
    assertThrows(() => start(deno, any({}), {}), TypeError, "an object");
  }
  for (const options of [null, 5, "x", true, ["eval"], () => {}]) {
    const command = new Command(deno, any(options));
    assertThrows(() => command.spawn(), TypeError, "Invalid options");
    assertThrows(() => command.outputSync(), TypeError, "Invalid options");
    assertThrows(() => new Job(any(options)), TypeError, "Invalid options");
    const stages = [new Command(deno)];
    await assertRejects(() => pipeline(stages, any(options)), TypeError);
    await assertRejects(() => call([deno], any(options)), TypeError);
    await assertRejects(() => killTree(Deno.pid, any(options)), TypeError);
  }
  await assertRejects(() => call(any("deno --version")), TypeError, "an array");
  await assertRejects(() => checkOutput(any(deno)), TypeError, "an array");
  await using job = new Job();
  const command = new Command(deno);
  for (const more of [["eval"], {}, "x", null]) {
    const start = () => any(job).spawn(command, more);
    assertThrows(start, TypeError, "already");
  }
  assertThrows(() => any(job).spawn(deno, "--version"), TypeError);
  assertEquals(job.children, []);
});

Deno.test("a method given something other than its options refuses it, and does nothing", async () => {
  await using child = new Command(deno, {
    args: evalArgs(IDLE),
    stdout: "piped",
    grace: 0,
  }).spawn();
  const { kill, lines, sample } = any(child);
  for (const bad of [100, "SIGTERM", true, ["SIGTERM"], null]) {
    await assertRejects(() => child.stop(any(bad)), TypeError);
    await assertRejects(() => child.wait(any(bad)), TypeError);
    await assertRejects(() => child.ready(any(bad)), TypeError);
    assertThrows(() => kill.call(child, "SIGKILL", bad), TypeError);
    assertThrows(() => lines.call(child, bad), TypeError);
    assertThrows(() => sample.call(child, bad), TypeError);
  }
  await assertRejects(() => child.wait(any({ tree: 0 })), TypeError, "tree");
  assertThrows(() => kill.call(child, "SIGKILL", { tree: 0 }), TypeError);
  assertEquals((await child.ready({ line: "ready" })).line, "ready");
  assertEquals(child.usage().tree.processes, 1);
});

// A misspelt option, and the one that is meant.
const MISSPELT: readonly (readonly [string, string])[] = [
  ["timeOut", "timeout"],
  ["timout", "timeout"],
  ["killSignal", "stopSignal"],
  ["maxBuffer", "maxOutput"],
  ["forceKillAfterDelay", "grace"],
  ["arg", "args"],
  ["stdOut", "stdout"],
  ["environment", "env"],
];

Deno.test("an option that does not exist is refused, with the one that is meant", async () => {
  for (const [wrong, right] of MISSPELT) {
    const command = new Command(deno, any({ [wrong]: 1 }));
    const said =
      `Unknown option '${wrong}' of Command.spawn(): did you mean '${right}'?`;
    assertThrows(() => command.spawn(), TypeError, said);
    assertThrows(() => command.outputSync(), TypeError, `'${right}'?`);
  }
  const meant = async (call: () => unknown, right: string) =>
    await assertRejects(
      async () => await call(),
      TypeError,
      `did you mean '${right}'?`,
    );
  await using child = new Command(deno, { args: evalArgs(IDLE) }).spawn();
  await meant(() => child.stop(any({ gracePeriod: 5 })), "grace");
  await meant(() => child.wait(any({ timeOut: 5 })), "timeout");
  await meant(() => child.kill("SIGKILL", any({ three: true })), "tree");
  await meant(() => child.sample(any({ intervall: 5 })).next(), "interval");
  await meant(() => child.ready(any({ lines: "x" })), "line");
  await meant(() => new Job(any({ stopOnn: [] })), "stopOn");
  await meant(() => pipeline([[deno]], any({ timeuot: 5 })), "timeout");
  await meant(() => listen(any({ prot: 0 })), "port");
  await meant(() => spawn(deno, any({ limits: { mem0ry: 1 } })), "memory");
  const file = any({ file: "x", apend: true });
  await meant(() => spawn(deno, { stdout: file }), "append");
  await meant(() => killTree(child.pid, any({ gace: 1 })), "grace");
  const { message } = assertThrows(
    () => spawn(deno, any({ somethingElse: 1 })),
    TypeError,
  );
  assert(message.includes(": there are args, "), message);
  assertEquals(child.usage().tree.processes, 1);
});

Deno.test("an option that does not exist and is undefined is passed over", async () => {
  const options = any({ args: ["--version"], nothing: undefined });
  assertEquals((await new Command(deno, options).output()).code, 0);
});

Deno.test("what Deno takes in plain JavaScript is taken", async () => {
  const print = evalArgs("console.log(Deno.cwd(), ...Deno.args)", "a");
  const expected = `${Deno.cwd()} a\n`;
  function given(..._: string[]): IArguments {
    return arguments;
  }
  for (
    const options of [
      { args: print, cwd: "" },
      { args: print, cwd: null },
      { args: given(...print) },
      { args: print, clearEnv: null, detached: null, uid: null, signal: null },
    ]
  ) {
    const ours = await new Command(deno, any(options)).output();
    assertEquals(new TextDecoder().decode(ours.stdout), expected);
  }
  const run = await new Command(any(new String(deno)), { args: print })
    .output();
  assertEquals(new TextDecoder().decode(run.stdout), expected);
});
