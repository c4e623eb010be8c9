/**
 * Runs the torture suite and prints its table: shapes of trees, ended by each
 * library and tool, counted from outside.
 * `deno task torture [--endings N] [--only NAMES] [--write]`
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { ADAPTERS, SHAPES, tryOne, WAYS } from "./torture.ts";

const flags = parseArgs(Deno.args, {
  string: ["endings", "only"],
  boolean: ["write"],
});
const endings = Number(flags.endings ?? 1);
if (!Number.isInteger(endings) || endings < 1) {
  throw new RangeError("--endings takes a whole number from 1: per cell");
}
const names = flags.only?.split(",") ?? Object.keys(ADAPTERS);
const perMille = (part: number, all: number) => Math.round(part / all * 1000);

async function row(name: string, way: typeof WAYS[number]): Promise<string> {
  let left = 0;
  let strangers = 0;
  let tried = 0;
  const times: number[] = [];
  const which: string[] = [];
  for (const shape of Object.keys(SHAPES)) {
    let leaks = 0;
    for (let i = 0; i < endings; i++) {
      const outcome = await tryOne(name, shape, way);
      tried++;
      if (outcome.left > 0) leaks++;
      else times.push(outcome.ms);
      if (outcome.strangerHit) strangers++;
    }
    left += leaks;
    if (leaks > 0) which.push(shape);
  }
  times.sort((a, b) => a - b);
  const slowest = times.at(-1);
  return `| ${name} | ${tried} | ${perMille(left, tried)} | ${
    which.join(", ") || "-"
  } | ${slowest === undefined ? "-" : `${Math.round(slowest)} ms`} | ${
    perMille(strangers, tried)
  } |`;
}

const HEAD =
  `| ended by | endings | left something, per 1,000 | in these shapes | slowest that was empty | strangers hit, per 1,000 |
| --- | --- | --- | --- | --- | --- |`;
const parts: string[] = [];
for (const way of WAYS) {
  const rows: string[] = [];
  for (const name of names) {
    rows.push(await row(name, way));
    // deno-lint-ignore no-console
    console.error(rows.at(-1));
  }
  parts.push(`### ${way}\n\n${HEAD}\n${rows.join("\n")}`);
}
const table = parts.join("\n\n");
// deno-lint-ignore no-console
console.log(table);
if (flags.write) {
  const path = new URL("./README.md", import.meta.url);
  const [before = ""] = (await Deno.readTextFile(path)).split(
    "<!-- figures -->",
  );
  const host = `Deno ${Deno.version.deno} on ${Deno.build.os}`;
  const command = `deno task torture --endings ${endings} --write`;
  await Deno.writeTextFile(
    path,
    `${before}<!-- figures -->\n\nWritten by \`${command}\` with ${host}.\n\n${table}\n`,
  );
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", path.pathname],
  }).output();
}
