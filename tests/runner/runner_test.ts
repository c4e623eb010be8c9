import { assertEquals, assertStringIncludes } from "@std/assert";
import { denoPath } from "../fixtures/deno.ts";
import { readArguments } from "./arguments.ts";
import { readJunit } from "./junit.ts";
import { Tally } from "./tally.ts";

Deno.test("Tally words the closing line", () => {
  const tally = new Tally();
  assertEquals(String(tally), "0 passed, 0 failed");
  assertEquals(tally.ok, false);
  tally.add({ passed: 2, failed: 0, skipped: 1 });
  assertEquals(String(tally), "2 passed, 0 failed, 1 skipped");
  assertEquals(tally.ok, true);
  tally.add({ passed: 1, failed: 1, skipped: 0 });
  assertEquals(String(tally), "3 passed, 1 failed, 1 skipped");
  assertEquals(tally.ok, false);
});

Deno.test("readJunit() counts what passed, failed and was left out", () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="2" errors="0" time="0.041">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="2">
        <testcase name="tests=&quot;9&quot;" time="0.030" line="1" col="6">
    </testsuite>
    <testsuite name="./b_test.ts" tests="2" disabled="0" errors="0" failures="0">
    </testsuite>
</testsuites>`;
  assertEquals(readJunit(xml), { passed: 3, failed: 2, skipped: 1 });
  assertEquals(readJunit(""), { passed: 0, failed: 0, skipped: 0 });
});

Deno.test("readArguments() tells flags from paths", () => {
  assertEquals(readArguments(["--ok"]), {
    checks: true,
    tests: true,
    offline: false,
    flags: [],
    paths: [],
  });
  assertEquals(
    readArguments(["--offline", "a_test.ts", "--filter", "b", "--no-check"]),
    {
      checks: false,
      tests: true,
      offline: true,
      flags: ["--filter", "b", "--no-check"],
      paths: ["a_test.ts"],
    },
  );
  assertEquals(readArguments(["--static"]).tests, false);
});

/** Runs the runner itself on one test file, as a person would. */
async function runOn(
  name: string,
  source: string,
): Promise<{ code: number; out: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/${name}_test.ts`;
    await Deno.writeTextFile(file, source);
    const runner = new URL("../run.ts", import.meta.url).href;
    const { code, stdout } = await new Deno.Command(denoPath(), {
      args: ["run", "-A", "--no-lock", runner, "--offline", "--no-check", file],
      stderr: "null",
    }).output();
    return { code, out: new TextDecoder().decode(stdout) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Files of tests, and how a run of each must end. */
const RUNS: readonly (readonly [string, string, number, string])[] = [
  ["passing", `Deno.test("a", () => {});`, 0, "1 passed, 0 failed"],
  [
    "leaking",
    `Deno.test("a", () => { setTimeout(() => {}, 9e6) });`,
    1,
    "0 passed, 1 failed",
  ],
  ["crashing", `throw new Error("a");`, 1, "0 passed, 1 failed"],
  ["empty", `export {};`, 1, "0 passed, 0 failed"],
  [
    "ignored",
    `Deno.test({ name: "a", ignore: true, fn() {} });`,
    1,
    "0 passed, 0 failed, 1 skipped",
  ],
];

for (const [name, source, code, line] of RUNS) {
  Deno.test(`tests/run.ts sums up a file that is ${name}`, async () => {
    const run = await runOn(name, source);
    assertEquals(run.out.trimEnd().split("\n").at(-1), line);
    assertEquals(run.code, code);
    assertStringIncludes(run.out, "@std: stand-ins");
  });
}
