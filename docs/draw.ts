// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Draws the diagrams of the documentation: each `docs/*.txt` becomes an SVG of
 * the same name. `deno run --allow-read --allow-write docs/draw.ts`; with
 * `--check` it only says whether they are up to date. `docs/demo.txt` is the
 * output of `deno task demo`.
 *
 * A text is one of these:
 *
 * - `title` and nested `box NAME | WHAT | WHAT` lines;
 * - `title`, a `scale` of `POSITION WORDS`, and `row NAME | FROM-TO KIND WHAT`
 *   lines, with positions from 0 to 100 and the kinds of `KINDS`;
 * - the output of the demo, of which the second part is shown.
 *
 * @module
 */

import { escaped, label, svg } from "./svg.ts";

/** The names of the drawings. */
export const DRAWINGS: readonly string[] = ["containment", "demo", "stop"];

const WIDTH = 640;
const SIZE = 14;

function rectangle(
  [x, y, width, height]: readonly [number, number, number, number],
  kind: string,
): string {
  const place = `x='${x}' y='${y}' width='${width}' height='${height}' rx='4'`;
  return `<rect ${place} class='${kind}'/><rect ${place} class='edge'/>`;
}

function heading(title: string): string {
  return label(16, 30, title, "font-size='17' font-weight='600'");
}

function page(height: number, title: string, body: readonly string[]): string {
  return svg({
    width: WIDTH,
    height,
    title,
    size: SIZE,
    body: [heading(title), ...body],
  });
}

const BOX = 36;
const LINE = 19;
const GAP = 12;

/** `box` lines, each inside the one before. */
function boxes(title: string, lines: readonly string[]): string {
  const all = lines.map((line) => line.trim().slice("box ".length).split(" | "))
    .map(([name = "", ...what]) => ({ name, what }));
  const body: string[] = [];
  let y = 46;
  const heights = all.map(({ what }) => BOX + what.length * LINE);
  all.forEach(({ name, what }, depth) => {
    const x = 16 + depth * 14;
    const inner = heights.slice(depth).reduce((sum, one) => sum + one, 0);
    const height = inner + (all.length - depth - 1) * GAP;
    body.push(rectangle([x, y, WIDTH - 2 * x, height], "box"));
    body.push(label(x + 12, y + 23, name, "font-weight='600'"));
    what.forEach((line, index) => {
      body.push(label(x + 12, y + 23 + (index + 1) * LINE, line));
    });
    y += heights[depth]!;
  });
  return page(y + (all.length - 1) * GAP + 16, title, body);
}

/** What a bar of a timeline stands for, in the order of the legend. */
const KINDS: Readonly<Record<string, string>> = {
  alive: "runs",
  stopped: "is stopped",
  killed: "is killed",
  kept: "has exited",
  box: "the library",
};

const LEFT = 142;
const ROW = 40;

function at(position: number): number {
  return Math.round(LEFT + position * (WIDTH - LEFT - 16) / 100);
}

function bar(span: string, y: number): string[] {
  const [, from = "0", to = "0", kind = "", what = ""] =
    /^(\d+)-(\d+) (\w+) (.*)$/.exec(span) ?? [];
  const width = at(Number(to)) - at(Number(from)) - 2;
  return [
    rectangle([at(Number(from)) + 1, y, width, 28], kind),
    label(at(Number(from)) + 7, y + 19, what, "font-size='13'"),
  ];
}

function legend(y: number): string[] {
  return Object.entries(KINDS).flatMap(([kind, words], index) => {
    const x = 16 + index * 124;
    return [
      rectangle([x, y, 18, 14], kind),
      label(x + 25, y + 12, words, "font-size='13' class='dim'"),
    ];
  });
}

/** A `scale` line and `row` lines. */
function timeline(title: string, lines: readonly string[]): string {
  const body: string[] = [];
  const rows = lines.filter((line) => line.startsWith("row "));
  const bottom = 74 + rows.length * ROW;
  const scale = lines.find((line) => line.startsWith("scale ")) ?? "scale ";
  for (const mark of scale.slice("scale ".length).split(" | ")) {
    const [position = "0", ...words] = mark.split(" ");
    const x = at(Number(position));
    const end = Number(position) > 80 ? "text-anchor='end'" : "";
    body.push(
      `<path d='M${x} 64V${bottom}' class='rule' stroke-dasharray='3 3'/>`,
      label(x, 58, words.join(" "), `font-size='13' class='dim' ${end}`),
    );
  }
  rows.forEach((row, index) => {
    const [name = "", ...spans] = row.slice("row ".length).split(" | ");
    const y = 70 + index * ROW;
    body.push(label(16, y + 19, name));
    for (const span of spans) body.push(...bar(span, y));
  });
  body.push(...legend(bottom + 8));
  return page(bottom + 36, title, body);
}

const COLUMN = 7.25;
const SCREEN_LINE = 17;
const LETTERS = "font-family='ui-monospace, Menlo, Consolas, monospace' " +
  "font-size='12' xml:space='preserve'";

/** The lines of a terminal, as a window of it. */
function screen(text: string): string {
  const all = text.trimEnd().split("\n");
  const lines = ["$ deno task demo", "…"].concat(
    all.slice(all.findIndex((line) => line.startsWith("2. "))),
  );
  const body = lines.map((line, index) => {
    const y = 44 + index * SCREEN_LINE;
    return `<text x='14' y='${y}' fill='${screenColour(line)}' ${LETTERS}>${
      escaped(line)
    }</text>`;
  });
  const columns = Math.max(...lines.map((line) => line.length));
  const width = Math.ceil(columns * COLUMN) + 28;
  const height = 44 + lines.length * SCREEN_LINE;
  const dots = ["#ff5f57", "#febc2e", "#28c840"].map((colour, index) =>
    `<circle cx='${18 + index * 16}' cy='15' r='5' fill='${colour}'/>`
  );
  return svg({
    width,
    height,
    title: "deno task demo: Deno.Command leaves processes, this leaves none",
    size: 12,
    body: [
      `<rect width='100%' height='100%' rx='6' fill='#161b22' stroke='#3d444d'/>`,
      ...dots,
      ...body,
    ],
  });
}

function screenColour(line: string): string {
  if (/: 0 are left/.test(line)) return "#56d364";
  if (/: \d+ are left/.test(line)) return "#ff7b72";
  if (/^\$|^\d\. |^left behind/.test(line)) return "#ffffff";
  if (/^ {4}/.test(line)) return "#9198a1";
  return "#d1d7e0";
}

/**
 * Draws one diagram.
 *
 * @param text Its description.
 * @returns The SVG.
 */
export function draw(text: string): string {
  if (!text.startsWith("title ")) return screen(text);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const title = (lines.shift() ?? "").replace(/^title /, "");
  const drawing = lines[0]?.trim().startsWith("box ") ? boxes : timeline;
  return drawing(title, lines);
}

if (import.meta.main) {
  let stale = 0;
  for (const name of DRAWINGS) {
    const file = new URL(`./${name}.svg`, import.meta.url);
    const drawn = draw(
      await Deno.readTextFile(new URL(`./${name}.txt`, import.meta.url)),
    );
    if (!Deno.args.includes("--check")) await Deno.writeTextFile(file, drawn);
    else if (await Deno.readTextFile(file) !== drawn) {
      stale++;
      console.log(`docs/${name}.svg is not what docs/${name}.txt says`);
    }
  }
  Deno.exit(stale === 0 ? 0 : 1);
}
