// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * What a crashed run left: servers that were started without this library, by a
 * tool that is gone. They are found by what they are, shown, and ended with
 * everything they have started since.
 *
 *     deno run --allow-ffi --allow-run examples/leftovers.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command, killTree, processTree } from "../mod.ts";

// The crashed run: it started a server in a session of its own, and died.
const MARK = `dev server of ${Deno.pid}`;
const SERVER = `trap '' HUP; sh -c 'sleep 61 & sleep 62' & wait # ${MARK}`;
const CRASHED = `sh -c "$0" & echo $!; kill -9 $$`;

/** Processes whose command line has a text: what `pgrep -f` prints. */
async function find(text: string): Promise<number[]> {
  const { stdout } = await new Command("ps", { args: ["-eo", "pid=,args="] })
    .output();
  const pids: number[] = [];
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const [, pid, args = ""] = /^ *(\d+) (.*)$/.exec(line) ?? [];
    if (pid !== undefined && args.includes(text)) pids.push(Number(pid));
  }
  return pids;
}

const tool = new Deno.Command("sh", {
  args: ["-c", CRASHED, SERVER],
  stdin: "null",
  stdout: "piped",
}).spawn();
const reader = tool.stdout.getReader();
await reader.read();
console.log(`the tool ended: ${(await tool.status).signal}`);

// The server's helpers need a moment until they are all there.
let [pid] = await find(MARK);
while (pid === undefined || processTree(pid).length < 4) {
  [pid] = await find(MARK);
}

for (const { command, state } of processTree(pid)) {
  console.log(`left: ${command.replace(MARK, "…")} (${state})`);
}
const report = await killTree(pid, { grace: 1_000 });
console.log(`asked ${report.signalled}, found by ${report.mechanism}`);
console.log(`left: ${(await find(MARK)).length}`);
await reader.cancel();
