/**
 * Draws the figures: bars on a scale of ratios, from the contender that is 1.
 *
 * @module
 */

import { label as text, svg } from "../../docs/svg.ts";
import { figure } from "./figure.ts";
import type { Figures } from "./table.ts";
import { ratio } from "./statistics.ts";

const WIDTH = 900;
const LEFT = 250;
const RIGHT = 70;
const BAR = 13;
const GAP = 12;

/** The class of a contender's bars. */
const CLASSES: Readonly<Record<string, string>> = {
  ours: "ours",
  off: "off",
  C: "c",
  Node: "node",
  execa: "execa",
  Python: "python",
};

/** What a contender is called where there is no text beside it. */
const NAMES: Readonly<Record<string, string>> = {
  off: "ours, group only, no guard",
};

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

// A bar from 1 to the value, and a dot at its end: near 1 there is no bar to see.
function drawBar({ label, value }: Bar, y: number, at: (v: number) => number) {
  const [one, end] = [at(1), at(value)];
  const [from, to] = value < 1 ? [end, one] : [one, end];
  const kind = CLASSES[label.split(",")[0]!] ?? "other";
  return [
    text(
      LEFT - 8,
      y + 10,
      NAMES[label] ?? label,
      "text-anchor='end' class='dim'",
    ),
    `<rect x='${from}' y='${y + 2}' width='${
      to - from
    }' height='7' class='${kind}'/>`,
    `<circle cx='${end}' cy='${y + 5.5}' r='4.5' class='${kind}'/>`,
    text(to + 9, y + 10, figure(value)),
  ];
}

function drawPanel(
  { title }: Panel,
  all: readonly Group[],
  top: number,
): { body: string[]; bottom: number } {
  const { ticks, at } = scaleOf(all);
  const marks: string[] = [];
  const drawn: string[] = [
    text(16, top + 16, title, "font-size='15' font-weight='600'"),
  ];
  let y = top + 46;
  for (const group of all) {
    drawn.push(text(16, y + 10, group.title, "font-weight='600'"));
    y += BAR + 4;
    for (const bar of group.bars) {
      drawn.push(...drawBar(bar, y, at));
      y += BAR;
    }
    y += GAP;
  }
  for (const tick of ticks) {
    const x = at(tick);
    const kind = tick === 1 ? "axis" : "rule";
    const name = tick < 1 ? `1/${1 / tick}` : String(tick);
    marks.push(
      `<path d='M${x} ${top + 38}V${y - GAP}' class='${kind}'/>`,
      text(x, top + 34, name, "text-anchor='middle' class='dim'"),
    );
  }
  return { body: [...marks, ...drawn], bottom: y };
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
    text(16, 46, caption, "class='dim'"),
  ];
  let bottom = 60;
  for (const panel of PANELS) {
    const all = groups(rows, panel.base);
    if (all.length === 0) continue;
    const drawn = drawPanel(panel, all, bottom);
    body.push(...drawn.body);
    bottom = drawn.bottom + 8;
  }
  return svg({
    width: WIDTH,
    height: bottom,
    title: "How fast, compared to others",
    size: 11,
    body,
  });
}
