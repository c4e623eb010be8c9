/**
 * The tables: one for each row as it is measured, two for the documentation.
 *
 * @module
 */

import { figure } from "./figure.ts";
import { type Verdict, verdicts, word } from "./goals.ts";
import type { Measured, Row } from "./row.ts";
import { median, ratio } from "./statistics.ts";

/** The contenders that the others are compared to. */
const BASES: readonly string[] = ["C", "kill(-pgid), wait", "Deno.Command"];

/** A row's table, for a terminal. */
export function rowTable(row: Row, measured: Measured): string {
  const { figures, notes } = measured;
  const bases = BASES.filter((base) => figures[base] !== undefined);
  const head = ["median", "min", "max", ...bases.map((base) => `x ${base}`)];
  const lines = [["", ...head]];
  for (const { label } of row.entries) {
    const own = figures[label];
    if (own !== undefined) {
      const cells = [median(own), Math.min(...own), Math.max(...own)];
      for (const base of bases) cells.push(ratio(own, figures[base]!));
      lines.push([label, ...cells.map(figure)]);
    }
  }
  const text = [`${row.title} (${row.unit})`, aligned(lines)];
  for (const { label } of row.entries) {
    if (notes[label] !== undefined) text.push(`  ${label}: ${notes[label]}`);
  }
  for (const verdict of verdicts(row, measured)) {
    text.push(`  goal ${verdict.goal}: ${outcome(verdict)}`);
  }
  return text.join("\n");
}

function outcome(verdict: Verdict): string {
  const { measured } = verdict;
  return measured === null
    ? word(verdict)
    : `${figure(measured)}, ${word(verdict)}`;
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]!.length))
  );
  return lines.map((cells) =>
    "  " +
    cells.map((cell, column) =>
      column === 0
        ? cell.padEnd(widths[0]!)
        : cell.padStart(Math.max(widths[column]!, 8))
    ).join("  ")
  ).join("\n");
}

/** A Markdown table: columns are as wide as their widest cell, as `deno fmt` wants. */
function markdown(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) =>
    Math.max(3, ...lines.map((cells) => cells[column]!.length))
  );
  const format = (cells: readonly string[]): string =>
    `| ${
      cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")
    } |`;
  const [head, ...rest] = lines;
  const rule = widths.map((width) => "-".repeat(width));
  return [head!, rule, ...rest].map(format).join("\n");
}

/** Rows with their figures. */
export type Figures = readonly (readonly [Row, Measured])[];

/** All goals, in Markdown. */
export function goalTable(rows: Figures): string {
  const lines = [["what", "goal", "measured", ""]];
  for (const [row, measured] of rows) {
    let title = row.title;
    for (const verdict of verdicts(row, measured)) {
      const value = verdict.measured;
      const shown = value === null ? "" : figure(value);
      lines.push([title, verdict.goal, shown, word(verdict)]);
      title = "";
    }
  }
  return markdown(lines);
}

/** The contenders with a column in the table of medians. */
const COLUMNS: readonly string[] = ["ours", "Deno.Command", "Node", "C"];

/** The medians of the best known contenders, in Markdown. */
export function medianTable(rows: Figures): string {
  const lines = [["what", ...COLUMNS]];
  for (const [{ title, unit }, { figures }] of rows) {
    if (figures.ours === undefined || figures["Deno.Command"] === undefined) {
      continue;
    }
    const cells = COLUMNS.map((label) => {
      const own = figures[label];
      return own === undefined ? "" : figure(median(own));
    });
    lines.push([`${title}, ${unit}`, ...cells]);
  }
  return markdown(lines);
}
