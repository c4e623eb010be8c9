/**
 * `deno task bench`: every contender in the same run, in turn, with medians,
 * spread, ratios and goals; all figures as JSON, and a chart.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- it prints tables

import { underReaper } from "../chaos/reaper.ts";
import { type BenchArguments, readArguments, USAGE } from "./arguments.ts";
import { chart } from "./chart.ts";
import { machine } from "./machine.ts";
import { measure } from "./measure.ts";
import type { Measured } from "./row.ts";
import { ROWS } from "./rows.ts";
import { caption, figuresOf, readResults } from "./results.ts";
import { type Results, resultsText } from "./results.ts";
import { goalTable, rowTable } from "./table.ts";
import { Tools } from "./tools.ts";

function understood(): BenchArguments {
  try {
    return readArguments(Deno.args, ROWS);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n`);
    console.error(USAGE);
    Deno.exit(2);
  }
}

async function measureAll(
  asked: BenchArguments,
  folder: string,
): Promise<Results> {
  const earlier = asked.merge === undefined
    ? undefined
    : await readResults(asked.merge);
  const rows: Record<string, Measured> = { ...earlier?.rows };
  const tools = new Tools();
  try {
    const results = { machine: await machine(tools), rows };
    for (const row of asked.rows) {
      const measured = await measure(row, asked, tools);
      rows[row.name] = measured;
      console.log(`${rowTable(row, measured)}\n`);
      // A long run that is broken off keeps its figures.
      await write(results, folder);
    }
    return results;
  } finally {
    await tools.close();
  }
}

async function write(results: Results, folder: string): Promise<void> {
  const drawing = chart(figuresOf(results), caption(results));
  await Deno.writeTextFile(`${folder}/results.json`, resultsText(results));
  await Deno.writeTextFile(`${folder}/chart.svg`, drawing);
}

/** A contender that is ours failed: what it says stands in the notes. */
function failures({ rows }: Results): string[] {
  return Object.entries(rows).flatMap(([row, { notes }]) =>
    Object.entries(notes)
      .filter(([who, why]) => /^(ours|off)/.test(who) && !/^left out/.test(why))
      .map(([who, why]) => `${row}, ${who}: ${why}`)
  );
}

if (Deno.build.os === "windows") {
  console.log("The benchmark runs on Linux and macOS");
  Deno.exit(0);
}
const asked = understood();
await underReaper(import.meta.url);
const folder = asked.out ?? await Deno.makeTempDir({ prefix: "bench-" });
await Deno.mkdir(folder, { recursive: true });
const results = await measureAll(asked, folder);
console.log(goalTable(figuresOf(results)));
console.log(`\nAll figures: ${folder}/results.json`);
console.log(`Chart: ${folder}/chart.svg`);
const failed = failures(results);
for (const line of failed) console.error(line);
Deno.exit(failed.length === 0 ? 0 : 1);
