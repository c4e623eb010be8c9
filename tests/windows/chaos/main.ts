// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `main.ts --program PATH [--trees N] [--seed S] [--parallel N] [--only I,J…]`: ends
 * random trees in every way and counts what is left. `tree.c` compiled is PATH.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    program: { type: "string" },
    trees: { type: "string", default: "200" },
    seed: { type: "string" },
    parallel: { type: "string", default: "3" },
    only: { type: "string" },
  },
});
if (values.program === undefined) {
  console.log("chaos: needs --program, what tree.c is compiled to");
  Deno.exit(2);
}
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));
console.log(`chaos: seed ${seed}`);
const tally = await runChaos({
  seed,
  trees: Number(values.trees),
  parallel: Number(values.parallel),
  only: values.only?.split(",").map(Number) ?? null,
  program: values.program,
}, (line) => console.log(line));
console.log(String(tally));
Deno.exit(tally.wrong.length === 0 ? 0 : 1);
