/**
 * A permission broker (DENO_PERMISSION_BROKER_PATH) decides here what it decides for
 * Deno itself: the same answers, and nothing is started that it refuses.
 */

import { assert, assertEquals } from "@std/assert";
import { denoUnderTest } from "../fixtures/deno.ts";
import { warmUp } from "../fixtures/warm_up.ts";

// The lane of macOS asks the broker for what its emulation opens.
const test = Deno.build.os === "linux" ? Deno.test : Deno.test.ignore;

interface Request {
  readonly id: number;
  readonly permission: string;
  readonly value: string | null;
}

type Rule = (request: Request) => boolean;

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const MOD = import.meta.resolve("../../mod.ts");
let folder = "";

Deno.test.beforeAll(async () => {
  await warmUp();
  folder = await Deno.makeTempDir();
});

Deno.test.afterAll(async () => {
  await Deno.remove(folder, { recursive: true });
});

/** Runs a script under a broker; what it prints, and what the broker was asked. */
async function brokered(
  source: string,
  allows: Rule,
): Promise<{ said: string; asked: Request[] }> {
  const path = `${folder}/broker`;
  const script = `${folder}/script.ts`;
  await Deno.writeTextFile(script, source);
  const asked: Request[] = [];
  const listener = Deno.listen({ transport: "unix", path });
  const serve = async (): Promise<void> => {
    using conn = await listener.accept();
    const bytes = new Uint8Array(65536);
    let rest = "";
    for (let n; (n = await conn.read(bytes)) !== null;) {
      const lines = (rest + decode(bytes.subarray(0, n))).split("\n");
      rest = lines.pop() as string;
      for (const line of lines) {
        const request = JSON.parse(line) as Request;
        asked.push(request);
        const result = allows(request) ? "allow" : "deny";
        const answer = JSON.stringify({ id: request.id, result });
        await conn.write(new TextEncoder().encode(answer + "\n"));
      }
    }
  };
  const served = serve();
  try {
    const { stdout, stderr } = await new Deno.Command(denoUnderTest(), {
      args: ["run", "--no-lock", "--no-check", "--no-config", script],
      env: { DENO_PERMISSION_BROKER_PATH: path },
      stdin: "null",
    }).output();
    await served;
    return {
      said: decode(stdout) + decode(stderr).replace(/^.*Warn.*\n/, ""),
      asked,
    };
  } finally {
    // Removes the socket, too.
    listener.close();
  }
}

const touch = (options = "{}") =>
  `await new Command("touch", { args: [OUT], ...${options} }).output()`;

const everything: Rule = () => true;
const not = (permission: string, part?: string): Rule => (request) =>
  request.permission !== permission ||
  part !== undefined && !String(request.value).includes(part);
const LD = '{ env: { LD_PRELOAD: "" , LD_LIBRARY_PATH: "/none" } }';

// The broker is asked for the permission as a whole first, and then for the program.
const RUNS: readonly (readonly [string, Rule, string])[] = [
  ["everything is allowed", everything, touch()],
  ["run is denied", not("run"), touch()],
  [
    "run is denied as a whole and allowed for the program",
    (request) => request.permission !== "run" || request.value === "touch",
    touch(),
  ],
  [
    "another program is allowed",
    (request) => request.permission !== "run" || request.value === "true",
    touch(),
  ],
  [
    "a path, and its name is allowed",
    (request) =>
      request.permission !== "run" || request.value === "/usr/bin/touch",
    `await new Command("/usr/bin/touch", { args: [OUT] }).output()`,
  ],
  // Deno.Command does not ask for the program then.
  [
    "run is allowed as a whole and denied for the program",
    not("run", "touch"),
    `new Command("touch", { args: [OUT] }).outputSync()`,
  ],
  ["loader variables, and run is allowed", everything, touch(LD)],
  [
    "loader variables, and the program alone is allowed",
    (request) => request.permission !== "run" || request.value === "touch",
    touch(LD),
  ],
  [
    "outputSync(), and run is denied",
    not("run"),
    `new Command("touch", { args: [OUT] }).outputSync()`,
  ],
  [
    "a program that is not there",
    not("run"),
    `new Command("no-such-program").outputSync()`,
  ],
];

for (const [name, rule, statement] of RUNS) {
  test(`a permission broker's answer is the one that Deno.Command gets: ${name}`, async () => {
    const outcomes: unknown[] = [];
    const sources = [
      "const { Command } = Deno;",
      `import { Command } from ${JSON.stringify(MOD)};`,
    ];
    for (const head of sources) {
      const out = `${folder}/out`;
      const { said, asked } = await brokered(
        `${head}
        const OUT = ${JSON.stringify(out)};
        try { ${statement}; console.log("ran"); }
        catch (error) { console.log(error.name); }`,
        rule,
      );
      const made = await Deno.stat(out).then(() => true, () => false);
      if (made) await Deno.remove(out);
      const runs = asked.filter(({ permission }) => permission === "run");
      outcomes.push([said, made, runs.map(({ value }) => value)]);
    }
    assertEquals(outcomes[1], outcomes[0]);
  });
}

const REFUSED: readonly (readonly [string, Rule, string])[] = [
  ["a job's spawn()", not("run"), `new Job().spawn("touch", { args: [OUT] })`],
  [
    "a file to read",
    not("read", "/etc/passwd"),
    `new Command("touch", { args: [OUT], stdin: { file: "/etc/passwd" } }).outputSync()`,
  ],
  [
    "a file to write",
    not("write", "/written"),
    `new Command("touch", { args: [OUT], stdout: { file: OUT + "/written" } }).outputSync()`,
  ],
  ["a port", not("net"), `listen({ hostname: "127.0.0.1", port: 0 })`],
  ["a tree of another program", not("run"), `await killTree(1)`],
];

for (const [name, rule, statement] of REFUSED) {
  test(`what a permission broker denies is NotCapable: ${name}`, async () => {
    const out = `${folder}/out`;
    const run = (allows: Rule) =>
      brokered(
        `import { Command, Job, killTree, listen } from ${JSON.stringify(MOD)};
        const OUT = ${JSON.stringify(out)};
        try { ${statement}; console.log("done"); }
        catch (error) { console.log(error.name); }
        Deno.exit();`,
        allows,
      );
    assertEquals((await run(rule)).said, "NotCapable\n");
    assert(!(await Deno.stat(out).then(() => true, () => false)));
    // The same, allowed, gets further.
    assert((await run(everything)).said !== "NotCapable\n");
    await Deno.remove(out).catch(() => {});
  });
}
