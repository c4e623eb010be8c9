/** The table of what was left of each program. @module */

/** One program's figures; undefined where a step failed before it had them. */
export interface Row {
  readonly name: string;
  /** Why it was not run; empty when it was. */
  readonly skipped: string;
  processes?: number;
  /** At once, and a second later. */
  leftByDeno?: string;
  afterStop?: number;
  stopMs?: number;
  report?: string;
  afterKill?: number;
  killMs?: number;
}

const HEADINGS = [
  "program",
  "processes",
  "left by Deno.Command, then 1 s later",
  "left after stop()",
  "ms",
  "how",
  "left after SIGKILL of the parent",
  "ms",
];

/** In Markdown, so that it can be kept as it is printed. */
export function table(rows: readonly Row[], user: string): string {
  const lines = [
    `\nReal programs, run as ${user}:\n`,
    line(HEADINGS),
    line(HEADINGS.map(() => "---")),
  ];
  for (const row of rows) {
    if (row.skipped !== "") {
      lines.push(line([row.name, `skipped: ${row.skipped}`]));
      continue;
    }
    lines.push(line([
      row.name,
      cell(row.processes),
      row.leftByDeno ?? "failed",
      cell(row.afterStop),
      cell(row.stopMs),
      row.report ?? "?",
      cell(row.afterKill),
      cell(row.killMs),
    ]));
  }
  return lines.join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function cell(value: number | undefined): string {
  return value === undefined ? "failed" : value.toFixed(0);
}
