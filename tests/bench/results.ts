/**
 * The figures of a run, as they are kept in JSON.
 *
 * @module
 */

import type { Measured } from "./row.ts";
import { ROWS } from "./rows.ts";
import type { Figures } from "./table.ts";

/** A file of results. */
export interface Results {
  /** Where and when. */
  readonly machine: Readonly<Record<string, string>>;
  /** By the names of rows. */
  readonly rows: Readonly<Record<string, Measured>>;
}

/** The rows of which there are figures, in their order. */
export function figuresOf(results: Results): Figures {
  return ROWS.flatMap((row) => {
    const measured = results.rows[row.name];
    return measured === undefined ? [] : [[row, measured] as const];
  });
}

/** Where and when in one line. */
export function caption({ machine }: Results): string {
  return Object.values(machine).join(" · ");
}

/** Reads a file of results. */
export async function readResults(file: string | URL): Promise<Results> {
  return JSON.parse(await Deno.readTextFile(file)) as Results;
}

/** Text for a file of results: a line for each contender's figures. */
export function resultsText({ machine, rows }: Results): string {
  const part = (value: Readonly<Record<string, unknown>>, indent: string) =>
    Object.entries(value).map(([key, one]) =>
      `${indent}${JSON.stringify(key)}: ${JSON.stringify(one)}`
    ).join(",\n");
  const all = Object.entries(rows).map(([name, { figures, notes }]) =>
    `    ${JSON.stringify(name)}: {\n      "figures": {\n${
      part(figures, "        ")
    }\n      },\n      "notes": ${JSON.stringify(notes)}\n    }`
  );
  return `{\n  "machine": {\n${part(machine, "    ")}\n  },\n  "rows": {\n${
    all.join(",\n")
  }\n  }\n}\n`;
}
