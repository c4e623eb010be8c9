// deno-lint-ignore-file no-console -- it answers the test by one line
/**
 * What a host can do in a bare place: `probe.ts MOD MARKER` starts trees, ends
 * them, captures output, and prints what it was told. Never hangs: a step that
 * takes too long is an answer as well.
 *
 * @module
 */

import type * as Library from "../../../mod.ts";

const [mod, marker] = Deno.args as [string, string];
const { Command, capabilities } = await import(mod) as typeof Library;
const STEP = 20_000;

/** What each step gave. */
export interface Answers {
  [step: string]: unknown;
}

function tell(error: unknown): string {
  const { name, message, syscall } = error as Error & { syscall?: string };
  return `${name} ${syscall ?? "-"}: ${message}`;
}

async function step(run: () => unknown): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve("hang"), STEP);
  });
  try {
    return await Promise.race([(async () => await run())(), late]);
  } catch (error) {
    return tell(error);
  } finally {
    clearTimeout(timer);
  }
}

async function readLine(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader();
  await reader.read();
  reader.releaseLock();
}

const answers: Answers = {};
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const SLEEP = "/bin/sleep";

answers.capabilities = await step(() => capabilities().containment);
answers.contained = await step(async () => {
  await using child = new Command(SLEEP, { args: [marker], stdin: "null" })
    .spawn();
  const { mechanism, endsWithParent, notes } = child.containment;
  child.kill("SIGKILL");
  const { signal } = await child.status;
  return [mechanism, endsWithParent, notes.length > 0, signal];
});
answers.output = await step(async () => {
  const command = new Command("/bin/cat", { input: "in" });
  const run = await command.output();
  return [run.code, text(run.stdout), run.lost];
});
answers.outputSync = await step(() => {
  const run = new Command("/bin/cat", { input: "in" }).outputSync();
  return [run.code, text(run.stdout), run.lost];
});
answers.timeout = await step(async () => {
  const command = new Command(SLEEP, { args: [marker], timeout: 50, grace: 0 });
  const run = await command.output();
  return [run.timedOut, command.outputSync().timedOut];
});
answers.tree = await step(async () => {
  await using child = new Command("/bin/sh", {
    args: [
      "-c",
      "sleep $0 & sh -c 'trap \"\" TERM; echo ready; sleep $0; sleep $0' $0 & wait",
      marker,
    ],
    stdin: "null",
    stdout: "piped",
    grace: 300,
  }).spawn();
  await readLine(child.stdout);
  const report = await child.stop();
  await child.stdout.cancel();
  return report.survivors;
});
answers.daemon = await step(async () => {
  await using child = new Command("/bin/sh", {
    args: ["-c", "setsid sleep $0 & echo ready; exec sleep $0", marker],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  await readLine(child.stdout);
  const { survivors } = await child.stop({ grace: 0 });
  await child.stdout.cancel();
  return [survivors, child.containment.holdsEscapees];
});
console.log(JSON.stringify(answers));
Deno.exit(0);
