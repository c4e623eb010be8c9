/**
 * Runs the scenarios in processes of their own: one that hangs or dies is
 * started again behind the injection that did it.
 *
 * @module
 */

import { Random } from "../../chaos/random.ts";
import { judge } from "./judge.ts";
import { ERRNO, type Errno, failuresOf, isOnce, mayLast } from "./names.ts";
import type { Outcome } from "./outcome.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Injection } from "./symbols.ts";

/** What to do. */
export interface Plan {
  /** Names of scenarios; none means all. */
  readonly only: readonly string[];
  /** Injections for each scenario at most, drawn by the seed. */
  readonly sample: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

/** What came of it. */
export interface Report {
  readonly lines: readonly string[];
  readonly findings: readonly string[];
}

// A host says something after each injection; only one that hangs does not.
const SILENCE = 30_000;
// Of a call that is made very often, as many are tried.
const MOST = 12;

const HOST = import.meta.resolve("./host.ts");

/** Lines of a host; ends when it does, or when it was silent for too long. */
async function* hostLines(args: readonly string[]): AsyncGenerator<string> {
  const host = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["run", "--quiet", "--no-config", "--no-lock", "-A", "--v8-flags=--expose-gc",
      HOST].concat(args),
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const kill = (): void => {
    try {
      host.kill("SIGKILL");
    } catch {
      // It has just ended.
    }
  };
  let timer = setTimeout(kill, SILENCE);
  let text = "";
  for await (const piece of host.stdout.pipeThrough(new TextDecoderStream())) {
    clearTimeout(timer);
    timer = setTimeout(kill, SILENCE);
    text += piece;
    const lines = text.split("\n");
    text = lines.pop() as string;
    yield* lines;
  }
  clearTimeout(timer);
  await host.status;
}

function injectionsFor(
  counts: readonly (readonly [string, number])[],
  random: Random,
  sample: number,
): Injection[] {
  const all: Injection[] = [];
  for (const [call, count] of counts) {
    for (const name of failuresOf(call)) {
      for (const nth of numbers(isOnce(call) ? 1 : count, random)) {
        all.push(one(call, nth, name, false));
      }
      if (mayLast(call, name)) all.push(one(call, 1, name, true));
    }
  }
  while (all.length > sample) all.splice(random.below(all.length), 1);
  return all;
}

function one(
  call: string,
  nth: number,
  name: Errno,
  always: boolean,
): Injection {
  return { call, nth, errno: ERRNO[name], always };
}

function numbers(count: number, random: Random): number[] {
  if (count <= MOST) return Array.from({ length: count }, (_, i) => i + 1);
  const chosen = new Set([1, 2, count]);
  while (chosen.size < MOST) chosen.add(1 + random.below(count));
  return [...chosen].sort((a, b) => a - b);
}

async function runScenario(
  name: string,
  injections: readonly Injection[],
  done: (injection: Injection, outcome: Outcome) => void,
): Promise<void> {
  let next = 0;
  while (next < injections.length) {
    const rest = injections.slice(next);
    let hung = false;
    for await (const line of hostLines([name, JSON.stringify(rest)])) {
      if (!line.startsWith("{")) continue;
      done(injections[next] as Injection, JSON.parse(line));
      next++;
      hung = line.startsWith('{"kind":"hang"');
    }
    if (hung || next >= injections.length) continue;
    done(injections[next] as Injection, {
      kind: "hang",
      result: "",
      error: "the process was silent, or ended",
      call: "",
      left: [],
      leaked: [],
    });
    next++;
  }
}

/** How an injection is told. */
export function told(name: string, one: Injection): string {
  const errno = Object.entries(ERRNO).find(([, n]) => n === one.errno)?.[0];
  const which = one.always ? "each" : `#${one.nth}`;
  return `${name}: ${one.call} ${which} ${errno}`;
}

/** Runs the plan. */
export async function inject(plan: Plan): Promise<Report> {
  const names = plan.only.length > 0 ? plan.only : Object.keys(SCENARIOS);
  const findings: string[] = [];
  const calls = new Set<string>();
  let made = 0;
  let tried = 0;
  const kinds = { fallback: 0, named: 0, reported: 0, missed: 0 };
  for (const [index, name] of names.entries()) {
    const random = new Random(plan.seed, index);
    let counts: [string, number][] = [];
    for await (const line of hostLines([name, "[]"])) {
      if (line.startsWith("{")) counts = JSON.parse(line).counts;
    }
    if (counts.length === 0) findings.push(`${name}: does not run`);
    for (const [call, count] of counts) {
      calls.add(call);
      made += count;
    }
    const injections = injectionsFor(counts, random, plan.sample);
    await runScenario(name, injections, (injection, outcome) => {
      tried++;
      const verdict = judge(injection, outcome);
      if (verdict.finding === null) kinds[verdict.kind]++;
      else findings.push(`${told(name, injection)}: ${verdict.finding}`);
      plan.progress(
        `${told(name, injection)}: ${
          verdict.finding ?? verdict.kind
        } ${outcome.error}`,
      );
    });
  }
  const lines = [
    `${names.length} scenarios, ${calls.size} different calls, ${made} calls in one run of each`,
    `${tried} injections: the run went on as usual ${kinds.fallback}, an error named the call ${kinds.named}, ` +
    `another error said what is left or lost ${kinds.reported}, the call was not made again ${kinds.missed}`,
    ...findings,
    `findings ${findings.length}`,
  ];
  return { lines, findings };
}
