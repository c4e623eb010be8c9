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
// Of a way with more calls, moments at equal distances.
const MOST = 330;
const took: number[] = [];
let failures = 0;
for (const way of ways) {
  const leaving: Interrupted[] = [];
  // Behind the last call; and so it is known how many there are.
  const whole = await killAfter(workshop, way, 0);
  const parents = [whole];
  const step = Math.ceil(whole.made / MOST);
  for (let after = 1; after <= whole.made; after += step) {
    parents.push(await killAfter(workshop, way, after));
  }
  for (const one of parents) {
    if (one.survivors > 0) leaving.push(one);
    else took.push(one.ms);
  }
  const left = leaving.map(({ survivors, after, call }) =>
    `${survivors} after call ${after}, ${call}`
  );
  const often = step === 1 ? "each" : `each ${step}th`;
  console.log(
    `${way}: ${parents.length} parents killed, after ${often} of ${whole.made} calls and at the end: ${
      left.join("; ") || "nobody left"
    }`,
  );
  if (!WAYS_WITH_A_GAP.includes(way)) failures += leaving.length;
}
await Deno.remove(workshop.dir, { recursive: true });
console.log(`until none was left: ${distribution(took)}`);
const soon = took.filter((ms) => ms <= 1000).length;
console.log(`within a second: ${soon} of ${took.length}`);
console.log(failures === 0 ? "all zero" : `${failures} FAILURES`);
Deno.exit(failures === 0 ? 0 : 1);
