/**
 * A parent that is killed between two native calls of a spawn: after each of
 * them in turn. What lives on then is looked for from outside.
 *
 * @module
 */

import { within } from "../fixtures/deadline.ts";
import { processesWith } from "../fixtures/process_table.ts";
import { alive, clean } from "./observer.ts";
import { discard, programOf, type Workshop } from "./program.ts";

/** Ways to start trees, as `between_parent.ts` knows them. */
export const WAYS: readonly string[] = [
  "first",
  "second",
  "piped",
  "suspended",
  "prepared",
  "watched",
  "umask",
  "session",
  "pty",
  "output",
  "job",
  "pipeline",
  "stop",
];

/** These need root. */
export const WAYS_OF_ROOT: readonly string[] = ["user", "cgroup"];

/** Where the guard is told of a group, there is one call in between. */
export const WAYS_WITH_A_GAP: readonly string[] = ["group"];

/** One killed parent. */
export interface Interrupted {
  readonly way: string;
  /** Its number, and its name. */
  readonly after: number;
  readonly call: string;
  /** How many there were before the parent was killed. */
  readonly made: number;
  readonly survivors: number;
  /** Milliseconds from the parent's end to that of all it had started. */
  readonly ms: number;
}

// A daemon, one that ignores signals and one with a session of its own.
const TABLE = ":d1,f2,x3;:;i:;s:";
// None of these leaves the group.
const GROUP_TABLE = ":f1,x2;i:;p:";
const PARENT = import.meta.resolve("./between_parent.ts");
const DEADLINE_MS = 10_000;

/**
 * Kills one parent.
 *
 * @param way How it starts trees.
 * @param after After how many calls.
 */
export async function killAfter(
  workshop: Workshop,
  way: string,
  after: number,
): Promise<Interrupted> {
  const { file, mark } = programOf(workshop, `b${way}${after}`);
  const parent = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["run", "--quiet", "--no-config", "--no-lock", "-A", PARENT, way, String(after),
      file, WAYS_WITH_A_GAP.includes(way) ? GROUP_TABLE : TABLE],
    stdin: "null",
  });
  const { signal, stdout, stderr } = await within(
    parent.output(),
    "the parent's end",
  );
  const began = performance.now();
  const text = new TextDecoder().decode(stdout);
  if (signal !== "SIGKILL" || text === "") {
    throw new Error(`${way}: ${new TextDecoder().decode(stderr)}`);
  }
  // A shell that has not become the program yet has it in its arguments.
  const left = () => alive(mark).length + processesWith(mark).length;
  while (left() > 0 && performance.now() - began < DEADLINE_MS);
  const ms = performance.now() - began;
  const survivors = left();
  clean(mark);
  for (const { pid } of processesWith(mark)) Deno.kill(pid, "SIGKILL");
  discard(mark);
  const { call, made } = JSON.parse(text.trim()) as {
    call: string;
    made: number;
  };
  return { way, after, call, made, survivors, ms };
}
