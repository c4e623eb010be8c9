/**
 * Says goals in words, and whether they are met.
 *
 * @module
 */

import { figure } from "./figure.ts";
import type { Goal, Measured, Row } from "./row.ts";
import { median, pairwise, quantile, ratio } from "./statistics.ts";

/** What came of a goal. */
export interface Verdict {
  /** The goal in words. */
  readonly goal: string;
  /** What was measured, or `null` where one of the two was not. */
  readonly measured: number | null;
  /** Whether that is as wanted. */
  readonly met: boolean;
}

/** A goal in words, for a row whose figures have this unit. */
export function inWords(goal: Goal, unit: string): string {
  const who = goal.of === "ours" ? "" : `${goal.of}: `;
  switch (goal.kind) {
    case "ratio":
      return `${who}≤ ${goal.most} × ${goal.to}`;
    case "speed":
      return `${who}≥ ${goal.least} × as fast as ${goal.to}`;
    case "difference":
      return `${who}≤ ${goal.to} + ${goal.most} ${unit}`;
    case "value": {
      const what = goal.part === undefined ? "" : `p${goal.part * 100} `;
      return `${who}${what}≤ ${goal.most} ${unit}`;
    }
  }
}

function measure(
  goal: Goal,
  a: readonly number[],
  b: readonly number[],
): number {
  switch (goal.kind) {
    case "ratio":
      return ratio(a, b);
    case "speed":
      return ratio(b, a);
    case "difference":
      return pairwise(a, b, (one, other) => one - other);
    case "value":
      return goal.part === undefined ? median(a) : quantile(a, goal.part);
  }
}

/** Compares a row's figures with its goals. */
export function verdicts(row: Row, { figures }: Measured): Verdict[] {
  return row.goals.map((goal) => {
    const a = figures[goal.of] ?? [];
    const b = goal.kind === "value" ? a : figures[goal.to] ?? [];
    const words = inWords(goal, row.unit);
    if (a.length === 0 || b.length === 0) {
      return { goal: words, measured: null, met: false };
    }
    const measured = measure(goal, a, b);
    // As shown: what reads 1.10 has not missed 1.1.
    const shown = Number(figure(measured));
    const met = goal.kind === "speed"
      ? shown >= goal.least
      : shown <= goal.most;
    return { goal: words, measured, met };
  });
}

/** A verdict in one word. */
export function word({ measured, met }: Verdict): string {
  return measured === null ? "not measured" : met ? "met" : "missed";
}
