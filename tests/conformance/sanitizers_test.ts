/**
 * The sanitizers of `deno test`, which are on by default up to Deno 2.7: what this
 * package opens for its own use is no leak of the test that used it first.
 */

import { assert, assertStringIncludes } from "@std/assert";
import { denoPath, denoUnderTest } from "../fixtures/deno.ts";
import { evalArgs, IDLE } from "../fixtures/eval.ts";

const MOD = JSON.stringify(import.meta.resolve("../../mod.ts"));

interface Tested {
  readonly success: boolean;
  readonly said: string;
}

/** Runs `deno test` on a file of one test with this body. */
async function testFile(body: string): Promise<Tested> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${directory}/a_test.js`,
      `import { Command, Job } from ${MOD};
       const run = (code, options = {}) =>
         new Command(${JSON.stringify(denoPath())}, {
           args: [...${JSON.stringify(evalArgs(""))}.slice(0, -1), code],
           ...options,
         });
       Deno.test({
         name: "first",
         sanitizeOps: true,
         sanitizeResources: true,
         
         fn: async () => {${body}},
       });`,
    );
    const { success, stdout, stderr } = await new Deno.Command(
      denoUnderTest(),
      {
        // deno-fmt-ignore
        args: ["test", "-A", "--no-check", "--no-config", "--no-lock", "--trace-leaks", `${directory}/a_test.js`],
        env: { NO_COLOR: "1" },
      },
    ).output();
    const decoder = new TextDecoder();
    return { success, said: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const BODIES: Readonly<Record<string, string>> = {
  "output()": `
    const { success } = await run("", { stdin: "null" }).output();
    if (!success) throw new Error("it failed");`,
  "outputSync()": `
    const { success } = run("", { stdin: "null" }).outputSync();
    if (!success) throw new Error("it failed");`,
  "a child that it disposes of": `
    await using child = run(${JSON.stringify(IDLE)}, {
      stdin: "piped",
      stdout: "piped",
      timeout: 60_000,
    }).spawn();
    const { value } = await child.stdout.getReader().read();
    if (value.length === 0) throw new Error("it said nothing");
    child.usage();`,
  "a job that it disposes of": `
    await using job = new Job({ limits: { memory: 2 ** 32 } });
    job.spawn(run(${JSON.stringify(IDLE)}, { stdout: "null" }));`,
};

for (const [name, body] of Object.entries(BODIES)) {
  Deno.test(`the first test of a file may use ${name}`, async () => {
    const { success, said } = await testFile(body);
    assert(success, said);
  });
}

Deno.test("a child that a test leaves behind fails that test", async () => {
  const { success, said } = await testFile(`
    const child = run(${JSON.stringify(IDLE)}, { stdout: "piped" }).spawn();
    await child.stdout.getReader().read();`);
  assert(!success, said);
  assertStringIncludes(said, "first");
});
