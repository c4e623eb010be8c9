import { assertEquals } from "@std/assert";
import { figure } from "./figure.ts";
import type { Row } from "./row.ts";
import { goalTable, medianTable, rowTable } from "./table.ts";

const ROW: Row = {
  name: "spawn",
  title: "spawn + exit",
  unit: "ms",
  count: [1, 1],
  rounds: [2, 1],
  warm: [0, 0],
  entries: ["C", "ours", "Deno.Command", "Python"].map((label) => ({
    label,
    contender: label,
  })),
  goals: [
    { kind: "ratio", of: "ours", to: "C", most: 1.1 },
    { kind: "ratio", of: "ours", to: "Python", most: 1 },
  ],
};
const MEASURED = {
  figures: { "C": [1, 2], "ours": [2, 4], "Deno.Command": [4, 8] },
  notes: { Python: "left out: there is no python3" },
};

Deno.test("figure() shows three digits", () => {
  const shown = [0.12345, 0.9949, 0.9951, 9.994, 9.996, 99.94, 99.96, 1234.5]
    .map(figure);
  // deno-fmt-ignore
  assertEquals(shown, ["0.123", "0.995", "1.00", "9.99", "10.0", "99.9", "100", "1235"]);
  assertEquals(figure(-12.345), "-12.3");
});

Deno.test("rowTable() has medians, spread, ratios, notes and goals", () => {
  assertEquals(
    rowTable(ROW, MEASURED),
    `spawn + exit (ms)
                  median       min       max       x C  x Deno.Command
  C                 1.50      1.00      2.00      1.00           0.250
  ours              3.00      2.00      4.00      2.00           0.500
  Deno.Command      6.00      4.00      8.00      4.00            1.00
  Python: left out: there is no python3
  goal ≤ 1.1 × C: 2.00, missed
  goal ≤ 1 × Python: not measured`,
  );
});

Deno.test("goalTable() is Markdown as deno fmt writes it", () => {
  assertEquals(
    goalTable([[ROW, MEASURED]]),
    `| what         | goal         | measured |              |
| ------------ | ------------ | -------- | ------------ |
| spawn + exit | ≤ 1.1 × C    | 2.00     | missed       |
|              | ≤ 1 × Python |          | not measured |`,
  );
});

Deno.test("medianTable() has a line for each row that compares with Deno", () => {
  const alone = { figures: { ours: [1] }, notes: {} };
  assertEquals(
    medianTable([[ROW, MEASURED], [ROW, alone]]),
    `| what             | ours | Deno.Command | Node | C    |
| ---------------- | ---- | ------------ | ---- | ---- |
| spawn + exit, ms | 3.00 | 6.00         |      | 1.50 |`,
  );
});
