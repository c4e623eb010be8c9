/**
 * What a chaos run came to.
 *
 * @module
 */

import { distribution } from "./distribution.ts";
import type { HostReport, TreeReport } from "./host.ts";
import { type Alive, tell } from "./observer.ts";
import type { ParentReport } from "./parent_run.ts";
import { scenario, type Surroundings } from "./scenario.ts";

// Longer than a tree should need, its grace and its moment included.
const SLOW_MS = 1000;

/** Adds up; says of every failure how to see it again. */
export class Tally {
  trees = 0;
  processes = 0;
  survivors = 0;
  zombies = 0;
  strangers = 0;
  strangersHit = 0;
  spared = 0;
  unproven = 0;
  failures = 0;
  readonly #seed: number;
  readonly #surroundings: Surroundings;
  readonly #progress: (line: string) => void;
  readonly #began = performance.now();
  #ended = 0;
  readonly #endings = new Map<string, number>();
  readonly #treeMs: number[] = [];
  readonly #parentMs: number[] = [];
  readonly #hosts: HostReport[] = [];

  constructor(
    seed: number,
    surroundings: Surroundings,
    progress: (line: string) => void,
  ) {
    this.#seed = seed;
    this.#surroundings = surroundings;
    this.#progress = progress;
  }

  elapsed(): number {
    return performance.now() - this.#began;
  }

  tree(report: TreeReport): void {
    this.#count(report.index);
    this.survivors += report.survivors;
    if (report.unproven) this.unproven++;
    this.#treeMs.push(report.ms);
    this.#slow(report.ms, [report.index]);
    this.#wrong(report.wrong, [report.index]);
  }

  parent(report: ParentReport): void {
    for (const index of report.indices) this.#count(index);
    this.survivors += report.survivors;
    this.strangers += report.strangers;
    this.spared += report.spared;
    this.#parentMs.push(report.ms);
    this.#slow(report.ms, report.indices);
    this.#wrong(report.wrong, report.indices);
  }

  host(report: HostReport): void {
    this.zombies += report.zombies;
    this.strangers += report.strangers;
    this.#hosts.push(report);
    this.#wrong(report.wrong, []);
  }

  brokenHost(what: string): void {
    this.#wrong([what], []);
  }

  late(found: readonly Alive[]): void {
    this.survivors += found.length;
    this.#wrong([`found at the end: ${found.map(tell).join("; ")}`], []);
  }

  end(): void {
    this.#ended = performance.now();
  }

  #slow(ms: number, indices: readonly number[]): void {
    if (ms < SLOW_MS) return;
    this.#progress(`slow: ${ms.toFixed(0)} ms until none was left`);
    this.#progress(this.#again(indices));
  }

  #again(indices: readonly number[]): string {
    const { losing } = this.#surroundings;
    const flags = losing === "none" ? "" : ` --losing ${losing}`;
    return `  again: deno task chaos --seed ${this.#seed} --only ${indices} --repeat 20${flags}`;
  }

  #count(index: number): void {
    const one = scenario(this.#seed, index, this.#surroundings);
    const how = one.ending === "job"
      ? `job: ${one.jobEnding}`
      : one.ending ?? `parent: ${one.parentEnding}`;
    this.trees++;
    this.processes += one.processes;
    this.#endings.set(how, (this.#endings.get(how) ?? 0) + 1);
  }

  #wrong(wrong: readonly string[], indices: readonly number[]): void {
    for (const what of wrong) {
      this.failures++;
      if (/stranger|child|bystander/.test(what)) this.strangersHit++;
      this.#progress(`FAILED ${indices.map((i) => `tree ${i}`)} ${what}`);
      if (indices.length > 0) this.#progress(this.#again(indices));
    }
  }

  /** The figures. */
  toString(): string {
    const endings = [...this.#endings].sort().map(([how, n]) => `${how} ${n}`);
    const hosts = this.#hosts.map(({ descriptors, memory }) =>
      `${descriptors[0]} -> ${descriptors[1]}, memory ${memory[0]} -> ${
        memory[1]
      } MiB`
    );
    const shell = this.#surroundings.shell ? ", of shells: no C compiler" : "";
    return [
      `seed ${this.#seed}: ${this.trees} trees, ${this.processes} processes drawn${shell}, ${
        ((this.#ended - this.#began) / 1000).toFixed(1)
      } s`,
      `endings: ${endings.join(", ")}`,
      `survivors ${this.survivors}, zombies ${this.zombies}, strangers hit ${this.strangersHit} of ${this.strangers}, detached trees left alone ${this.spared}, not proved ${this.unproven}`,
      `from spawn to end, moment and grace included: ${
        distribution(this.#treeMs)
      }`,
      `from a parent's end to that of its trees: ${
        distribution(this.#parentMs)
      }`,
      `descriptors of the host ${hosts.join("; ") || "(none ran)"}`,
      this.failures === 0 ? "all zero" : `${this.failures} FAILURES`,
    ].join("\n");
  }
}
