/**
 * The tables of docs/promise.md: one for each host, written and read again.
 *
 * @module
 */

import {
  cellIsOf,
  cellText,
  type Host,
  HOSTS,
  type Outcome,
  SHAPES,
  WAYS,
} from "./cells.ts";

const PAGE = new URL("../../docs/promise.md", import.meta.url);
const BEGIN = "<!-- tables: deno task matrix -->";
const END = "<!-- end of the tables -->";

/** What stands where there is no such cell. */
const NONE = "–";

function table(host: Host, cells: ReadonlyMap<string, string>): string {
  const lines = [
    `### ${HOSTS[host]}`,
    "",
    `| shape | ${WAYS.join(" | ")} |`,
    `| --- |${" --- |".repeat(WAYS.length)}`,
  ];
  for (const shape of Object.keys(SHAPES)) {
    const row = WAYS.map((way) =>
      cellIsOf(host, way, shape)
        ? cells.get(`${host} | ${shape} | ${way}`) ?? "?"
        : NONE
    );
    if (row.some((text) => text !== NONE)) {
      lines.push(`| ${shape} | ${row.join(" | ")} |`);
    }
  }
  return lines.join("\n");
}

/**
 * Writes the tables.
 *
 * @param cells The text of each, by `host | shape | way`.
 */
export async function writePage(
  cells: ReadonlyMap<string, string>,
): Promise<void> {
  const text = await Deno.readTextFile(PAGE);
  const [before, rest] = text.split(BEGIN) as [string, string];
  const after = rest.slice(rest.indexOf(END));
  const tried = [...cells.keys()];
  const tables = (Object.keys(HOSTS) as Host[])
    .filter((host) => tried.some((name) => name.startsWith(`${host} |`)))
    .map((host) => table(host, cells));
  await Deno.writeTextFile(
    PAGE,
    `${before}${BEGIN}\n\n${tables.join("\n\n")}\n\n${after}`,
  );
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", PAGE.pathname],
  }).output();
  if (!success) throw new Error(`deno fmt failed for ${PAGE.pathname}`);
}

/**
 * Reads them.
 *
 * @returns The text of each cell, by `host | shape | way`.
 */
export async function readPage(): Promise<Map<string, string>> {
  const text = await Deno.readTextFile(PAGE);
  const tables = text.slice(text.indexOf(BEGIN), text.indexOf(END));
  const cells = new Map<string, string>();
  let host = "";
  for (const line of tables.split("\n")) {
    const title = /^### (.*)$/.exec(line)?.[1];
    if (title !== undefined) {
      host = Object.entries(HOSTS).find(([, name]) => name === title)?.[0] ??
        "";
    }
    if (!line.startsWith("|") || /^\| (shape|---)/.test(line)) continue;
    const [shape, ...row] = line.split("|").slice(1, -1).map((one) =>
      one.trim()
    );
    WAYS.forEach((way, i) => {
      if (row[i] !== NONE) {
        cells.set(`${host} | ${shape} | ${way}`, row[i] ?? "");
      }
    });
  }
  return cells;
}

/**
 * Whether an outcome is no worse than what the page says. Where nothing is proved the
 * page is a bound: a process without marks may have been seen in time.
 *
 * @param outcome What came of a cell.
 * @param text The cell of the page.
 * @returns Whether it is.
 */
export function isAsPromised(outcome: Outcome, text: string): boolean {
  if (cellText(outcome) === text) return true;
  const bound = /^(?:\*\*)?(\d+)/.exec(text)?.[1];
  return text !== "0" && bound !== undefined && outcome.left <= Number(bound);
}
