// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * `main.ts [--seed S] [--count N] [--only I]`: hostile commands.
 *
 * @module
 */

import { attack } from "./hostile.ts";

function option(name: string): number | null {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? null : Number(Deno.args[at + 1]);
}

const seed = option("seed") ?? Date.now() % 100_000;
const began = performance.now();
const report = attack({
  seed,
  count: option("count") ?? 20_000,
  budget: Infinity,
  only: option("only"),
});
const seconds = (performance.now() - began) / 1000;
console.log(
  `hostile: seed ${seed}, ${report.tried} commands in ${
    seconds.toFixed(1)
  } s: ` +
    `${report.ran} to be run as they are, ${report.refused} to be refused, ${report.findings.length} findings`,
);
for (const finding of report.findings) console.log(finding);
Deno.exit(report.findings.length === 0 ? 0 : 1);
