import { assert, assertEquals } from "@std/assert";
import { Command } from "../../mod.ts";
import { within } from "../fixtures/deadline.ts";
import { denoArgs, denoPath } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";
import { warmUp } from "../fixtures/warm_up.ts";
import { DIFFERENCES, MANY } from "./differences.ts";

Deno.test.beforeAll(warmUp);

const deno = denoPath();
const MOD = import.meta.resolve("../../mod.ts");

/** Runs a host program of its own: one that uses the library, then ends. */
async function host(
  source: string,
): Promise<Deno.CommandOutput & { out: string }> {
  const code = `import { Command } from ${JSON.stringify(MOD)};
    const [deno, ...idle] = ${JSON.stringify([deno, ...evalArgs(IDLE)])};
    ${source}`;
  const run = await within(
    new Deno.Command(deno, { args: evalArgs(code), stdin: "null" }).output(),
    "the end of the host",
  );
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  assertEquals([run.code, text(run.stderr)], [0, ""]);
  return { ...run, out: text(run.stdout) };
}

Deno.test("many children at once keep their own output and status", async () => {
  const runs = await Promise.all(
    Array.from({ length: MANY }, (_, i) =>
      new Command(deno, {
        args: evalArgs(
          `console.log(Deno.args[0].repeat(1000)); Deno.exit(Number(Deno.args[0]) % 200)`,
          String(i),
        ),
      }).output()),
  );
  runs.forEach((run, i) => {
    const text = new TextDecoder().decode(run.stdout);
    assertEquals(text, String(i).repeat(1000) + "\n");
    assertEquals(run.code, i % 200);
  });
});

for (const more of ["", "tee: () => {}, idleTimeout: 60_000,"]) {
  Deno.test(
    `spawning works when a page has broken Promise and Array ${more}`.trim(),
    async () => {
      const run = await host(`
    // Deno loads its own timers on first use, by means of what is broken below.
    clearInterval(setInterval(() => {}, 1000));
    const then = Promise.prototype.then;
    const iterator = Array.prototype[Symbol.iterator];
    const command = new Command(deno, {
      args: ${
        JSON.stringify(
          evalArgs("console.log('alive'); console.error('err'); Deno.exit(5)"),
        )
      },
      env: { A: "b" },
      input: "x",
      fds: { 5: "null", 6: "null" },
      ${more}
    });
    Promise.prototype.then = () => { throw new Error("broken then"); };
    Array.prototype[Symbol.iterator] = () => { throw new Error("broken iterator"); };
    let sync, output;
    try {
      sync = command.outputSync();
      output = await command.output();
    } finally {
      Promise.prototype.then = then;
      Array.prototype[Symbol.iterator] = iterator;
    }
    const text = (bytes) => new TextDecoder().decode(bytes).trim();
    console.log(JSON.stringify([output, sync].map((one) =>
      [one.code, text(one.stdout), text(one.stderr)])));
  `);
      const expected = [5, "alive", "err"];
      assertEquals(JSON.parse(run.out), [expected, expected]);
    },
  );
}

Deno.test({
  name: "output that is only drained does not hold the event loop",
  ignore: DIFFERENCES.daemonsOfDeno.here,
  fn: drainHoldsNothing,
});

async function drainHoldsNothing(): Promise<void> {
  // The daemon holds the pipe after the leader has exited.
  const daemon = "setTimeout(() => {}, 600_000)";
  const run = await host(`
    const leader = new Command(deno, {
      args: ${
    JSON.stringify(
      evalArgs(
        `new Deno.Command(Deno.execPath(), {
          args: ["eval", ${JSON.stringify(daemon)}], stdin: "null",
        }).spawn().unref();
        console.log("ready");
        await Deno.stdin.read(new Uint8Array(1));
        Deno.exit(0);`,
      ),
    )
  },
      stdin: "piped", stdout: "piped", stderr: "null",
    }).spawn();
    await leader.ready({ line: "ready" });
    // The drain is at work when the leader ends.
    await new Command(deno, { args: ["--version"] }).output();
    const writer = leader.stdin.getWriter();
    await writer.write(new Uint8Array(1));
    await writer.close();
    console.log((await leader.status).code, leader.descendants().length);
  `);
  assertEquals(run.out, "0 1");
}

Deno.test("a running child holds the event loop", async () => {
  const run = await host(`
    const child = new Command(deno, {
      args: ${
    JSON.stringify(
      evalArgs("await Deno.stdin.read(new Uint8Array(1)); Deno.exit(9)"),
    )
  },
      input: "x", stdout: "null", stderr: "null",
    }).spawn();
    child.status.then((status) => console.log(status.code));
  `);
  assertEquals(run.out, "9");
});

for (const stdio of ["null", "piped"] as const) {
  Deno.test(`an unref'd child with ${stdio} output does not hold the event loop`, async () => {
    const run = await host(`
      const child = new Command(deno, {
        args: idle, stdin: "null", stdout: "${stdio}", stderr: "${stdio}", grace: 0,
      }).spawn();
      if ("${stdio}" === "piped") child.stdout.getReader().read();
      child.unref();
      addEventListener("unload", () => { child.kill("SIGKILL"); console.log("left"); });
    `);
    assertEquals(run.out, "left");
  });
}

Deno.test("unref() before a read, and ref() again, are obeyed", async () => {
  const run = await host(`
    const child = new Command(deno, {
      args: ${
    JSON.stringify(evalArgs("setTimeout(() => console.log('late'), 100)"))
  },
      stdin: "null", stdout: "piped",
    }).spawn();
    child.unref();
    child.ref();
    child.stdout.text().then((text) => console.log(text.trim()));
  `);
  assertEquals(run.out, "late");
});

Deno.test("a timeout of an unref'd child does not hold the event loop", async () => {
  const run = await host(`
    const child = new Command(deno, {
      args: idle, stdin: "null", stdout: "null", timeout: 3600_000,
    }).spawn();
    child.unref();
    addEventListener("unload", () => { child.kill("SIGKILL"); console.log("left"); });
  `);
  assertEquals(run.out, "left");
});

Deno.test("children started from callbacks of other children are independent", async () => {
  const command = new Command(deno, { args: evalArgs("console.log(1)") });
  let depth = 0;
  const nest = async (): Promise<void> => {
    const run = await command.output();
    assertEquals(run.stdout.length, 2);
    command.outputSync();
    if (++depth < 5) await nest();
  };
  await nest();
  assertEquals(depth, 5);
});

Deno.test("a synchronous run does not disturb children that run meanwhile", async () => {
  const child = new Command(deno, {
    args: evalArgs("console.log('a'); Deno.exit(6)"),
    stdout: "piped",
  }).spawn();
  for (let i = 0; i < 5; i++) {
    const run = new Command(deno, { args: evalArgs("Deno.exit(7)") })
      .outputSync();
    assertEquals(run.code, 7);
  }
  assertEquals(
    (await child.output().catch(String) as { code: number }).code,
    6,
  );
});

Deno.test("importing the library opens nothing: it works without any permission", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const script = `${folder}/import.ts`;
    await Deno.writeTextFile(
      script,
      `import * as library from ${JSON.stringify(MOD)};
      new library.Command("x");
      console.log(Object.keys(library).includes("Command"));`,
    );
    const run = await new Deno.Command(deno, {
      args: denoArgs(script, [], ["--no-prompt"]),
    }).output();
    const text = new TextDecoder().decode(run.stdout).trim();
    assertEquals([text, new TextDecoder().decode(run.stderr)], ["true", ""]);
    assert(run.success);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
