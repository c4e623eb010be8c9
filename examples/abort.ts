// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * The fastest of several mirrors wins. One `AbortController` ends the others,
 * each with everything it started.
 *
 *     deno run --allow-ffi --allow-run examples/abort.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command, type CommandOutput } from "../mod.ts";

const controller = new AbortController();

// A download script: it starts helpers, and waits for them.
function download(mirror: string, seconds: string): Promise<CommandOutput> {
  return new Command("sh", {
    args: ["-c", `sleep 60 & sleep ${seconds}; echo data from ${mirror}`],
    signal: controller.signal,
    grace: 1_000,
  }).output();
}

const runs = [
  download("north", "30"),
  download("south", "0.2"),
  download("west", "30"),
];
const first = await Promise.race(runs);
console.log(new TextDecoder().decode(first.stdout).trim());

controller.abort();
for (const { aborted } of await Promise.all(runs)) {
  console.log(aborted ? "aborted" : "finished");
}
