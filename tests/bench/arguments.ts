/**
 * Reads the benchmark's command line.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { Row } from "./row.ts";

/** What the benchmark was asked to do. */
export interface BenchArguments {
  /** The rows to measure. */
  readonly rows: readonly Row[];
  /** Rounds, in place of each row's own number. */
  readonly rounds: number | undefined;
  /** Fewer rounds, smaller counts. */
  readonly quick: boolean;
  /** Folder for results and chart; a new one by default. */
  readonly out: string | undefined;
  /** Results of an earlier run, which this one completes. */
  readonly merge: string | undefined;
}

/** For a person. */
export const USAGE = `deno task bench [OPTIONS]

  --only ROW,...  measure these rows; "tree" means all whose name begins so
  --rounds N      rounds, in place of each row's own number
  --quick         fewer rounds
  --out DIR       folder for results.json and chart.svg; a new one by default
  --merge FILE    complete the results of an earlier run
`;

/**
 * Reads arguments.
 *
 * @param argv The arguments.
 * @param all The rows that there are.
 * @throws {TypeError} for what it does not know.
 */
export function readArguments(
  argv: readonly string[],
  all: readonly Row[],
): BenchArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean" },
      out: { type: "string" },
      merge: { type: "string" },
    },
  });
  return {
    rows: values.only === undefined ? all : chosen(values.only, all),
    rounds: values.rounds === undefined ? undefined : rounds(values.rounds),
    quick: values.quick ?? false,
    out: values.out,
    merge: values.merge,
  };
}

function rounds(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new TypeError(`Cannot measure '${text}' rounds`);
}

function chosen(only: string, all: readonly Row[]): Row[] {
  const names = new Set(only.split(",").flatMap((name) => named(name, all)));
  return all.filter((row) => names.has(row.name));
}

function named(name: string, all: readonly Row[]): string[] {
  const known = all.map((row) => row.name);
  if (known.includes(name)) return [name];
  const found = known.filter((one) => name !== "" && one.startsWith(name));
  if (found.length > 0) return found;
  throw new TypeError(
    `There is no row '${name}': there are ${known.join(", ")}`,
  );
}
