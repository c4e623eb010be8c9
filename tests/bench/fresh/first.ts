/**
 * `first.ts spawn|exit|output|scope|timeout`: what the first of these takes in a
 * process, in milliseconds, the import not counted.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- its answer is a line on stdout
import { Command } from "../../../mod.ts";

const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
const began = performance.now();
switch (Deno.args[0]) {
  case "spawn": {
    // Its synchronous part.
    const child = new Command("/bin/true", quiet).spawn();
    console.log(performance.now() - began);
    await child.status;
    Deno.exit();
    break;
  }
  case "exit":
    await new Command("/bin/true", quiet).spawn().status;
    break;
  case "output":
    await new Command("/bin/echo", { args: ["hello"] }).output();
    break;
  case "scope": {
    await using child = new Command("/bin/true", quiet).spawn();
    await child.status;
    break;
  }
  case "timeout":
    await new Command("/bin/true", { ...quiet, timeout: 60_000 }).spawn()
      .status;
    break;
}
console.log(performance.now() - began);
