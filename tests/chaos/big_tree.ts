// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `deno run -A tests/chaos/big_tree.ts [ROUNDS]`: how long the end of a tree of
 * 10, 100 and 1,000 processes takes, next to kill(-pgid, SIGKILL) and wait on the
 * same tree. Needs a C compiler.
 *
 * @module
 */

import { Command } from "../../mod.ts";
import { killpg } from "../../posix/mod.ts";
import { until } from "../fixtures/deadline.ts";
import { alive } from "./observer.ts";
import { discard, openWorkshop, programOf, type Workshop } from "./program.ts";
import { underReaper } from "./reaper.ts";

const SIZES = [10, 100, 1000];

/** A leader, its children and theirs, all in one group; they hold the leader's pipe. */
function table(size: number): string {
  const nodes: string[] = [];
  const width = Math.ceil(Math.sqrt(size));
  let next = 1;
  for (let i = 0; i < size; i++) {
    const children: string[] = [];
    for (let c = 0; c < width && next < size; c++) children.push(`f${next++}`);
    nodes.push(`p:${children}`);
  }
  return nodes.join(";");
}

interface Tree {
  readonly file: string;
  readonly mark: string;
  readonly args: string[];
  readonly size: number;
}

function tree(workshop: Workshop, size: number, name: string): Tree {
  const { file, mark } = programOf(workshop, name);
  return { file, mark, args: [table(size), "0"], size };
}

function complete({ mark, size }: Tree): Promise<void> {
  return until(() => alive(mark).length === size, `${size} processes`);
}

/** Until the leader is reaped, and until the last member has let go of the pipe. */
async function plain(one: Tree): Promise<{ leader: number; all: number }> {
  const child = new Deno.Command(one.file, {
    args: one.args,
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await complete(one);
  const began = performance.now();
  killpg(child.pid, "SIGKILL");
  const reading = child.stdout.pipeTo(new WritableStream());
  await child.status;
  const leader = performance.now() - began;
  await reading;
  return { leader, all: performance.now() - began };
}

async function ours(one: Tree): Promise<number> {
  const child = new Command(one.file, {
    args: one.args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await complete(one);
  const began = performance.now();
  await child.stop({ grace: 0 });
  const ms = performance.now() - began;
  if (alive(one.mark).length > 0) throw new Error("Survivors");
  return ms;
}

function median(ms: number[]): number {
  return ms.toSorted((a, b) => a - b)[Math.floor(ms.length / 2)]!;
}

await underReaper(import.meta.url);
const rounds = Number(Deno.args[0] ?? 7);
const workshop = await openWorkshop();
console.log(
  "processes | stop() | kill(-pgid), leader reaped | all gone | ratio to that",
);
for (const size of SIZES) {
  const stops: number[] = [];
  const leaders: number[] = [];
  const alls: number[] = [];
  // In turn, so that both meet the same load; the first round only warms up.
  for (let i = 0; i <= rounds; i++) {
    const a = tree(workshop, size, `a${size}-${i}`);
    const stop = await ours(a);
    const b = tree(workshop, size, `b${size}-${i}`);
    const { leader, all } = await plain(b);
    discard(a.mark);
    discard(b.mark);
    if (i === 0) continue;
    stops.push(stop);
    leaders.push(leader);
    alls.push(all);
  }
  const [stop, leader, all] = [median(stops), median(leaders), median(alls)];
  console.log(
    `${size} | ${stop.toFixed(1)} ms | ${leader.toFixed(1)} ms | ${
      all.toFixed(1)
    } ms | ${(stop / all).toFixed(2)}`,
  );
}
await Deno.remove(workshop.dir, { recursive: true });
Deno.exit(0);
