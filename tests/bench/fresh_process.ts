/**
 * A contender that is a whole program: every run is a process of its own.
 *
 * @module
 */

import type { Runner } from "./runner.ts";

/** What a run is asked for: its time in milliseconds, or what it prints. */
export type Answer = "time" | "print";

/** Runs a program from start to end. */
export class FreshProcess implements Runner {
  readonly #argv: readonly string[];
  readonly #answer: Answer;

  /**
   * @param argv What to run.
   * @param answer What its figure is.
   */
  constructor(argv: readonly string[], answer: Answer) {
    this.#argv = argv;
    this.#answer = answer;
  }

  async run(_name: string, count: number): Promise<number[]> {
    const figures: number[] = [];
    while (figures.length < count) figures.push(await this.#once());
    return figures;
  }

  async #once(): Promise<number> {
    const [program, ...args] = this.#argv;
    const prints = this.#answer === "print";
    const began = performance.now();
    const child = new Deno.Command(program!, {
      args,
      stdin: "null",
      stdout: prints ? "piped" : "null",
      stderr: "inherit",
    }).spawn();
    const text = prints ? await new Response(child.stdout).text() : "";
    const { success } = await child.status;
    const ms = performance.now() - began;
    if (!success) throw new Error("it failed");
    return prints ? Number(text) : ms;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
