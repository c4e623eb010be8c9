// deno-lint-ignore-file no-console -- its parent reads what it prints
/**
 * Starts one tree and waits to be killed: `sleeper_parent.ts FILE TABLE`.
 *
 * @module
 */

import { Command } from "../../mod.ts";

const [file, table] = Deno.args;
new Command(file!, {
  args: [table!, "0"],
  stdin: "null",
  stdout: "null",
  stderr: "null",
  // What is measured is how fast the hard part is.
  killOnParentExit: "now",
}).spawn();
console.log("spawned");
