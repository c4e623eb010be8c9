/**
 * A program that uses this library, and starts another that does. Each has a tree
 * that is to end with it, and one that is to live on: the tree that they are in
 * holds them all.
 *
 * @module
 */

import { Command } from "../../mod.ts";

for (const detached of [false, true]) {
  new Command("/bin/sh", {
    args: ["-c", "setsid sleep 600 & exec sleep 600"],
    detached,
  }).spawn();
}
if (Deno.args[0] !== "inner") {
  new Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: ["run", "--quiet", "-A", "--no-lock", "--no-config", import.meta.url, "inner"],
  }).spawn();
}
setInterval(() => {}, 60_000);
