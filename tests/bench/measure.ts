/**
 * Measures a row: all its contenders in turn, round by round.
 *
 * @module
 */

import { CONTENDERS } from "./contenders.ts";
import { measureIdle } from "./idle.ts";
import type { Amount, Entry, Measured, Row } from "./row.ts";
import type { Runner } from "./runner.ts";
import type { Tools } from "./tools.ts";

/** How much is measured. */
export interface Effort {
  /** Fewer rounds, smaller counts. */
  readonly quick: boolean;
  /** Rounds, in place of each row's own number. */
  readonly rounds: number | undefined;
}

const IDLE_MS: Amount = [10_000, 3000];

/** Measures a row. */
export async function measure(
  row: Row,
  effort: Effort,
  tools: Tools,
): Promise<Measured> {
  const notes: Record<string, string> = {};
  if (row.linux && Deno.build.os !== "linux") {
    for (const { label } of row.entries) notes[label] = "left out: no /proc";
    return { figures: {}, notes };
  }
  const table = new Table(row, effort, tools, notes);
  await table.start();
  try {
    if (row.idle) {
      const ms = pick(IDLE_MS, effort);
      const { figures } = await measureIdle(table.runners, table.count, ms);
      return { figures, notes };
    }
    return { figures: await table.play(), notes };
  } finally {
    await table.close();
  }
}

function pick(amount: Amount, { quick }: Effort): number {
  return amount[quick ? 1 : 0];
}

/** The contenders of a row. One that fails is out, and the reason is noted. */
class Table {
  readonly runners: Map<string, Runner> = new Map();
  readonly count: number;
  readonly #row: Row;
  readonly #effort: Effort;
  readonly #tools: Tools;
  readonly #notes: Record<string, string>;
  readonly #entries: readonly Entry[];

  constructor(
    row: Row,
    effort: Effort,
    tools: Tools,
    notes: Record<string, string>,
  ) {
    this.count = pick(row.count, effort);
    this.#row = row;
    this.#effort = effort;
    this.#tools = tools;
    this.#notes = notes;
    this.#entries = row.entries.filter(({ slow }) => !(slow && effort.quick));
  }

  async start(): Promise<void> {
    for (const entry of this.#entries) {
      if (this.#notes[entry.label] === undefined) await this.#start(entry);
    }
  }

  async play(): Promise<Record<string, number[]>> {
    const warm = pick(this.#row.warm, this.#effort);
    const rounds = this.#effort.rounds ?? pick(this.#row.rounds, this.#effort);
    const figures: Record<string, number[]> = {};
    for (let round = -warm; round < rounds; round++) {
      // There and back: the order is no advantage.
      const turn = round % 2 === 0 ? this.#entries : this.#entries.toReversed();
      for (const entry of turn) {
        if (round >= (entry.most ?? Infinity)) continue;
        if (round < 0 && entry.most !== undefined) continue;
        const found = await this.#ask(entry);
        if (round >= 0 && found !== null) {
          (figures[entry.label] ??= []).push(...found);
        }
      }
      if (this.#row.fresh && round + 1 < rounds) {
        await this.close();
        await this.start();
      }
    }
    return figures;
  }

  async close(): Promise<void> {
    for (const runner of this.runners.values()) await runner.close();
    this.runners.clear();
  }

  async #start({ label, contender }: Entry): Promise<void> {
    try {
      const runner = await CONTENDERS[contender]!(this.#tools);
      this.runners.set(label, runner);
    } catch (error) {
      this.#notes[label] = reason(error);
    }
  }

  async #ask({ label, case: name }: Entry): Promise<number[] | null> {
    const runner = this.runners.get(label);
    if (runner === undefined) return null;
    try {
      return await runner.run(name ?? this.#row.name, this.count);
    } catch (error) {
      this.#notes[label] = reason(error);
      this.runners.delete(label);
      await runner.close();
      return null;
    }
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
