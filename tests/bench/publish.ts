// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `deno run -A tests/bench/publish.ts results.json`: makes the results of a run
 * those that the documentation shows: the file, the chart and the tables.
 *
 * @module
 */

import { PROJECT } from "../runner/project.ts";
import { run } from "../real/place.ts";
import { chart } from "./chart.ts";
import { caption, figuresOf, readResults, resultsText } from "./results.ts";
import { goalTable, medianTable } from "./table.ts";
import { withPart } from "./markdown_part.ts";

/** The documents, and the table that stands in each. */
export const DOCUMENTS = {
  "README.md": medianTable,
  "tests/bench/README.md": goalTable,
} as const;

/** Between which comments the tables stand. */
export const PART = "bench";

if (import.meta.main) {
  const [file] = Deno.args;
  if (file === undefined) {
    console.error("Which results?");
    Deno.exit(2);
  }
  const results = await readResults(file);
  const rows = figuresOf(results);
  const folder = new URL("tests/bench/", PROJECT);
  const drawing = chart(rows, caption(results));
  await Deno.writeTextFile(
    new URL("results.json", folder),
    resultsText(results),
  );
  await Deno.writeTextFile(new URL("chart.svg", folder), drawing);
  for (const [name, table] of Object.entries(DOCUMENTS)) {
    const document = new URL(name, PROJECT);
    const text = await Deno.readTextFile(document);
    const part = `${table(rows)}\n\n${caption(results)}`;
    await Deno.writeTextFile(document, withPart(text, PART, part));
    await run([Deno.execPath(), "fmt", "--quiet", document.pathname]);
  }
}
