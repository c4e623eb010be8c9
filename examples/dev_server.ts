// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A server for a test run: started, waited for until it is ready, used, and gone
 * afterwards with everything it started, whether the tests pass or not.
 *
 *     deno run --allow-ffi --allow-run examples/dev_server.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { checkOutput, Command, NotReadyError } from "../mod.ts";

const deno = Deno.execPath();

// A server with a helper, as a bundler in watch mode is one; what it writes while
// it starts, and later for each request, is of no interest to the tests.
const SERVER = `
new Deno.Command(Deno.execPath(), {
  args: ["eval", "setInterval(() => {}, 60_000)"],
}).spawn();
console.log("compiling ...");
Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => console.log("listening on http://127.0.0.1:" + port),
}, (request) => {
  console.log(request.method, request.url);
  return new URL(request.url).pathname === "/" ? new Response("hello") : new Response(null, { status: 404 });
});`;

/** The tests: a client in a process of its own. */
async function runTests(url: string): Promise<void> {
  const client = `
    const home = await fetch("${url}");
    console.log("GET / is", home.status, await home.text());
    const missing = await fetch("${url}/missing");
    console.log("GET /missing is", missing.status, await missing.text());`;
  await checkOutput([deno, "eval", client], {
    timeout: 60_000,
    idleTimeout: 30_000,
    tee: "inherit",
  });
}

{
  await using server = new Command(deno, {
    args: ["eval", SERVER],
    stdin: "null",
    stdout: "piped",
    stderr: "stdout",
  }).spawn();

  // No sleep, no guess: this resolves when the line is there. What the server
  // writes later is read and thrown away, so that it never waits for us.
  const { groups } = await server.ready({
    line: /listening on (?<url>http:\S+)/,
    timeout: 60_000,
  });
  console.log(`ready, with ${server.descendants().length} helper`);
  await runTests(groups.url!);
  server.treeExited.then(() => console.log("server and helper gone"));
} // here they are ended

// A server that does not come up is an error at once, and says why.
{
  await using server = new Command(deno, {
    args: ["eval", `console.error("error: no such config"); Deno.exit(1)`],
    stdin: "null",
    stderr: "piped",
  }).spawn();
  try {
    await server.ready({ line: "listening", timeout: 60_000 });
  } catch (error) {
    if (!(error instanceof NotReadyError)) throw error;
    console.log(`not ready: ${error.reason} with code ${error.code}`);
    console.log(`it said: ${error.lines.join()}`);
  }
}
