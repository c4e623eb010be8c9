import { assertEquals, assertStringIncludes } from "@std/assert";
import { chart } from "./chart.ts";
import type { Row } from "./row.ts";

function row(name: string, ...labels: string[]): Row {
  return {
    name,
    title: `<${name}>`,
    unit: "ms",
    count: [1, 1],
    rounds: [1, 1],
    warm: [0, 0],
    entries: labels.map((label) => ({ label, contender: label })),
    goals: [],
  };
}

const SPAWN = row("spawn", "ours", "Deno.Command", "Node");

/** The bars of a chart: x, width and class. */
function bars(svg: string): [x: number, width: number, kind: string][] {
  const found = svg.matchAll(
    /<rect x='(\d+)' y='\d+' width='(\d+)' height='\d+' class='([^']+)'/g,
  );
  return [...found].map(([, x, width, kind]) => [
    Number(x),
    Number(width),
    kind!,
  ]);
}

Deno.test("chart() draws from the contender that is 1 to each other's ratio", () => {
  const figures = { "ours": [1], "Deno.Command": [2], "Node": [4] };
  const svg = chart([[SPAWN, { figures, notes: {} }]], "here");
  const [ours, node] = bars(svg);
  // Half and twice are as far from 1, to the left and to the right.
  assertEquals(ours![1], node![1]);
  assertEquals(ours![0] + ours![1], node![0]);
  assertEquals(ours![2], "ours");
  assertStringIncludes(svg, ">0.500<");
  assertStringIncludes(svg, ">2.00<");
  assertStringIncludes(svg, ">here<");
});

Deno.test("chart() draws a contender in its colour whatever its variant", () => {
  const variants = row("sync", "ours, outputSync()", "Deno.Command");
  const figures = { "ours, outputSync()": [1], "Deno.Command": [2] };
  const [ours] = bars(chart([[variants, { figures, notes: {} }]], ""));
  assertEquals(ours![2], "ours");
});

Deno.test("chart() escapes what it writes", () => {
  const figures = { "ours": [1], "Deno.Command": [2] };
  const svg = chart([[SPAWN, { figures, notes: {} }]], "a & b");
  assertStringIncludes(svg, "&lt;spawn&gt;");
  assertStringIncludes(svg, "a &amp; b");
});

Deno.test("chart() leaves out what cannot be compared", () => {
  const nothing = { "ours": [0], "Deno.Command": [0] };
  const alone = { ours: [1] };
  const svg = chart([
    [SPAWN, { figures: nothing, notes: {} }],
    [row("late", "ours"), { figures: alone, notes: {} }],
  ], "");
  assertEquals(bars(svg), []);
});

Deno.test("chart() shows what is as fast, and says what 'off' is", () => {
  const row = { ...SPAWN, entries: [{ label: "off", contender: "off" }] };
  const figures = { "off": [2], "Deno.Command": [2] };
  const svg = chart([[row, { figures, notes: {} }]], "");
  assertStringIncludes(svg, "<circle ");
  assertStringIncludes(svg, ">ours, group only, no guard<");
});
