/**
 * A chaos run on Windows: ends the trees of a seed and adds up what is left.
 *
 * @module
 */

import { distribution } from "../../chaos/distribution.ts";
import { runAndEnd } from "../../chaos/endings.ts";
import type { Scenario } from "../../chaos/scenario.ts";
import { handleCount } from "../handle_count.ts";
import { Observer } from "./observer.ts";
import { scenario } from "./scenario.ts";

/** What to run. */
export interface ChaosOptions {
  readonly seed: number;
  readonly trees: number;
  /** Trees at the same time. */
  readonly parallel: number;
  /** These trees alone, instead of the first `trees`. */
  readonly only: readonly number[] | null;
  /** Path of the program that `tree.c` is compiled to. */
  readonly program: string;
}

/** What came of it. */
export class Tally {
  trees = 0;
  processes = 0;
  survivors = 0;
  strangers = 0;
  strangersHit = 0;
  detached = 0;
  readonly wrong: string[] = [];
  readonly endings = new Map<string, number>();
  readonly fromSpawn: number[] = [];
  readonly fromParent: number[] = [];
  handles: [number, number] = [0, 0];

  /** As it is printed. */
  toString(): string {
    const endings = [...this.endings].toSorted(([a], [b]) => a < b ? -1 : 1)
      .map(([name, count]) => `${name} ${count}`).join(", ");
    return `${this.trees} trees, ${this.processes} processes drawn
endings: ${endings}
survivors ${this.survivors}, strangers hit ${this.strangersHit} of ${this.strangers}, detached trees left alone ${this.detached}
from spawn to end, moment and grace included: ${distribution(this.fromSpawn)}
from a parent's end to that of its tree: ${distribution(this.fromParent)}
handles of the host ${this.handles[0]} -> ${this.handles[1]}
${this.wrong.length === 0 ? "all zero" : `${this.wrong.length} failures`}`;
  }
}

const HANG_MS = 120_000;
// The system needs a moment to take an ended process off its table.
const TABLE_MS = 2_000;
const PARENT_MS = 15_000;
const PARENT = import.meta.resolve("./parent.ts");

/** Runs it; `progress` is told of every failure at once. */
export async function runChaos(
  options: ChaosOptions,
  progress: (line: string) => void,
): Promise<Tally> {
  const tally = new Tally();
  const folder = await Deno.makeTempDir({ prefix: "killable-chaos-" });
  const all = options.only ?? [...Array(options.trees).keys()];
  {
    await using observer = new Observer(options.program);
    await prove(observer, options.program, folder);
    let next = 0;
    let handlesBefore: number | null = null;
    const worker = async (): Promise<void> => {
      while (next < all.length) {
        const index = all[next++]!;
        const one = scenario(options.seed, index);
        const run = new Run(one, options, folder, observer, tally);
        const wrong = await run.run();
        for (const what of wrong) {
          tally.wrong.push(what);
          progress(
            `tree ${index} (${one.ending ?? one.parentEnding}): ${what}`,
          );
        }
        // Wine and Deno open some things of their own at first.
        if (tally.trees * 10 >= all.length) handlesBefore ??= handleCount();
        if (tally.trees % 100 === 0) progress(`${tally.trees} trees`);
      }
    };
    await Promise.all(Array.from({ length: options.parallel }, worker));
    const handles = handleCount();
    tally.handles = [handlesBefore ?? handles, handles];
  }
  await removed(folder);
  return tally;
}

