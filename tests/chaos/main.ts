// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `deno task chaos [--trees N] [--seed S] [--ms BUDGET] [--parallel N] [--only I,J…
 * [--repeat K]] [--alone] [--losing one|both] [--host process1|subreaper]`: ends random trees in every way and counts what is left.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { underReaper } from "./reaper.ts";
import { type ChaosOptions, DEFAULTS, explain, runChaos } from "./chaos.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    trees: { type: "string" },
    seed: { type: "string" },
    ms: { type: "string" },
    parallel: { type: "string" },
    only: { type: "string" },
    repeat: { type: "string" },
    alone: { type: "boolean", default: false },
    losing: { type: "string", default: "none" },
    host: { type: "string", default: "plain" },
  },
});

function number(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text !== "" && value >= 0) return value;
  throw new TypeError(`Invalid number: '${text}'`);
}

function one<T extends string>(text: string, known: readonly T[]): T {
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw new TypeError(`'${text}' is none of ${known.join(", ")}`);
}

const options: ChaosOptions = {
  seed: number(values.seed, Math.floor(Math.random() * 1e6)),
  trees: number(values.trees, DEFAULTS.trees),
  budget: number(values.ms, DEFAULTS.budget),
  parallel: number(values.parallel, DEFAULTS.parallel),
  only: values.only?.split(",").map((text) => number(text, 0)) ?? null,
  repeat: number(values.repeat, DEFAULTS.repeat),
  alone: values.alone,
  losing: one(values.losing, ["none", "one", "both"]),
  place: one(values.host, ["plain", "process1", "subreaper"]),
};
if (Deno.build.os !== "linux") {
  console.log("chaos: needs Linux, whose /proc the observer reads");
  Deno.exit(0);
}
await underReaper(import.meta.url);
console.log(`chaos: seed ${options.seed}`);
if (options.only !== null) console.log(explain(options));
const tally = await runChaos(options, (line) => console.log(line));
console.log(String(tally));
Deno.exit(tally.failures === 0 ? 0 : 1);
