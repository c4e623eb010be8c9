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
  afterHardStop?: number;
  hardStopMs?: number;
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
  "left after stop({ grace: 0 })",
  "ms",
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
      cell(row.afterHardStop),
      cell(row.hardStopMs),
      cell(row.afterKill),
      cell(row.killMs),
    ]));
  }
  lines.push("", ...summary(rows.filter((row) => row.skipped === "")));
  return lines.join("\n");
}

function summary(rows: readonly Row[]): string[] {
  const processes = rows.reduce((sum, row) => sum + (row.processes ?? 0), 0);
  return [
    `${rows.length} programs, ${processes} processes`,
    one("stop()", rows, "afterStop", "stopMs"),
    one("stop({ grace: 0 })", rows, "afterHardStop", "hardStopMs"),
    one("SIGKILL of the parent", rows, "afterKill", "killMs"),
  ];
}

function one(
  what: string,
  rows: readonly Row[],
  left: "afterStop" | "afterHardStop" | "afterKill",
  took: "stopMs" | "hardStopMs" | "killMs",
): string {
  const none = rows.filter((row) => row[left] === 0).length;
  // A step that failed before it had a figure has failed the test.
  const ms: number[] = [];
  for (const row of rows) if (row[took] !== undefined) ms.push(row[took]);
  ms.sort((a, b) => a - b);
  const at = (part: number): string =>
    cell(ms[Math.min(Math.floor(ms.length * part), ms.length - 1)]);
  return `${what}: nothing left of ${none} of ${rows.length}; ` +
    `median ${at(0.5)} ms, 90 % ${at(0.9)} ms, longest ${at(1)} ms`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function cell(value: number | undefined): string {
  return value === undefined ? "failed" : value.toFixed(0);
}
