// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A server, a watcher and the tests, run together: when the tests end, all end,
 * each with what it has started. So they do on Ctrl-C, a second one at once.
 *
 *     deno run --allow-ffi --allow-run examples/together.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { type ChildProcess, Job } from "../mod.ts";

// Behind a wrapper script, as `npm run dev` is.
const SERVER = `Deno.serve(
  { port: 0, onListen: ({ port }) => console.log(port) },
  () => new Response("hello"),
)`;
// It rebuilds when something changes, and keeps a daemon for that.
const WATCHER = "(sleep 60 &); while true; do sleep 1; done";
const TESTS = `const response = await fetch(Deno.args[0]);
console.log("tests: the server says " + await response.text());`;

/** The first line that the server prints: it is ready, and this is its port. */
async function firstLine(child: ChildProcess): Promise<string> {
  let text = "";
  for await (
    const chunk of child.stdout.pipeThrough(new TextDecoderStream())
  ) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text.slice(0, text.indexOf("\n"));
}

await using job = new Job({
  policy: "first-exit",
  stopOn: ["SIGINT", "SIGTERM"],
  timeout: 60_000,
  grace: 2_000,
});
const server = job.spawn("sh", [
  "-c",
  `"$0" eval "$1" & wait`,
  Deno.execPath(),
  SERVER,
], { stdin: "null", stdout: "piped" });
const watcher = job.spawn("sh", ["-c", WATCHER], { stdin: "null" });
const url = `http://127.0.0.1:${await firstLine(server)}`;
const tests = job.spawn(Deno.execPath(), ["eval", TESTS, url]);

const names = new Map([[server, "server"], [watcher, "watcher"], [
  tests,
  "tests",
]]);
const { success, first, statuses } = await job.exited;
console.log(`ended by the ${names.get(first!)}, success ${success}`);
job.children.forEach((child, i) => {
  const { code, signal } = statuses[i]!.status;
  console.log(`${names.get(child)}: code ${code}, signal ${signal}`);
});
console.log(`left: ${job.processes().length}`);
