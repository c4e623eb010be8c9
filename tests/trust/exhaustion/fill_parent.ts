// deno-lint-ignore-file no-console -- it says when there is nothing left
/**
 * Starts a tree that takes every process its user may have, and dies when it
 * has: `fill_parent.ts MOD PROGRAM`.
 *
 * @module
 */

import type * as Library from "../../../mod.ts";

const [mod, program] = Deno.args as [string, string];
const { Command } = await import(mod) as typeof Library;

function isFull(): boolean {
  try {
    new Command("/bin/true", { stdin: "null" }).outputSync();
    return false;
  } catch {
    return true;
  }
}

// Deno's own threads are there before none can be had any more: it panics
// without them. One for signals, and one of the pool, which waits for the pipe.
await new Command("/bin/true", { stdin: "null" }).output();
await Deno.stat("/");
const child = new Command(program, {
  stdin: "null",
  stdout: "piped",
  stderr: "null",
}).spawn();
await child.stdout.getReader().read();
while (!isFull());
console.log(child.containment.endsWithParent ? "full" : "no guard");
Deno.kill(Deno.pid, "SIGKILL");
