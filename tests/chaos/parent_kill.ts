// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `deno run -A tests/chaos/parent_kill.ts [TIMES]`: SIGKILL of a parent, and how
 * long its tree outlives it. Needs a C compiler.
 *
 * @module
 */

import { until } from "../fixtures/deadline.ts";
import { lines } from "../real/lines.ts";
import { distribution } from "./distribution.ts";
import { alive, clean } from "./observer.ts";
import { discard, openWorkshop, programOf } from "./program.ts";
import { underReaper } from "./reaper.ts";

// A daemon, one that ignores SIGTERM, a session, a wiped environment, a group, a double fork.
const TABLE = ":f1,d2,x3,D4;i:f5;s:d6;e:;g:f7;:x8;inp:;:;ig:";
const PROCESSES = 9;
const GOAL_MS = 250;
const PARENT = import.meta.resolve("./sleeper_parent.ts");

await underReaper(import.meta.url);
const times = Number(Deno.args[0] ?? 200);
const workshop = await openWorkshop();
const took: number[] = [];
let survivors = 0;
for (let i = 0; i < times; i++) {
  const { file, mark } = programOf(workshop, `t${i}`);
  const parent = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["run", "--quiet", "--no-config", "--no-lock", "-A", PARENT, file, TABLE],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const output = lines(parent.stdout);
  await output.next();
  await until(() => alive(mark).length === PROCESSES, "the tree");
  const began = performance.now();
  parent.kill("SIGKILL");
  // No timer in between: this is a measurement.
  while (alive(mark).length > 0 && performance.now() - began < 10_000);
  took.push(performance.now() - began);
  survivors += alive(mark).length;
  clean(mark);
  discard(mark);
  await output.return();
  await parent.status;
}
await Deno.remove(workshop.dir, { recursive: true });
const within = took.filter((ms) => ms <= GOAL_MS).length;
console.log(
  `SIGKILL of the parent of ${PROCESSES} processes, ${times} times: survivors ${survivors}`,
);
console.log(`until none was left: ${distribution(took)}`);
console.log(`within ${GOAL_MS} ms: ${within} of ${times}`);
Deno.exit(survivors === 0 ? 0 : 1);
