// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A build that hangs. It gets half a second; then it is ended with everything it
 * started, and what it wrote until then is there.
 *
 *     deno run --allow-ffi --allow-run examples/timeout.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { type ChildProcess, Command } from "../mod.ts";

// A build tool that waits for two compilers of which one never ends, with a
// watcher that took itself out of the process group.
const BUILD = `
  echo compiling a.c
  sleep 60 &
  sh -c 'sleep 60 & wait' &
  $(command -v setsid) sleep 60 &
  wait
  echo linking
`;

function show(heading: string, child: ChildProcess): void {
  const members = child.descendants();
  console.log(`${heading}: ${members.length} besides the leader`);
  for (const { pid, ppid, command } of members) {
    console.log(`  ${pid} (parent ${ppid}): ${command}`);
  }
}

const child = new Command("sh", {
  args: ["-c", BUILD],
  stdin: "null",
  stdout: "piped",
  timeout: 500, // after that SIGTERM to all of them …
  grace: 2_000, // … and two seconds later SIGKILL to what is left
}).spawn();

setTimeout(() => show("running", child), 300);

const { stdout, code, signal, timedOut } = await child.output();
console.log(`output: ${new TextDecoder().decode(stdout).trim()}`);
console.log(`timedOut ${timedOut}, code ${code}, signal ${signal}`);
show("after the timeout", child);
