// deno-lint-ignore-file no-console -- it answers the test by one line
/**
 * Uses up what a process may have, leaves a little, and starts trees with that:
 * `scarce.ts descriptors FREE MARKER`, `scarce.ts processes 0 MARKER`,
 * `scarce.ts memory KIB MARKER`. Prints what each attempt gave, and how many
 * descriptors are open before and after.
 *
 * @module
 */

import { Command } from "../../../mod.ts";

const [resource, free, marker] = Deno.args as [string, string, string];

const RLIMIT_NPROC = 6;
const RLIMIT_AS = 9;

const libc = Deno.dlopen("libc.so.6", {
  prlimit: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
}).symbols;
const old = new BigUint64Array(2);
const limit = new BigUint64Array(2);

function take(): () => void {
  if (resource === "descriptors") {
    const files: Deno.FsFile[] = [];
    try {
      for (;;) files.push(Deno.openSync("/dev/null"));
    } catch {
      // None is left.
    }
    for (let i = Number(free); i > 0; i--) files.pop()?.close();
    return () => files.forEach((file) => file.close());
  }
  // Processes: below what is in use, so that whatever asks for more is refused.
  return resource === "memory"
    ? lower(RLIMIT_AS, ownMemory() + BigInt(free) * 1024n)
    : lower(RLIMIT_NPROC, 1n);
}

function lower(which: number, soft: bigint): () => void {
  libc.prlimit(0, which, null, old);
  limit.set([soft, old[1] as bigint]);
  libc.prlimit(0, which, limit, null);
  return () => {
    libc.prlimit(0, which, old, null);
  };
}

/** Address space in use, in bytes. */
function ownMemory(): bigint {
  const status = Deno.readTextFileSync("/proc/self/status");
  return BigInt(/^VmSize:\s+(\d+)/m.exec(status)![1]!) * 1024n;
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

function tell(error: unknown): string {
  const { name, syscall, message } = error as Error & { syscall?: string };
  return `${syscall ?? name}: ${message}`;
}

const command = new Command("/bin/sh", {
  args: ["-c", "setsid sleep $0 & exec sleep $0", marker],
  stdin: "null",
  stdout: "piped",
  stderr: "piped",
  grace: 0,
});

async function spawnAndStop(): Promise<unknown> {
  const child = command.spawn();
  const { survivors } = await child.stop();
  await child.stdout.cancel();
  await child.stderr.cancel();
  await child.status;
  return survivors;
}

async function attempt(run: () => unknown): Promise<unknown> {
  const giveBack = take();
  try {
    return await run();
  } catch (error) {
    return tell(error);
  } finally {
    giveBack();
  }
}

// Deno 2.9 panics when it has no descriptor for its first signal listener.
Deno.addSignalListener("SIGUSR1", spawnAndStop);
Deno.removeSignalListener("SIGUSR1", spawnAndStop);
const before = descriptors();
const answers: unknown[] = [];
answers.push(await attempt(spawnAndStop));
answers.push(
  await attempt(() =>
    new Command("/bin/echo", { args: ["out"] }).outputSync().code
  ),
);
// Everything works again.
answers.push(await spawnAndStop());
answers.push((await new Command("/bin/echo", { args: ["out"] }).output()).code);
console.log(JSON.stringify({ answers, more: descriptors() - before }));
Deno.exit(0);
