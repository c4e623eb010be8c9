import { assert, assertEquals } from "@std/assert";
import { CONTENDERS } from "./contenders.ts";
import { resultsText } from "./results.ts";
import { ROWS } from "./rows.ts";

Deno.test("every entry has a contender, and every goal its entries", () => {
  for (const { name, entries, goals } of ROWS) {
    const labels = new Set(entries.map(({ label }) => label));
    assertEquals(labels.size, entries.length, `labels of ${name}`);
    for (const { label, contender } of entries) {
      assert(CONTENDERS[contender] !== undefined, `${name}: ${label}`);
    }
    for (const goal of goals) {
      assert(labels.has(goal.of), `${name}: ${goal.of}`);
      if (goal.kind !== "value") assert(labels.has(goal.to), goal.to);
    }
  }
});

Deno.test("resultsText() is JSON of the same", () => {
  const results = {
    machine: { date: "2001-02-03" },
    rows: {
      spawn: { figures: { ours: [1, 2], C: [3] }, notes: { Node: '"no"' } },
      late: { figures: {}, notes: {} },
    },
  };
  assertEquals(JSON.parse(resultsText(results)), results);
});
