// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Which errors of `posix/` were thrown while calls were made to fail:
 * `coverage.ts [--only a,b] [--sample N] [--seed S] [--folder F]`. Prints the
 * share of the `throw` statements that were reached, and the others. A folder is
 * kept, so that several runs add up.
 *
 * @module
 */

import { inject } from "./driver.ts";

const POSIX = new URL("../../../posix/", import.meta.url);

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

/** How often each line of each file was run, by the path of the file. */
async function linesRun(
  folder: string,
): Promise<Map<string, Map<number, number>>> {
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", "--lcov", `--include=^${POSIX.href}`, folder],
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const files = new Map<string, Map<number, number>>();
  let lines = new Map<number, number>();
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    if (line.startsWith("SF:")) files.set(line.slice(3), lines = new Map());
    const [, number, count] = /^DA:(\d+),(\d+)/.exec(line) ?? [];
    if (number !== undefined) lines.set(Number(number), Number(count));
  }
  return files;
}

/** The modules of a folder and of those in it, by their path from there. */
async function modulesBelow(root: URL, folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}${entry.name}`;
    if (!entry.isDirectory) found.push(path);
    else found.push(...await modulesBelow(root, `${path}/`));
  }
  return found;
}

async function report(folder: string): Promise<void> {
  const files = await linesRun(folder);
  let reached = 0;
  const missed: string[] = [];
  for (const name of (await modulesBelow(POSIX, "")).sort()) {
    const path = new URL(name, POSIX).pathname;
    const source = await Deno.readTextFile(path);
    source.split("\n").forEach((text, index) => {
      if (!/^\s*[^*/]*\bthrow\b/.test(text)) return;
      const count = files.get(path)?.get(index + 1) ?? 0;
      if (count > 0) reached++;
      else missed.push(`posix/${name}:${index + 1} ${text.trim()}`);
    });
  }
  const all = reached + missed.length;
  const share = Math.round(reached / all * 100);
  console.log(
    `${reached} of ${all} throws of posix/ reached, ${share} %; not:`,
  );
  for (const one of missed) console.log(one);
}

const kept = option("folder");
const folder = kept ?? await Deno.makeTempDir();
try {
  Deno.env.set("DENO_COVERAGE_DIR", folder);
  const seed = Number(option("seed") ?? Date.now() % 100_000);
  const { lines } = await inject({
    only: option("only")?.split(",") ?? [],
    sample: Number(option("sample") ?? Infinity),
    seed,
    progress: () => {},
  });
  Deno.env.delete("DENO_COVERAGE_DIR");
  console.log(`injection: seed ${seed}`);
  for (const line of lines) console.log(line);
  await report(folder);
} finally {
  if (kept === undefined) await Deno.remove(folder, { recursive: true });
}
