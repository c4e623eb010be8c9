// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `deno run -A tests/chaos/between_main.ts [WAY…]`: kills a parent after each
 * native call of a spawn in turn. Needs a C compiler.
 *
 * @module
 */

import {
  type Interrupted,
  killAfter,
  WAYS,
  WAYS_OF_ROOT,
  WAYS_WITH_A_GAP,
} from "./between.ts";
import { distribution } from "./distribution.ts";
import { openWorkshop } from "./program.ts";
import { underReaper } from "./reaper.ts";

await underReaper(import.meta.url);
const workshop = await openWorkshop();
const ofRoot = Deno.uid() === 0 ? WAYS_OF_ROOT : [];
const ways = Deno.args.length > 0
  ? Deno.args
  : [...WAYS, ...ofRoot, ...WAYS_WITH_A_GAP];
const took: number[] = [];
let failures = 0;
for (const way of ways) {
  const leaving: Interrupted[] = [];
  let calls = 0;
  for (let one: Interrupted | null = null; one?.last !== true;) {
    one = await killAfter(workshop, way, ++calls);
    if (one.survivors > 0) leaving.push(one);
    else took.push(one.ms);
  }
  const left = leaving.map(({ survivors, after, call }) =>
    `${survivors} after call ${after}, ${call}`
  );
  console.log(
    `${way}: ${calls} parents killed, after each of ${
      calls - 1
    } calls and at the end: ${left.join("; ") || "nobody left"}`,
  );
  if (!WAYS_WITH_A_GAP.includes(way)) failures += leaving.length;
}
await Deno.remove(workshop.dir, { recursive: true });
console.log(`until none was left: ${distribution(took)}`);
const soon = took.filter((ms) => ms <= 1000).length;
console.log(`within a second: ${soon} of ${took.length}`);
console.log(failures === 0 ? "all zero" : `${failures} FAILURES`);
Deno.exit(failures === 0 ? 0 : 1);
