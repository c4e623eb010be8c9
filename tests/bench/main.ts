/**
 * `deno task bench`: every contender in the same run, alternating, with medians,
 * spread and ratios. Options: `--rounds N`, `--only CASE`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- it prints a table

import { Contender } from "./process.ts";
import { floorProgram } from "./floor.ts";

interface Plan {
  readonly title: string;
  readonly count: number;
  readonly rounds: number;
  readonly contenders: readonly string[];
}

const ALL = ["C", "ours", "off", "deno", "node"];
const PLANS: Readonly<Record<string, Plan>> = {
  spawn: {
    title: "spawn + exit of /bin/true, stdio null (ms each)",
    count: 50,
    rounds: 15,
    contenders: ALL,
  },
  output: {
    title: "output() of echo (ms each)",
    count: 50,
    rounds: 15,
    contenders: ALL,
  },
  sync: {
    title: "outputSync() of echo (ms each)",
    count: 50,
    rounds: 9,
    contenders: ["ours", "off", "deno"],
  },
  parallel: {
    title: "200 x output(), 16 at a time (ms each)",
    count: 200,
    rounds: 5,
    contenders: ["ours", "off", "deno"],
  },
  stream: {
    title: "stream 1 GiB from a child (ms)",
    count: 1,
    rounds: 5,
    contenders: ALL,
  },
  capture: {
    title: "output() of 1 GiB (ms)",
    count: 1,
    rounds: 3,
    contenders: ["C", "ours", "deno"],
  },
  feed: {
    title: "write 1 GiB to a child (ms)",
    count: 1,
    rounds: 3,
    contenders: ["ours", "deno"],
  },
  many: {
    title: "1,000 children alive: spawn, kill, reap all (ms each)",
    count: 1000,
    rounds: 3,
    contenders: ALL,
  },
};

function flag(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

async function contenders(): Promise<Map<string, Contender>> {
  const script = new URL("./contender.ts", import.meta.url).href;
  const deno = ["run", "-A", "--no-lock", "--no-config", script];
  const all = new Map<string, Contender>();
  const floor = await floorProgram();
  if (floor !== null) all.set("C", new Contender(floor, []));
  for (const name of ["ours", "off", "deno"]) {
    all.set(name, new Contender(Deno.execPath(), [...deno, name]));
  }
  const node = new URL("./contender.mjs", import.meta.url).pathname;
  try {
    all.set("node", new Contender("node", [node]));
  } catch (error) {
    console.log(`No node here: ${error}`);
  }
  return all;
}

async function measure(
  name: string,
  plan: Plan,
  all: ReadonlyMap<string, Contender>,
): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  const rounds = Number(flag("rounds") ?? plan.rounds);
  for (let round = -3; round < rounds; round++) {
    for (const who of plan.contenders) {
      const contender = all.get(who);
      if (contender === undefined) continue;
      const ms = await contender.run(name, plan.count);
      // The first rounds warm caches and compilers.
      if (round >= 0) (times[who] ??= []).push(ms / plan.count);
    }
  }
  return times;
}

function report(plan: Plan, times: Record<string, number[]>): void {
  console.log(`\n${plan.title}`);
  console.log("          median      min      max     x C  x Deno.Command");
  const base = times.C ? median(times.C) : NaN;
  const deno = times.deno ? median(times.deno) : NaN;
  for (const [who, values] of Object.entries(times)) {
    const middle = median(values);
    const cells = [middle, Math.min(...values), Math.max(...values)]
      .map((value) => value.toFixed(3).padStart(9));
    const ratios = [middle / base, middle / deno].map((ratio) =>
      (Number.isNaN(ratio) ? "-" : ratio.toFixed(2)).padStart(8)
    );
    console.log(who.padEnd(7) + cells.join("") + ratios.join("  "));
  }
}

if (Deno.build.os === "windows") {
  console.log("The benchmark runs on Linux and macOS");
  Deno.exit(0);
}
const all = await contenders();
const results: Record<string, Record<string, number[]>> = {};
for (const [name, plan] of Object.entries(PLANS)) {
  const only = flag("only");
  if (only !== undefined && !only.split(",").includes(name)) continue;
  const times = await measure(name, plan, all);
  results[name] = times;
  report(plan, times);
}
for (const contender of all.values()) await contender.close();
const file = Deno.makeTempFileSync({ prefix: "bench-", suffix: ".json" });
Deno.writeTextFileSync(file, JSON.stringify(results, null, 1));
console.log(`\nAll figures: ${file}`);
