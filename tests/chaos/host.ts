// deno-lint-ignore-file no-console -- its parent reads what it prints
/**
 * A process that runs many trees, several at a time, and says after each what
 * was left of it. `host.ts PLAN`, a {@linkcode HostPlan} as JSON.
 *
 * @module
 */

import { Command, type StopReport } from "../../mod.ts";
import { until, within } from "../fixtures/deadline.ts";
import { runAndEnd } from "./endings.ts";
import { link } from "../real/observer.ts";
import { alive, clean, tell, zombiesOf } from "./observer.ts";
import { discard, programOf, type Workshop } from "./program.ts";
import { scenario, type Surroundings } from "./scenario.ts";
import {
  LongStrangers,
  shortStranger,
  type StrangerKind,
} from "./strangers.ts";

/** An ordinary process, process 1 of a pid namespace, or one that adopts orphans. */
export type Place = "plain" | "process1" | "subreaper";

/** What to run. */
export interface HostPlan {
  readonly seed: number;
  readonly indices: readonly number[];
  readonly workshop: Workshop;
  readonly surroundings: Surroundings;
  readonly parallel: number;
  /** What the host is to the orphans of its trees. */
  readonly place: Place;
  /** Nothing but the trees forks. */
  readonly alone: boolean;
  /** Start no further tree when this many milliseconds are over. */
  readonly budget: number;
}

/** Printed after each tree. */
export interface TreeReport {
  readonly index: number;
  readonly ms: number;
  readonly survivors: number;
  /** Whether the library said that it is not proved that none is left. */
  readonly unproven: boolean;
  /** What went wrong, in words. */
  readonly wrong: readonly string[];
}

/** Printed when all trees are done. */
export interface HostReport {
  readonly zombies: number;
  readonly strangers: number;
  readonly wrong: readonly string[];
  readonly descriptors: readonly [number, number];
  /** Resident memory in MiB: after the first tenth, and at the end. */
  readonly memory: readonly [number, number];
}

const plan: HostPlan = JSON.parse(Deno.args[0]!);
const strangerFile = `${plan.workshop.dir}/stranger`;
const LONG_LIVED = 20;
const HANG_MS = 45_000;
const began = performance.now();
let strangers = 0;

async function oneTree(index: number): Promise<void> {
  const one = scenario(plan.seed, index, plan.surroundings);
  const program = programOf(plan.workshop, `t${index}`);
  const wrong: string[] = [];
  let stranger: Promise<string> = Promise.resolve("");
  if (one.stranger !== "none" && !plan.alone) {
    strangers++;
    stranger = shortStranger(
      one.stranger as StrangerKind,
      strangerFile,
      index % 60,
    );
  }
  const start = performance.now();
  let unproven = false;
  try {
    const end = runAndEnd(one, program);
    const said = await within(end, "the end of the tree", HANG_MS);
    unproven = (said as StopReport | undefined)?.survivors === null;
  } catch (error) {
    wrong.push(String(error));
  }
  const left = alive(program.mark);
  const ms = performance.now() - start;
  if (left.length > 0 && !unproven) {
    wrong.push(`left: ${left.map(tell).join("; ")}`);
  }
  if (left.length > 0) clean(program.mark);
  const hit = await within(stranger, "a stranger's end", HANG_MS).catch(String);
  if (hit !== "") wrong.push(`stranger: ${hit}`);
  discard(program.mark);
  const survivors = unproven ? 0 : left.length;
  say({ index, ms, survivors, unproven, wrong });
}

function say(value: TreeReport | HostReport): void {
  console.log(JSON.stringify(value));
}

function descriptors(): string[] {
  const names: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    names.push(`${name} ${link(`/proc/self/fd/${name}`)}`);
  }
  return names;
}

function memory(): number {
  return Math.round(Deno.memoryUsage().rss / 2 ** 20);
}

// A tree of the library's own that lives through all of it.
function startBystander() {
  const { file, cwd, mark } = programOf(plan.workshop, "bystander");
  const child = new Command(file, {
    args: [":d1,f2;s:;i:", "0"],
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    grace: 0,
  }).spawn();
  return { child, mark };
}

// prctl(2), PR_SET_CHILD_SUBREAPER.
function adoptOrphans(): void {
  const library = Deno.dlopen("libc.so.6", {
    prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  });
  const result = library.symbols.prctl(36, 1n, 0n, 0n, 0n);
  library.close();
  if (result !== 0) throw new Error("prctl failed");
}

interface InWorker {
  readonly started: number;
  readonly wrong: readonly string[];
}

const NOBODY: InWorker = { started: 0, wrong: [] };

// Its pauses are for counting: a running one has a child and a descriptor more.
class StrangerWorker {
  readonly #worker = new Worker(import.meta.resolve("./stranger_worker.ts"), {
    type: "module",
  });
  #done: Promise<InWorker> | null = null;

  run(): void {
    this.#done = new Promise((resolve) =>
      this.#worker.onmessage = ({ data }) => resolve(data)
    );
    this.#worker.postMessage(strangerFile);
  }

  async pause(): Promise<InWorker> {
    this.#worker.postMessage(null);
    return await within(this.#done!, "the worker", HANG_MS);
  }

  terminate(): void {
    this.#worker.terminate();
  }
}

async function main(): Promise<void> {
  if (plan.place === "subreaper") adoptOrphans();
  // What is opened once is open before anything is counted.
  const worker = new StrangerWorker();
  worker.run();
  await worker.pause();
  await using warm = new Command("/bin/sleep", {
    args: ["60"],
    stdout: "piped",
  })
    .spawn();
  await warm.stop();
  await warm.stdout.cancel();
  const before = descriptors();

  if (!plan.alone) worker.run();
  const longLived = new LongStrangers(strangerFile, LONG_LIVED);
  const bystander = startBystander();
  await until(() => alive(bystander.mark).length === 3, "the bystander");

  let next = 0;
  let early = memory();
  const lane = async (): Promise<void> => {
    while (next < plan.indices.length) {
      if (performance.now() - began > plan.budget) return;
      if (next === Math.ceil(plan.indices.length / 10)) early = memory();
      await oneTree(plan.indices[next++]!);
    }
  };
  await Promise.all(Array.from({ length: plan.parallel }, lane));
  const late = memory();

  const wrong: string[] = [];
  const spared = alive(bystander.mark).length;
  if (spared !== 3) wrong.push(`bystander: ${spared} of 3 left`);
  await bystander.child.stop();
  discard(bystander.mark);
  if (alive(bystander.mark).length > 0) wrong.push("the bystander survived");
  wrong.push(...await longLived.close());
  const inWorker = plan.alone ? NOBODY : await worker.pause();
  wrong.push(...inWorker.wrong);
  strangers += inWorker.started + LONG_LIVED;
  // What Deno reaps for its own children, and its closing, takes a few turns.
  const settled = () =>
    zombiesOf(Deno.pid).length === 0 && descriptors().length <= before.length;
  await until(settled, "", 5000).catch(() => {});
  const zombies = zombiesOf(Deno.pid).length;
  const after = descriptors();
  // A child that nothing shows to be of a tree is not the library's to reap.
  const shown = plan.surroundings.losing !== "both";
  if (zombies > 0 && shown) wrong.push(`${zombies} zombies`);
  if (after.length > before.length) {
    const news = after.filter((one) => !before.includes(one));
    wrong.push(`new descriptors: ${news.join(", ")}`);
  }
  worker.terminate();
  say({
    zombies,
    strangers,
    wrong,
    descriptors: [before.length, after.length],
    memory: [early, late],
  });
}

await main();
