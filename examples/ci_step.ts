// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A step of a CI job with a time limit, and a report of what hung: the members of
 * the tree at the moment when the time was up, with their command lines.
 *
 *     deno run --allow-ffi --allow-run examples/ci_step.ts [MS COMMAND [ARGS…]]
 *
 * The exit code is the command's own, or 124 when the time was up.
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command } from "../mod.ts";

// A test run that waits for a server that never answers.
const HANGING = "echo 'test 1 ok'; sh -c 'sleep 60 & wait' & sleep 60 & wait";

const [limit = "1000", program = "sh", ...args] = Deno.args.length > 1
  ? Deno.args
  : ["1000", "sh", "-c", HANGING];

const child = new Command(program, { args, stdin: "null" }).spawn();
const started = Date.now();

// Not the option `timeout`: the report has to be made before the stop begins.
let late = false;
const timer = setTimeout(async () => {
  late = true;
  console.log(`\ntime is up after ${Number(limit)} ms; running:`);
  for (const { pid, ppid, state, command } of child.descendants()) {
    console.log(`  ${pid} (parent ${ppid}, ${state}): ${command}`);
  }
  const report = await child.stop({ grace: 2_000 });
  console.log(
    `${report.signal} to ${report.signalled}, ` +
      `SIGKILL to ${report.escalated}, none left`,
  );
}, Number(limit));

// Resolves when the command has exited and nothing that it started is left.
const { code } = await child.wait();
clearTimeout(timer);
if (!late) console.log(`done in ${Date.now() - started} ms`);
Deno.exitCode = late ? 124 : code;
