/** Command lines in texts are ones that the program understands. */

import { assert } from "@std/assert";
import { COMMANDS } from "../../cli/commands.ts";
import { readOptions } from "../../cli/arguments/read_options.ts";

const ROOT = new URL("../../", import.meta.url);
const TEXTS = [
  "README.md",
  "docs/comparison.md",
  "docs/migrating.md",
  "docs/options.md",
  "docs/platforms.md",
  "docs/questions.md",
];

/** The words of a command line, as a shell has them; `$(…)` is one. */
function words(line: string): string[] {
  const found = line.matchAll(/'([^']*)'|"([^"]*)"|(\$\([^)]*\)|[^\s'"])+/g);
  return [...found].map(([all, single, double]) => single ?? double ?? all);
}

/** The command lines of the program in a text, up to the end of each command. */
function commandLines(text: string): string[] {
  return [...text.matchAll(/\bkillable (?!is\b)[^;|#`\n]+/g)]
    .map(([line]) => line.trim());
}

async function understood(line: string): Promise<void> {
  const [, name, ...args] = words(line);
  const entry = COMMANDS.find((one) => one.name === name);
  assert(entry !== undefined, `'${name}' in: ${line}`);
  readOptions((await entry.load()).SPEC, args);
}

Deno.test("command lines in README.md and docs/ are understood", async () => {
  let count = 0;
  for (const path of TEXTS) {
    for (
      const line of commandLines(await Deno.readTextFile(new URL(path, ROOT)))
    ) {
      // Its name, at installing.
      if (/^killable (jsr:|\.|--import-map)/.test(line)) continue;
      await understood(line);
      count++;
    }
  }
  assert(count >= 8, `${count} command lines`);
});

Deno.test("the examples in every help are understood", async () => {
  for (const { load } of COMMANDS) {
    const { SPEC } = await load();
    assert(SPEC.examples.length > 0, SPEC.name);
    for (const [written] of SPEC.examples) {
      // A line of a Dockerfile has the words as JSON.
      const json = /^(?:ENTRYPOINT|CMD) (\[.*\])$/.exec(written)?.[1];
      const example = json === undefined ? written : JSON.parse(json).join(" ");
      const [line] = commandLines(
        example.startsWith(`${SPEC.name} `) ? `killable ${example}` : example,
      );
      assert(line !== undefined, example);
      await understood(line);
    }
  }
});

Deno.test("the tasks that texts name are there", async () => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  for (const path of ["CONTRIBUTING.md", ...TEXTS]) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    // Those in a string are of another project.
    for (
      const [, name] of text.matchAll(
        /(?<!["'])\b(?:deno|deno@[\d.]+) task ([a-z]\w*(?::\w+)*)/g,
      )
    ) {
      assert(name! in tasks, `deno task ${name} in ${path}`);
    }
  }
});
