// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * `a | b | c` without a shell: nothing to quote, a status for each, and a time
 * limit that ends all three.
 *
 *     deno run --allow-ffi --allow-run examples/pipeline.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command, pipeline, type PipelineOutput } from "../mod.ts";

function show(title: string, output: PipelineOutput): void {
  const each = output.statuses.map(({ command, status }) =>
    `${command} ${status.signal ?? status.code}`
  );
  const text = new TextDecoder().decode(output.stdout).trim();
  console.log(`${title}: ${JSON.stringify(text)}, ${each.join(", ")}`);
}

const words = new Command("tr", {
  args: [" ", "\n"],
  input: "to be or not to be",
});
show(
  "most frequent",
  await pipeline([words, ["sort"], ["uniq", "-c"], ["sort", "-rn"], [
    "head",
    "-n",
    "1",
  ]]),
);

// A writer without end stops when nothing reads any more, as in a shell.
show("first of many", await pipeline([["yes"], ["head", "-n", "1"]]));

// It reads for ever: the time limit is for all.
const late = await pipeline([["sleep", "60"], ["cat"]], { timeout: 200 });
console.log(`timed out: ${late.timedOut}, code ${late.code}`);
