// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A dev server for the length of a test: `await using` ends it with everything it
 * started, whether the test passes or throws.
 *
 *     deno run --allow-ffi --allow-run examples/scope.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { checkOutput, type ChildProcess, Command } from "../mod.ts";

// A server behind a wrapper script, as `npm run dev` is one: killing the wrapper
// alone would leave the server.
const SERVER = `Deno.serve(
  { port: 0, onListen: ({ port }) => console.log(port) },
  () => new Response("hello"),
)`;
const server = new Command("sh", {
  args: ["-c", `"$0" eval "$1" & wait`, Deno.execPath(), SERVER],
  stdin: "null",
  stdout: "piped",
});

/** The first line that the server prints: it is ready, and this is its port. */
async function firstLine(child: ChildProcess): Promise<string> {
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const chunk of lines) {
    text += chunk;
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  throw new Error("The server ended before it was ready");
}

async function testGreeting(): Promise<void> {
  await using child = server.spawn();
  const url = `http://127.0.0.1:${await firstLine(child)}`;

  // The test itself: a client in a process of its own.
  const client = `console.log(await (await fetch("${url}")).text())`;
  const answer = await checkOutput([Deno.execPath(), "eval", client], {
    timeout: 20_000,
  });
  console.log(`answer: ${new TextDecoder().decode(answer).trim()}`);
  console.log(`server processes: ${child.descendants().length + 1}`);

  // However this scope is left, the server is gone before the next line runs.
  child.treeExited.then(() => console.log("server gone"));
}

await testGreeting();
console.log("test done");