// An observer that sees nothing would find no survivors.
async function prove(
  observer: Observer,
  program: string,
  folder: string,
): Promise<void> {
  const name = "proof.exe";
  await Deno.copyFile(program, `${folder}\\${name}`);
  const child = new Deno.Command(`${folder}\\${name}`, {
    args: ["stranger", "0", "600000"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const seen = await observer.alive(name);
  await observer.end(name);
  const { code } = await child.status;
  if (seen[0] === child.pid && code !== 0) return;
  throw new Error(`The observer saw ${seen}, not ${child.pid}`);
}

class Run {
  readonly #one: Scenario;
  readonly #options: ChaosOptions;
  readonly #folder: string;
  readonly #observer: Observer;
  readonly #tally: Tally;
  readonly #name: string;

  constructor(
    one: Scenario,
    options: ChaosOptions,
    folder: string,
    observer: Observer,
    tally: Tally,
  ) {
    this.#one = one;
    this.#options = options;
    this.#folder = folder;
    this.#observer = observer;
    this.#tally = tally;
    this.#name = `t${one.index}.exe`;
  }

  async run(): Promise<string[]> {
    const one = this.#one;
    const tally = this.#tally;
    const wrong: string[] = [];
    const file = `${this.#folder}\\${this.#name}`;
    await Deno.copyFile(this.#options.program, file);
    const stranger = one.stranger === "none" ? null : this.#stranger();
    const before = performance.now();
    try {
      const ended = one.ending === null
        ? this.#ofParent(file, wrong)
        : this.#ofHost(file, wrong);
      await within(ended, HANG_MS);
    } catch (error) {
      wrong.push(error instanceof Error ? error.message : String(error));
    }
    if (one.ending !== null) {
      tally.fromSpawn.push(performance.now() - before);
    }
    const left = await this.#observer.end(this.#name);
    tally.survivors += left.length;
    if (left.length > 0) wrong.push(`${left.length} survivors: ${left}`);
    if (stranger !== null) {
      tally.strangers++;
      const hit = await stranger;
      if (hit !== null) {
        tally.strangersHit++;
        wrong.push(hit);
      }
    }
    await removed(file);
    tally.trees++;
    tally.processes += one.processes;
    const name = one.ending ?? `parent: ${one.parentEnding}`;
    tally.endings.set(name, (tally.endings.get(name) ?? 0) + 1);
    return wrong;
  }

  async #ofHost(file: string, wrong: string[]): Promise<void> {
    await runAndEnd(this.#one, { file, cwd: this.#folder });
    const left = await this.#observer.gone(this.#name, TABLE_MS);
    if (left.length > 0) wrong.push(`not all gone: ${left}`);
  }

  // Another program's child at the same time: nothing may happen to it.
  async #stranger(): Promise<string | null> {
    const code = this.#one.index % 90;
    const status = await new Deno.Command(this.#options.program, {
      args: ["stranger", String(code), "150"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn().status;
    return status.code === code
      ? null
      : `a stranger exited with ${status.code}, not ${code}`;
  }

  async #ofParent(file: string, wrong: string[]): Promise<void> {
    const { parentEnding, detached, delay, index, table } = this.#one;
    const { seed } = this.#options;
    const parent = new Deno.Command(Deno.execPath(), {
      // deno-fmt-ignore
      args: ["run", "--quiet", "--no-config", "--no-lock", "--no-check", "-A",
        PARENT, String(seed), String(index), file],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const outside = parentEnding === "SIGKILL from outside";
    await said(parent.stdout, outside ? "go" : "spawned");
    if (outside) {
      await new Promise((resolve) => setTimeout(resolve, delay ?? 0));
      endIfRunning(parent);
    }
    await parent.status;
    const ended = performance.now();
    if (detached) {
      // A leader that exits, or was not started yet, proves nothing.
      const stays = !/^[^:]*[lLcm]/.test(table) && !outside;
      const alive = await this.#observer.alive(this.#name);
      if (stays && alive.length === 0) wrong.push("a detached tree is gone");
      if (alive.length > 0) this.#tally.detached++;
      await this.#observer.clear(this.#name);
      return;
    }
    const left = await this.#observer.gone(this.#name, PARENT_MS);
    if (left.length > 0) wrong.push(`outlived the parent: ${left}`);
    else this.#tally.fromParent.push(performance.now() - ended);
  }
}

// A parent whose tree is over ends by itself.
function endIfRunning(parent: Deno.ChildProcess): void {
  try {
    parent.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Reads until a word has come, and goes on reading so that nothing is held up. */
async function said(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  word: string,
): Promise<void> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes(word)) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
  }
  await reader.cancel();
}

async function within(promise: Promise<void>, ms: number): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`hangs for ${ms} ms`)), ms);
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// A program can be removed when its last process has left the system's hands.
async function removed(path: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      await Deno.remove(path, { recursive: true });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
