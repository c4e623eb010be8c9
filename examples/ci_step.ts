// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * A step of a CI job with a time limit, and a report of what hung: the processes
 * that were stopped, with their command lines, what each was sent, and how it ended.
 *
 *     deno run --allow-ffi --allow-run examples/ci_step.ts [MS COMMAND [ARGS…]]
 *
 * The exit code is the command's own, or 124 when the time was up.
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command } from "../mod.ts";

// A test run that waits for a server that never answers, with a helper that
// ignores SIGTERM.
const HANGING = "echo 'test 1 ok'; sleep 60 & " +
  `sh -c 'trap "" TERM; sleep 60 & wait' & wait`;

const [limit = "1000", program = "sh", ...args] = Deno.args.length > 1
  ? Deno.args
  : ["1000", "sh", "-c", HANGING];

const child = new Command(program, {
  args,
  stdin: "null",
  timeout: Number(limit),
  grace: 500,
}).spawn();

// Resolves when the command has exited and nothing that it started is left.
const { code, timedOut, report } = await child.wait();
if (timedOut && report !== null) {
  console.log(`\ntime is up after ${limit} ms; stopped:`);
  for (const { pid, command, sent, ended } of report.processes) {
    console.log(`  ${pid} ${command}: ${sent.join(", ")}, ended ${ended}`);
  }
}
Deno.exitCode = timedOut ? 124 : code;
