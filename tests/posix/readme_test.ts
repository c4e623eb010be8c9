/**
 * The TypeScript blocks of the README are run as they stand, and each prints what
 * its comments behind `console.log(…)` say. (That they pass the type checker is
 * what `deno test --doc` is for.)
 */

import { assert, assertEquals } from "@std/assert";
import { denoArgs, denoPath } from "../fixtures/deno.ts";

const README = new URL("../../README.md", import.meta.url);

/** A block of code, and what it says it prints. */
interface Block {
  readonly line: number;
  readonly code: string;
  readonly promised: readonly string[];
}

function blocks(markdown: string): Block[] {
  const found: Block[] = [];
  for (const match of markdown.matchAll(/^```ts\n([^]*?)^```$/gm)) {
    const code = match[1]!;
    const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)]
      .map((comment) => comment[1]!);
    const line = markdown.slice(0, match.index).split("\n").length;
    found.push({ line, code, promised });
  }
  return found;
}

/** What a block prints, run with the permissions that the README names. */
async function run(code: string): Promise<string[]> {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const library = import.meta.resolve("../../mod.ts");
    await Deno.writeTextFile(
      script,
      code.replaceAll('"@killable/process"', `"${library}"`),
    );
    const { stdout, stderr, success } = await new Deno.Command(denoPath(), {
      args: denoArgs(script, [], [
        "--allow-run",
        "--allow-ffi",
        // A block that needs more says so.
        ...(code.includes("--allow-net") ? ["--allow-net"] : []),
      ]),
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).split("\n").slice(0, -1);
  } finally {
    await Deno.remove(script);
  }
}

const all = blocks(await Deno.readTextFile(README));

Deno.test("the README has code to run", () => {
  assert(all.length > 10);
  assert(all.every(({ promised }) => promised.length > 0));
});

for (const { line, code, promised } of all) {
  Deno.test(`README.md:${line} prints what its comments say`, async () => {
    assertEquals(await run(code), promised);
  });
}
