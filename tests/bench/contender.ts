/**
 * A contender in a process of its own: one line `CASE COUNT` on standard input
 * runs a case that often, and is answered with milliseconds.
 *
 * `deno run -A contender.ts ours|off|deno`: this library as it comes, this
 * library without containment and guard, `Deno.Command`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- its answers are lines on stdout

import { Command } from "../../mod.ts";
import { cases, type CommandClass } from "./cases.ts";

const [name] = Deno.args;
const OFF = { containment: "process-group", killOnParentExit: false };
const known = name === "deno"
  ? cases(Deno.Command as unknown as CommandClass)
  : cases(Command as unknown as CommandClass, name === "off" ? OFF : {});

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const line of lines) {
  const [what, count] = line.trim().split(" ");
  const run = known[what ?? ""];
  if (run === undefined) Deno.exit(1);
  const began = performance.now();
  await run(Number(count));
  console.log((performance.now() - began).toFixed(3));
}
