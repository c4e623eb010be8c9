/**
 * A contender in a process of its own: one line `CASE COUNT` on standard input
 * runs a case that often, and is answered with one line of figures, or with `!`
 * and why there are none. CASE is a name and details, joined by ':'.
 *
 * `deno run -A contender.ts ours|off|deno`: this library as it comes, this
 * library without containment and guard, `Deno.Command`.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- its answers are lines on stdout

import { type Case, cases, type CommandClass } from "./cases.ts";
import { denoCases } from "./deno_cases.ts";
import { memoryCases } from "./memory_cases.ts";

const OFF = { containment: "process-group", killOnParentExit: false };

async function known(name: string | undefined): Promise<Record<string, Case>> {
  if (name === "deno") {
    const Command = Deno.Command as unknown as CommandClass;
    return { ...cases(Command), ...memoryCases(Command, {}), ...denoCases };
  }
  // Not loaded where it is not measured.
  const { Command } = await import("../../mod.ts");
  const { ourCases } = await import("./our_cases.ts");
  const extra = name === "off" ? OFF : {};
  const ours = Command as unknown as CommandClass;
  return {
    ...cases(ours, extra),
    ...memoryCases(ours, extra),
    ...ourCases(extra),
  };
}

const all = await known(Deno.args[0]);
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const line of lines) {
  const [what = "", count] = line.trim().split(" ");
  const [name = "", ...details] = what.split(":");
  try {
    const figures = await all[name]!(Number(count), ...details);
    console.log(figures.map((figure) => figure.toFixed(4)).join(" "));
  } catch (error) {
    console.log(`! ${error instanceof Error ? error.message : error}`);
  }
}
