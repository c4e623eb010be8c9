// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Draws the diagrams of the documentation: each `docs/*.txt` becomes an SVG of
 * the same name. `deno run --allow-read --allow-write docs/draw.ts`; with
 * `--check` it only says whether they are up to date.
 *
 * A text has a `title`, and either nested `box NAME | WHAT` lines or a `scale`
 * and `row NAME | FROM-TO WHAT | …` lines with positions from 0 to 100.
 *
 * @module
 */

const FONT = "font-family='system-ui, sans-serif'";
const COLOURS = ["#e7f0ff", "#cfe2ff", "#aecbfa", "#8ab4f8"];
const WIDTH = 860;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function label(x: number, y: number, text: string, style = ""): string {
  return `<text x='${x}' y='${y}' ${style}>${escaped(text)}</text>`;
}

function rectangle(
  x: number,
  y: number,
  width: number,
  height: number,
  colour: string,
): string {
  return `<rect x='${x}' y='${y}' width='${width}' height='${height}' rx='4' fill='${colour}' stroke='#1a73e8'/>`;
}

function page(height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${WIDTH} ${height}' width='${WIDTH}' height='${height}' ${FONT} font-size='13' fill='#202124' role='img' aria-label='${
      escaped(title)
    }'>`,
    `<rect width='100%' height='100%' fill='white'/>`,
    label(20, 30, title, "font-size='17' font-weight='600'"),
    ...body,
    "</svg>\n",
  ].join("\n");
}

const BOX = 62;
const GAP = 14;

/** `box` lines, each inside the one before. */
function boxes(title: string, lines: readonly string[]): string {
  const body: string[] = [];
  const depths = lines.length;
  lines.forEach((line, depth) => {
    const [name = "", what = ""] = line.trim().slice("box ".length).split(
      " | ",
    );
    const x = 20 + depth * 18;
    const y = 50 + depth * BOX;
    const height = (depths - depth) * BOX + (depths - depth - 1) * GAP;
    const colour = COLOURS[depth % COLOURS.length] as string;
    body.push(rectangle(x, y, WIDTH - 2 * x, height, colour));
    body.push(label(x + 12, y + 23, name, "font-weight='600'"));
    body.push(label(x + 12, y + 43, what));
  });
  return page(50 + depths * BOX + depths * GAP + 8, title, body);
}

const LEFT = 200;

function at(position: number): number {
  return Math.round(LEFT + position * (WIDTH - LEFT - 20) / 100);
}

/** A `scale` line and `row` lines. */
function timeline(title: string, lines: readonly string[]): string {
  const body: string[] = [];
  const rows = lines.filter((line) => line.startsWith("row "));
  const bottom = 72 + rows.length * 44;
  const scale = lines.find((line) => line.startsWith("scale ")) ?? "scale ";
  for (const mark of scale.slice("scale ".length).split(" | ")) {
    const [position = "0", ...words] = mark.split(" ");
    const x = at(Number(position));
    body.push(
      `<path d='M${x} 64V${bottom}' stroke='#9aa0a6' stroke-dasharray='3 3'/>`,
      label(x, 58, words.join(" "), "fill='#5f6368'"),
    );
  }
  rows.forEach((row, index) => {
    const [name = "", ...spans] = row.slice("row ".length).split(" | ");
    const y = 72 + index * 44;
    body.push(label(20, y + 21, name, "font-weight='600'"));
    spans.forEach((span, number) => body.push(...bar(span, number, y)));
  });
  return page(bottom + 16, title, body);
}

function bar(span: string, number: number, y: number): string[] {
  const [, from = "0", to = "0", what = ""] = /^(\d+)-(\d+) (.*)$/.exec(span) ??
    [];
  const width = at(Number(to)) - at(Number(from)) - 2;
  const colour = COLOURS[number % COLOURS.length] as string;
  return [
    rectangle(at(Number(from)), y, width, 32, colour),
    label(at(Number(from)) + 4, y + 21, what, "font-size='12'"),
  ];
}

/**
 * Draws one diagram.
 *
 * @param text Its description.
 * @returns The SVG.
 */
export function draw(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const title = (lines.shift() ?? "").replace(/^title /, "");
  const drawing = lines[0]?.trim().startsWith("box ") ? boxes : timeline;
  return drawing(title, lines);
}

if (import.meta.main) {
  let stale = 0;
  for (const name of ["containment", "stop"]) {
    const file = new URL(`./${name}.svg`, import.meta.url);
    const svg = draw(
      await Deno.readTextFile(new URL(`./${name}.txt`, import.meta.url)),
    );
    if (!Deno.args.includes("--check")) await Deno.writeTextFile(file, svg);
    else if (await Deno.readTextFile(file) !== svg) {
      stale++;
      console.log(`docs/${name}.svg is not what docs/${name}.txt says`);
    }
  }
  Deno.exit(stale === 0 ? 0 : 1);
}
