// deno-lint-ignore-file no-console -- it answers the driver by lines
/**
 * Runs one scenario in this process, again and again, with one call failing
 * each time, and tells what came of it: `host.ts SCENARIO INJECTIONS`, a JSON
 * list. Without injections it tells how often each call is made.
 *
 * @module
 */

import {
  arm,
  type Injection,
  install,
  strikes,
  takeCounts,
} from "./symbols.ts";
import type { Outcome } from "./outcome.ts";
import { SCENARIOS } from "./scenarios.ts";
import {
  clean,
  guards,
  ownState,
  type State,
  strangersLeft,
  surplus,
} from "./witness.ts";

// A stop gives up after 8 s and names what is left.
const DEADLINE = 20_000;

const [name, list, cold] = Deno.args as [string, string, string];
const injections = JSON.parse(list) as Injection[];
const scenario = SCENARIOS[name];
if (scenario === undefined) throw new Error(`There is no scenario '${name}'`);

install();
const lib = await import("../../../mod.ts");

// Zombies that an earlier failure has left count once.
const known = new Set<string>();

function newlyLeft(): string[] {
  const found = strangersLeft(marker).filter((one) => !known.has(one));
  for (const one of found) if (one.startsWith("zombie")) known.add(one);
  return found;
}

const marker = `7200.${crypto.getRandomValues(new Uint32Array(1))[0]}7`;
const unexpected: string[] = [];
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  unexpected.push(`unhandled rejection: ${tell(event.reason)}`);
});
addEventListener("error", (event) => {
  event.preventDefault();
  unexpected.push(`uncaught: ${tell(event.error)}`);
});

function tell(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`.slice(0, 300)
    : String(error);
}

async function perform(): Promise<Omit<Outcome, "left" | "leaked">> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), DEADLINE);
  });
  try {
    const result = await Promise.race([scenario!(lib, marker), late]);
    return result === "late"
      ? { kind: "hang", result: "", error: "", call: "" }
      : { kind: "done", result: JSON.stringify(result), error: "", call: "" };
  } catch (thrown) {
    // The end of the scope failed as well: of the same.
    const error = thrown instanceof SuppressedError ? thrown.error : thrown;
    const { syscall } = error as { syscall?: string };
    return {
      kind: "error",
      result: "",
      error: tell(error),
      call: syscall ?? "",
    };
  } finally {
    clearTimeout(timer);
  }
}

// Descriptors that finalizers close, and the listener, go with the next turns.
async function settled(before: State | null): Promise<string[]> {
  const collect = (globalThis as { gc?: () => void }).gc;
  for (let turn = 0;; turn++) {
    const state = ownState();
    const more = before === null
      ? []
      : surplus(state.descriptors, before.descriptors);
    if (before !== null && state.identity !== before.identity) {
      more.push(`${before.identity} became ${state.identity}`);
    }
    if (guards() > 1) more.push(`${guards()} guards`);
    if (more.length === 0 && turn > 1 || turn > 60) return more;
    if (turn > 5) collect?.();
    await new Promise((resolve) => setTimeout(resolve, turn < 5 ? 1 : 20));
  }
}

async function inject(one: Injection, before: State | null): Promise<Outcome> {
  arm(one);
  const outcome = await perform();
  const hits = strikes();
  arm(null);
  const left = newlyLeft();
  clean(marker);
  // What was ended here is no finding of the next one, as a zombie.
  for (let turn = 0; left.length > 0 && turn < 20; turn++) {
    if (newlyLeft().every((one) => one.startsWith("zombie"))) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  if (outcome.kind === "hang") return { ...outcome, left, leaked: [] };
  let leaked = await settled(before);
  if (leaked.length > 0) {
    // What was given up for good may have been opened again.
    await perform();
    leaked = await settled(before);
  }
  const said = unexpected.splice(0);
  return { ...outcome, left: [...left, ...said], leaked, hits };
}

if (cold !== "cold") {
  await perform();
  await perform();
}
arm(null);
const expected = injections.length === 0 || cold !== "cold"
  ? await perform()
  : null;
if (injections.length === 0) {
  console.log(JSON.stringify({ counts: [...takeCounts()], expected }));
  Deno.exit(0);
}
await settled(null);
const before = cold === "cold" ? null : ownState();
for (const one of injections) {
  const outcome = await inject(one, before);
  console.log(JSON.stringify({ ...outcome, expected: expected?.result }));
  // What still waits would disturb the next: the driver starts another host.
  if (outcome.kind === "hang") break;
}
Deno.exit(0);
