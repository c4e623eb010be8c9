// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Makes every native call of a scenario fail in turn and judges what came of
 * it: `main.ts [--only a,b] [--sample N] [--seed S] [--verbose]`.
 *
 * @module
 */

import { inject } from "./driver.ts";

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

const seed = Number(option("seed") ?? Date.now() % 100_000);
const report = await inject({
  only: option("only")?.split(",") ?? [],
  sample: Number(option("sample") ?? Infinity),
  seed,
  progress: Deno.args.includes("--verbose") ? console.error : () => {},
});
console.log(`injection: seed ${seed}`);
for (const line of report.lines) console.log(line);
Deno.exit(report.findings.length === 0 ? 0 : 1);
