import { assertEquals } from "@std/assert";
import { inWords, verdicts, word } from "./goals.ts";
import type { Goal, Row } from "./row.ts";

function row(...goals: Goal[]): Row {
  return {
    name: "spawn",
    title: "spawn",
    unit: "ms",
    count: [1, 1],
    rounds: [1, 1],
    warm: [0, 0],
    entries: [],
    goals,
  };
}

const FIGURES = { ours: [1, 2, 3], C: [1, 2, 2.7], Node: [5, 5, 5] };

/** Goals, their words, and what comes of them with these figures. */
const TABLE: readonly (readonly [Goal, string, number | null, string])[] = [
  [{ kind: "ratio", of: "ours", to: "C", most: 1 }, "≤ 1 × C", 1, "met"],
  [
    { kind: "ratio", of: "ours", to: "Node", most: 0.3 },
    "≤ 0.3 × Node",
    0.4,
    "missed",
  ],
  [
    { kind: "speed", of: "ours", to: "Node", least: 2.5 },
    "≥ 2.5 × as fast as Node",
    2.5,
    "met",
  ],
  [
    { kind: "speed", of: "C", to: "ours", least: 3 },
    "C: ≥ 3 × as fast as ours",
    1,
    "missed",
  ],
  [
    { kind: "difference", of: "Node", to: "ours", most: 2.9 },
    "Node: ≤ ours + 2.9 ms",
    3,
    "missed",
  ],
  [{ kind: "value", of: "ours", most: 2 }, "≤ 2 ms", 2, "met"],
  [
    { kind: "value", of: "ours", most: 2, part: 0.99 },
    "p99 ≤ 2 ms",
    3,
    "missed",
  ],
  [
    { kind: "ratio", of: "ours", to: "execa", most: 1 },
    "≤ 1 × execa",
    null,
    "not measured",
  ],
];

for (const [goal, words, measured, outcome] of TABLE) {
  Deno.test(`verdicts() says of '${words}': ${outcome}`, () => {
    const one = row(goal);
    const [verdict] = verdicts(one, { figures: FIGURES, notes: {} });
    assertEquals(inWords(goal, one.unit), words);
    assertEquals(verdict!.measured, measured);
    assertEquals(word(verdict!), outcome);
  });
}

Deno.test("verdicts() goes by the figure that is shown", () => {
  const goal: Goal = { kind: "ratio", of: "ours", to: "C", most: 1.1 };
  const at = (value: number) =>
    verdicts(row(goal), { figures: { ours: [value], C: [1] }, notes: {} })[0]!;
  assertEquals(at(1.1049).met, true);
  assertEquals(at(1.1051).met, false);
});
