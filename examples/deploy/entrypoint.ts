// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * The entry point of a container: runs a command, and hands the SIGTERM that ends
 * the container on to all of its tree, with a grace that is over before the
 * runtime kills everything (docker: 10 s, Kubernetes: 30 s).
 *
 *     deno run --allow-ffi --allow-run examples/deploy/entrypoint.ts COMMAND [ARGS…]
 *
 * The exit code is the command's own. On the command line: `killable init`, see
 * README.md beside it.
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command } from "../../mod.ts";

const GRACE = 8_000;

const [program, ...args] = Deno.args;
if (program === undefined) {
  console.error("Usage: entrypoint.ts COMMAND [ARGS…]");
  Deno.exit(125);
}

// Before the start: the manager may stop the container at any moment.
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.addSignalListener(signal, () => stop.abort());
}

const child = new Command(program, {
  args,
  signal: stop.signal,
  grace: GRACE,
}).spawn();
const { code, aborted } = await child.wait();
if (aborted) console.error("stopped");
Deno.exit(code);
