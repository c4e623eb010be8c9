/**
 * Draws the figures: bars on a scale of ratios, from the contender that is 1.
 *
 * @module
 */

import { figure } from "./figure.ts";
import type { Figures } from "./table.ts";
import { ratio } from "./statistics.ts";

const WIDTH = 900;
const LEFT = 250;
const RIGHT = 70;
const BAR = 13;
const GAP = 12;

const COLOURS: Readonly<Record<string, string>> = {
  ours: "#1a73e8",
  off: "#8ab4f8",
  C: "#188038",
  Node: "#e37400",
  execa: "#c5221f",
  Python: "#9334e6",
};
const OTHER = "#80868b";

/** What is compared to what. */
interface Panel {
  readonly title: string;
  readonly base: string;
}

const PANELS: readonly Panel[] = [
  { title: "Time or memory, Deno.Command = 1", base: "Deno.Command" },
  {
    title: "Ending a tree, kill(-pgid) and wait on a plain group = 1",
    base: "kill(-pgid), wait",
  },
];

interface Bar {
  readonly label: string;
  readonly value: number;
}

interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

function groups(rows: Figures, base: string): Group[] {
  const found: Group[] = [];
  for (const [row, { figures }] of rows) {
    const one = figures[base];
    if (one === undefined) continue;
    const bars: Bar[] = [];
    for (const { label } of row.entries) {
      const own = figures[label];
      if (own === undefined || label === base) continue;
      const value = ratio(own, one);
      // Nothing compared to nothing, or less than nothing.
      if (Number.isFinite(value) && value > 0) bars.push({ label, value });
    }
    if (bars.length > 0) found.push({ title: row.title, bars });
  }
  return found;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function text(x: number, y: number, words: string, style = ""): string {
  return `<text x='${x}' y='${y}'${style && ` ${style}`}>${
    escaped(words)
  }</text>`;
}

/** Powers of two around all values, and where a value stands between them. */
function scaleOf(all: readonly Group[]): {
  readonly ticks: number[];
  readonly at: (value: number) => number;
} {
  const logs = all.flatMap(({ bars }) =>
    bars.map(({ value }) => Math.log2(value))
  );
  const low = Math.min(-1, Math.floor(Math.min(...logs)));
  const high = Math.max(1, Math.ceil(Math.max(...logs)));
  const step = Math.ceil((high - low) / 8);
  const ticks: number[] = [];
  for (let log = low; log <= high; log++) {
    if (log % step === 0) ticks.push(2 ** log);
  }
  const width = WIDTH - LEFT - RIGHT;
  return {
    ticks,
    at: (value) =>
      Math.round(LEFT + (Math.log2(value) - low) / (high - low) * width),
  };
}

function drawBar({ label, value }: Bar, y: number, at: (v: number) => number) {
  const [one, end] = [at(1), at(value)];
  const [from, to] = value < 1 ? [end, one] : [one, end];
  const colour = COLOURS[label.split(",")[0]!] ?? OTHER;
  const width = Math.max(to - from, 1);
  return [
    text(LEFT - 8, y + 10, label, "text-anchor='end' fill='#5f6368'"),
    `<rect x='${from}' y='${y}' width='${width}' height='${
      BAR - 2
    }' fill='${colour}'/>`,
    text(to + 5, y + 10, figure(value)),
  ];
}

function drawPanel(
  { title }: Panel,
  all: readonly Group[],
  top: number,
): { svg: string[]; bottom: number } {
  const { ticks, at } = scaleOf(all);
  const marks: string[] = [];
  const svg: string[] = [
    text(16, top + 16, title, "font-size='15' font-weight='600'"),
  ];
  let y = top + 46;
  for (const group of all) {
    svg.push(text(16, y + 10, group.title, "font-weight='600'"));
    y += BAR + 4;
    for (const bar of group.bars) {
      svg.push(...drawBar(bar, y, at));
      y += BAR;
    }
    y += GAP;
  }
  for (const tick of ticks) {
    const x = at(tick);
    const colour = tick === 1 ? "#202124" : "#dadce0";
    const name = tick < 1 ? `1/${1 / tick}` : String(tick);
    marks.push(
      `<path d='M${x} ${top + 38}V${y - GAP}' stroke='${colour}'/>`,
      text(x, top + 34, name, "text-anchor='middle' fill='#5f6368'"),
    );
  }
  return { svg: [...marks, ...svg], bottom: y };
}

/**
 * Draws the chart.
 *
 * @param rows The rows and their figures.
 * @param caption Where and when they were measured.
 * @returns The SVG.
 */
export function chart(rows: Figures, caption: string): string {
  const body = [
    text(
      16,
      28,
      "@killable/process: less is better",
      "font-size='18' font-weight='600'",
    ),
    text(16, 46, caption, "fill='#5f6368'"),
  ];
  let bottom = 60;
  for (const panel of PANELS) {
    const all = groups(rows, panel.base);
    if (all.length === 0) continue;
    const drawn = drawPanel(panel, all, bottom);
    body.push(...drawn.svg);
    bottom = drawn.bottom + 8;
  }
  return [
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${WIDTH} ${bottom}' width='${WIDTH}' height='${bottom}' font-family='system-ui, sans-serif' font-size='11' fill='#202124' role='img' aria-label='How fast, compared to others'>`,
    `<rect width='100%' height='100%' fill='white'/>`,
    ...body,
    "</svg>\n",
  ].join("\n");
}
