// deno-lint-ignore-file no-console -- it answers the test by one line
/**
 * Runs in a pid namespace with few numbers: makes a leader's number come back as
 * a stranger's and asks the library to end the tree again and again. Prints how
 * often a number came back, and how many strangers were hit.
 *
 * @module
 */

import { Command } from "../../../mod.ts";

const [rounds, containment] = [
  Number(Deno.args[0]),
  Deno.args[1] as "auto" | "process-group",
];
Deno.writeTextFileSync("/proc/sys/kernel/pid_max", "400");

/** Forks until a process has the number; it then sleeps. Null after a few rounds of numbers. */
async function strangerWith(pid: number): Promise<Deno.ChildProcess | null> {
  const script = `i=0
    while [ $i -lt 3000 ]; do
      i=$((i + 1))
      sleep 1000 & p=$!
      if [ $p = ${pid} ]; then echo $p; wait $p; echo "hit $?"; exit; fi
      kill -9 $p; wait $p 2>/dev/null
    done
    echo none`;
  const shell = new Deno.Command("sh", {
    args: ["-c", script],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = shell.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  if (new TextDecoder().decode(value).startsWith("none")) {
    await shell.stdout.cancel();
    await shell.status;
    return null;
  }
  return shell;
}

function alive(pid: number): boolean {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return !/\) [ZX] /.test(stat);
}

let recycled = 0;
let hit = 0;
for (let round = 0; round < rounds; round++) {
  // A leader that is reaped, and one that left a daemon whose number comes back.
  const child = new Command("sh", {
    args: ["-c", "sleep 1000 & echo $!; exit 0"],
    stdin: "null",
    stdout: "piped",
    containment,
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  await child.stdout.cancel();
  await child.status;
  const daemon = Number(new TextDecoder().decode(value));
  const number = round % 2 === 0 ? child.pid : daemon;
  // Ended behind the library's back: its number is free.
  Deno.kill(daemon, "SIGKILL");
  await child.treeExited;
  const shell = await strangerWith(number);
  if (shell === null) continue;
  recycled++;
  child.kill("SIGTERM");
  child.kill("SIGKILL");
  child.kill("SIGKILL", { tree: false });
  await child.stop({ grace: 0 });
  await child.wait({ timeout: 1, grace: 0 });
  child.suspend();
  child.resume();
  await child[Symbol.asyncDispose]();
  if (!alive(number)) hit++;
  Deno.kill(number, "SIGKILL");
  await shell.stdout.cancel();
  await shell.status;
}
console.log(JSON.stringify({ recycled, hit }));
Deno.exit(0);
