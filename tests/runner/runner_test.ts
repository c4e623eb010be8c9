import { assertEquals, assertStringIncludes } from "@std/assert";
import { denoPath } from "../fixtures/deno.ts";
import { readArguments } from "./arguments.ts";
import { missingDocs } from "./doc_check.ts";
import { failedTests, readJunit, repeatCommand } from "./junit.ts";
import { packedSize, publishedPaths } from "./package_contents.ts";
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

Deno.test("repeatCommand() is one line for a shell", () => {
  const xml = `<testsuites name="deno test" tests="2" failures="2" errors="0">
    <testsuite name="./tests/a_test.ts" tests="2" disabled="0">
        <testcase name="it&apos;s &lt;so&gt;" classname="./tests/a_test.ts">
            <failure message="x">y</failure>
        </testcase>
        <testcase name="fine" classname="./tests/a_test.ts"/>
        <testcase name="all &gt; a step" classname="./tests/a_test.ts">
            <failure message="x">y</failure>
        </testcase>
    </testsuite>
</testsuites>`;
  assertEquals(failedTests(xml).map(repeatCommand), [
    `deno task test tests/a_test.ts --filter 'it'\\''s <so>'`,
    `deno task test tests/a_test.ts --filter 'all'`,
  ]);
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

Deno.test("missingDocs() names what is not documented", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/mod.ts`;
    await Deno.writeTextFile(
      file,
      `/**
 * A module.
 *
 * @module
 */

/**
 * Documented.
 *
 * @param a One.
 * @returns Two.
 * @category Here
 * @example Code.
 */
export function whole(a: number): number { return a; }
export function bare(b: number): number { return b; }
/**
 * A promise of nothing has no result.
 *
 * @example Code.
 */
export function overloaded(): Promise<void>;
export function overloaded(): unknown { return whole; }
/** A class. */
export class Thing {
  /** What it is. */
  readonly a: number;
  undescribed = 1;
  /**
   * Not for callers.
   *
   * @internal
   */
  constructor(key: number) { this.a = key; }
  /** With a result. */
  method(c?: string): string { return c ?? ""; }
  [Symbol.dispose](): void {}
}
/** Members. */
export interface Members { readonly member: string }
`,
    );
    const { stdout } = await new Deno.Command(denoPath(), {
      args: ["doc", "--json", file],
      env: { NO_COLOR: "1" },
    }).output();
    const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
    const [module] = Object.values(nodes) as Parameters<
      typeof missingDocs
    >[0][];
    assertEquals(missingDocs(module!, true).sort(), [
      "Members.member: description",
      "Members: @category",
      "Thing.method(): @param c",
      "Thing.method(): @returns",
      "Thing.undescribed: description",
      "Thing: @category",
      "Thing: @example",
      "bare: @category",
      "bare: @example",
      "bare: @param b",
      "bare: @returns",
      "bare: description",
      "overloaded: @category",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("publishedPaths() reads what deno publish lists", () => {
  const said = `Checking for slow types in the public API...
Simulating publish of @killable/process@0.1.0 with files:
   file:///tmp/a%20b/LICENSE (1.06KB)
   file:///tmp/a%20b/cli/main.ts (519B)
Success Dry run complete`;
  assertEquals(publishedPaths(said, new URL("file:///tmp/a%20b/")), [
    "LICENSE",
    "cli/main.ts",
  ]);
});

Deno.test("packedSize() is about that of the tarball", async () => {
  const files = ["mod.ts", "README.md"];
  const sources = await Promise.all(files.map(async (path) => ({
    path,
    bytes: await Deno.readFile(new URL(`../../${path}`, import.meta.url)),
  })));
  const { stdout } = await new Deno.Command("tar", {
    args: ["-cz", ...files],
    cwd: new URL("../../", import.meta.url),
  }).output();
  const difference = await packedSize(sources) - stdout.length;
  assertEquals(Math.abs(difference) < 300, true, `${difference} bytes`);
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
    assertEquals(run.out.includes("to repeat what failed"), name === "leaking");
  });
}
