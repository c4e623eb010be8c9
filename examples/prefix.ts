// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * Several builds at once, each line of their output with the name of its build in
 * front. The first one that fails ends the others.
 *
 *     deno run --allow-ffi --allow-run examples/prefix.ts
 *
 * On the command line: `killable together --names server,client …`.
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Job } from "../mod.ts";

const BUILDS: Readonly<Record<string, string>> = {
  server: "echo compiling; sleep 0.2; echo 'main.c:3: error' >&2; exit 2",
  client: "echo bundling; sleep 60 & wait; echo never",
};

await using job = new Job({ grace: 1_000, stopOn: ["SIGINT"] });
const width = Math.max(...Object.keys(BUILDS).map((name) => name.length));

async function show(name: string, script: string): Promise<void> {
  const child = job.spawn("sh", {
    args: ["-c", script],
    stdin: "null",
    stdout: "piped",
    stderr: "stdout", // in the order in which they were written
  });
  for await (const line of child.lines()) {
    console.log(`${name.padEnd(width)} | ${line}`);
  }
  const { code, killed } = await child.status;
  console.log(`${name.padEnd(width)} | ${killed ? "ended" : `code ${code}`}`);
}

await Promise.all(
  Object.entries(BUILDS).map(([name, script]) => show(name, script)),
);
const { success } = await job.exited;
console.log(success ? "all built" : "failed");
