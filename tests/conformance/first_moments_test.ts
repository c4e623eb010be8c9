/**
 * The start of a script: what it does not load, and that the event loop is held
 * and let go without the timers of the runtime.
 */

import { assert, assertEquals } from "@std/assert";
import { within } from "../fixtures/deadline.ts";
import { denoPath, denoUnderTest } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";

const MOD = JSON.stringify(import.meta.resolve("../../mod.ts"));

// \`deno\` is the Deno for children, \`code\` becomes the arguments that run it.
const HEAD = `
  const deno = ${JSON.stringify(denoPath())};
  const code = (source) => [...${
  JSON.stringify(evalArgs(""))
}.slice(0, -1), source];
  const IDLE = ${JSON.stringify(IDLE)};`;

/** Runs a script in a process of its own; gives what it said. */
async function run(source: string): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(file, HEAD + source);
    const output = new Deno.Command(denoUnderTest(), {
      args: ["run", "-A", "--no-config", "--no-lock", "--no-check", file],
      stdin: "null",
    }).output();
    const { code, stdout, stderr } = await within(output, "the script's end");
    const said = new TextDecoder().decode(stdout).trim();
    assertEquals(code, 0, said + new TextDecoder().decode(stderr));
    return said;
  } finally {
    await Deno.remove(file);
  }
}

// Each of these loads a part of Deno that takes milliseconds.
const TRAPS = `
  const loaded = [];
  let end = Infinity;
  const load = (name) => {
    if (performance.now() < end) loaded.push(name);
  };
  const trap = (owner, names) => {
    for (const name of names) {
      const { value, get } = Object.getOwnPropertyDescriptor(owner, name);
      Object.defineProperty(owner, name, {
        configurable: true,
        get: () => (load(name), get ? get.call(owner) : value),
      });
    }
  };
  const take = () => loaded.splice(0).join();
  trap(globalThis, ["ReadableStream", "WritableStream", "TransformStream",
    "setTimeout", "setInterval", "clearTimeout", "clearInterval", "fetch"]);
  trap(Deno, ["ChildProcess", "Command"]);`;

const FIRST: Readonly<Record<string, string>> = {
  "spawn()": `await new Command(deno, { args: code("") }).spawn().status;`,
  "output()": `await new Command(deno, { args: code("") }).output();`,
  "outputSync()": `new Command(deno, { args: code("") }).outputSync();`,
  "end of scope": `
    { await using child = new Command(deno, { args: code(IDLE), stdout: "null" }).spawn(); }`,
};

for (const [name, body] of Object.entries(FIRST)) {
  Deno.test(`import and first ${name} load neither timers nor streams`, async () => {
    // After 100 ms a timer of the runtime's may be loaded, beside the child.
    const said = await run(`${TRAPS}
      const { Command } = await import(${MOD});
      const atImport = take();
      end = performance.now() + 100;
      ${body}
      console.log(JSON.stringify([atImport, take()]));`);
    assertEquals(said, JSON.stringify(["", ""]));
  });
}

Deno.test("a child is still one of Deno's, for whoever compares", async () => {
  const said = await run(`
    const { ChildProcess, Command } = await import(${MOD});
    const child = new Command(deno, { args: code("") }).spawn();
    await child.status;
    console.log(child instanceof Deno.ChildProcess, child instanceof ChildProcess,
      {} instanceof ChildProcess, child instanceof Deno.ChildProcess);`);
  assertEquals(said, "true true false true");
});

Deno.test("a script waits for its last child, and ends with it", async () => {
  const said = await run(`
    const { Command } = await import(${MOD});
    const slow = "setTimeout(() => {}, 300)";
    new Command(deno, { args: code(slow), stdout: "null" }).spawn().status
      .then(({ code }) => console.log("ended", code));`);
  assertEquals(said, "ended 0");
});

Deno.test("a script does not wait for the timers of the first moments", async () => {
  // Stretched, so that a script that did wait would miss the deadline of this test.
  const said = await run(`
    const { timeout } = AbortSignal;
    let armed = 0;
    AbortSignal.timeout = (ms) => (armed++, timeout.call(AbortSignal, ms + 600_000));
    const { Command } = await import(${MOD});
    const command = new Command(deno, { args: code(""), timeout: 300_000 });
    const { success } = await command.spawn().status;
    console.log(success, armed > 0);`);
  assertEquals(said, "true true");
});

Deno.test("a script does not wait for a child that does not hold it", async () => {
  const said = await run(`
    const { Command } = await import(${MOD});
    const child = new Command(deno, { args: code(IDLE), stdout: "null" }).spawn();
    child.unref();
    console.log("at its end");`);
  assertEquals(said, "at its end");
});

Deno.test("a script that holds a child again waits for it", async () => {
  const said = await run(`
    const { Command } = await import(${MOD});
    const child = new Command(deno, {
      args: code(IDLE),
      stdout: "null",
      timeout: 500,
    }).spawn();
    child.unref();
    child.ref();
    child.status.then(({ timedOut }) => console.log("timed out", timedOut));`);
  assertEquals(said, "timed out true");
});

Deno.test("Deno.exit() ends a script whose child lives", async () => {
  const said = await run(`
    const { Command } = await import(${MOD});
    new Command(deno, { args: code(IDLE), stdout: "null", timeout: 60_000 })
      .spawn();
    console.log("exits");
    Deno.exit(0);`);
  assertEquals(said, "exits");
});

Deno.test("a worker closes itself, with a child that has ended and one that lives", async () => {
  const said = await run(`
    const source = \`
      const { Command } = await import(\${JSON.stringify(${MOD})});
      const deno = \${JSON.stringify(deno)};
      await new Command(deno, { args: \${JSON.stringify(code(""))} }).output();
      new Command(deno, {
        args: \${JSON.stringify(code(IDLE))},
        stdout: "null",
      }).spawn();
      postMessage("done");
      self.close();\`;
    const url = URL.createObjectURL(new Blob([source]));
    const worker = new Worker(url, { type: "module" });
    worker.onmessage = ({ data }) => console.log(data);`);
  assertEquals(said, "done");
});

Deno.test("timeouts that begin in the first moments come when they are due", async () => {
  const said = await run(`
    const { Command } = await import(${MOD});
    const began = performance.now();
    const all = [1, 400].map((timeout) =>
      new Command(deno, { args: code(IDLE), stdout: "null", timeout }).spawn()
        .status.then(() => performance.now() - began));
    const [soon, later] = await Promise.all(all);
    console.log(JSON.stringify([soon >= 1, later >= 400]));`);
  assert(said === "[true,true]", said);
});
