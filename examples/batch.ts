// deno-lint-ignore-file no-console -- a demonstration: it talks to a person
/**
 * Fifty commands, eight at a time, each tried up to three times. The first one
 * that fails for good, or Ctrl-C, ends those that run, and starts no more.
 *
 *     deno run --allow-ffi --allow-run examples/batch.ts
 *
 * @module
 */

// A user imports from "jsr:@killable/process".
import { Command } from "../mod.ts";

const AT_A_TIME = 8;
const TRIES = 3;

/** One command: every seventh fails at its first try. */
function command(
  number: number,
  attempt: number,
  signal: AbortSignal,
): Command {
  const flaky = number % 7 === 0 && attempt === 1;
  return new Command("sh", {
    args: ["-c", `sleep 0.02; ${flaky ? "exit 75" : `echo ${number}`}`],
    stdin: "null",
    stderr: "null",
    timeout: 30_000,
    signal,
  });
}

const cancelled = new AbortController();
Deno.addSignalListener("SIGINT", () => cancelled.abort());
const queue = Array.from({ length: 50 }, (_, index) => index + 1);
const results = new Map<number, string>();
let running = 0;
let most = 0;
let retries = 0;

/** Runs a command until it succeeds, and stops the others when it does not. */
async function run(number: number): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const output = await command(number, attempt, cancelled.signal).output();
    if (output.aborted) return;
    if (output.success) {
      results.set(number, new TextDecoder().decode(output.stdout).trim());
      return;
    }
    retries++;
  }
  cancelled.abort();
  throw new Error(`Cannot run command ${number}: it failed ${TRIES} times`);
}

async function worker(): Promise<void> {
  while (!cancelled.signal.aborted) {
    const number = queue.shift();
    if (number === undefined) return;
    most = Math.max(most, ++running);
    try {
      await run(number);
    } finally {
      running--;
    }
  }
}

await Promise.all(Array.from({ length: AT_A_TIME }, worker));
const sum = [...results.values()].reduce((all, one) => all + Number(one), 0);
console.log(`${results.size} done, ${retries} tried again, sum ${sum}`);
console.log(`${most} at a time`);
Deno.exit();
