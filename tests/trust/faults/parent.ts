// deno-lint-ignore-file no-console -- it says when its tree is there
/**
 * A parent that starts a tree by a mechanism and then ends in a way:
 * `parent.ts MECHANISM END MARKER`.
 *
 * @module
 */

import { Command, type CommandOptions } from "../../../mod.ts";

const [mechanism, end, marker] = Deno.args as [string, string, string];

// A child, a grandchild, and one that has left group, session and parents.
const SCRIPT =
  "sleep $0 & (setsid sleep $0 0 &) ; echo ready; sleep $0; sleep $0";

const OPTIONS: Readonly<Record<string, CommandOptions>> = {
  lineage: { containment: "lineage" },
  cgroup: { containment: "cgroup" },
  "process-group": { containment: "process-group" },
  detached: { detached: true },
  "killOnParentExit: false": { killOnParentExit: false },
};

const options: Deno.CommandOptions & CommandOptions = {
  args: ["-c", SCRIPT, marker],
  stdin: "null",
  stdout: "piped",
  stderr: "null",
};
const own = OPTIONS[mechanism];
const child = own === undefined
  ? new Deno.Command("sh", options).spawn()
  : new Command("sh", { ...options, ...own }).spawn();
const reader = child.stdout.getReader();
await reader.read();
console.log("ready");

// The test says when: it has then seen all of the tree.
await Deno.stdin.read(new Uint8Array(1));
const wait = setInterval(() => {}, 60_000);
switch (end) {
  case "return":
    clearInterval(wait);
    reader.releaseLock();
    await child.stdout.cancel();
    child.unref();
    break;
  case "Deno.exit()":
    Deno.exit(0);
    break;
  case "exception":
    setTimeout(() => {
      throw new Error("as asked for");
    });
    break;
  case "rejection":
    Promise.reject(new Error("as asked for"));
    break;
  case "out of memory": {
    const all: unknown[] = [];
    for (;;) all.push(new Array(1_000_000).fill(Math.random()));
  }
}
