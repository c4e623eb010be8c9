/**
 * Trees whose parent ends, seen from outside.
 *
 * @module
 */

import { until, within } from "../fixtures/deadline.ts";
import { alive, clean, tell } from "./observer.ts";
import type { ParentPlan } from "./parent.ts";
import { discard } from "./program.ts";
import { scenario } from "./scenario.ts";

/** What came of it. */
export interface ParentReport {
  readonly indices: readonly number[];
  readonly survivors: number;
  /** Milliseconds from the parent's end to the end of all its trees. */
  readonly ms: number;
  readonly strangers: number;
  /** Trees that outlive their parent as they should. */
  readonly spared: number;
  readonly wrong: readonly string[];
}

/** Only a failure takes this long. */
const DEADLINE_MS = 10_000;
const PARENT = import.meta.resolve("./parent.ts");

/** Starts a parent, lets it end, and looks for what is left of its trees. */
export async function runParent(plan: ParentPlan): Promise<ParentReport> {
  const scenarios = plan.indices.map((index) =>
    scenario(plan.seed, index, plan.surroundings)
  );
  const { parentEnding, delay } = scenarios[0]!;
  const { dir } = plan.workshop;
  const marks = scenarios.map(({ index }) => `${dir}/t${index}`);
  const strangerMark = `${dir}/s${plan.indices[0]}`;
  const parent = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["run", "--quiet", "--no-config", "--no-lock", "-A", PARENT, JSON.stringify(plan)],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const said = { text: "" };
  const reading = read(parent.stdout, said);
  const wrong: string[] = [];
  try {
    if (parentEnding === "SIGKILL from outside") {
      await until(() => said.text.includes("go"), "the parent");
      // Before, inside and after the spawns: the moment is what is being tried.
      await new Promise((resolve) => setTimeout(resolve, (delay ?? 0) / 2));
      parent.kill("SIGKILL");
    }
    await within(parent.status, "the parent's end");
    await within(reading, "the end of the parent's output");
  } catch (error) {
    wrong.push(String(error));
    kill(parent);
  }
  const began = performance.now();
  const toEnd = marks.filter((_, i) => !scenarios[i]!.detached);
  const left = () => toEnd.flatMap((mark) => alive(mark));
  const gone = () => left().length === 0;
  await until(gone, "", DEADLINE_MS).catch(() => {});
  const ms = performance.now() - began;
  const survivors = left();
  if (survivors.length > 0) {
    wrong.push(`left: ${survivors.map(tell).join("; ")}`);
  }
  const spawned = said.text.includes("spawned");
  let spared = 0;
  for (const [i, mark] of marks.entries()) {
    const one = scenarios[i]!;
    if (!one.detached || !spawned) continue;
    const [leader] = one.table.split(":");
    if (alive(mark).length > 0) spared++;
    // A process that exits by itself, or writes to a pipe that nothing reads any more.
    else if (!/[lLuw]/.test(leader!)) wrong.push(`t${one.index} was detached`);
  }
  if (plan.stranger && spawned && alive(strangerMark).length !== 1) {
    wrong.push("stranger: a child of Deno.Command was ended");
  }
  for (const mark of [...marks, strangerMark]) {
    clean(mark);
    forget(mark);
  }
  // Of a detached tree nothing else can: its parent is gone, and so is the guard.
  await until(() => removeCgroups(parent.pid), "").catch(() => {});
  return {
    indices: plan.indices,
    survivors: survivors.length,
    ms,
    strangers: plan.stranger ? 1 : 0,
    spared,
    wrong,
  };
}

async function read(
  stream: ReadableStream<Uint8Array>,
  said: { text: string },
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) said.text += decoder.decode(chunk);
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}

function removeCgroups(pid: number): boolean {
  for (const root of ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]) {
    try {
      for (const { name } of Deno.readDirSync(root)) {
        if (!name.startsWith(`killable-${pid}-`)) continue;
        Deno.removeSync(`${root}/${name}`);
      }
    } catch (error) {
      // Not mounted there; or something in it has not quite ended.
      if (!(error instanceof Deno.errors.NotFound)) return false;
    }
  }
  return true;
}

function forget(mark: string): void {
  try {
    discard(mark);
  } catch {
    // The parent ended before it had made it.
  }
}
