// deno-lint-ignore-file no-console -- it answers the test by one line
/**
 * Runs in a pid namespace: a stranger that lives since before numbers wrapped is
 * seen, ends, and its number is given to a member of a tree, which is then ended.
 * No number falls meanwhile: the stranger's was higher than the last. Prints how
 * often the number came back as a member's, and how many of these were left.
 *
 * @module
 */

import { Command } from "../../../mod.ts";

const LAST = "/proc/sys/kernel/ns_last_pid";
const HIGH = 20_000;
const ATTEMPTS = 20;

const pidMax = Number(Deno.readTextFileSync("/proc/sys/kernel/pid_max"));
let came = 0;
let left = 0;
for (let i = 0; i < ATTEMPTS; i++) {
  const low = Deno.readTextFileSync(LAST);
  await using child = new Command("/bin/sh", {
    args: ["-c", "read a; sleep 301 & echo $!; wait"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  Deno.writeTextFileSync(LAST, String(Math.min(HIGH + i * 100, pidMax - 500)));
  const stranger = new Deno.Command("sleep", { args: ["300"] }).spawn();
  // As if numbers had wrapped.
  Deno.writeTextFileSync(LAST, low);
  child.descendants();
  stranger.kill("SIGKILL");
  await stranger.status;
  Deno.writeTextFileSync(LAST, String(stranger.pid - 1));
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("go\n"));
  const { value } = await child.stdout.getReader().read();
  const member = Number(new TextDecoder().decode(value));
  const { survivors } = await child.stop({ grace: 0 });
  if (member === stranger.pid) came++;
  if (survivors !== 0 || isAlive(member)) {
    left++;
    Deno.kill(member, "SIGKILL");
  }
  await writer.close().catch(() => {});
  // The next round's numbers begin where this one's did.
  Deno.writeTextFileSync(LAST, low);
}
console.log(JSON.stringify({ came, left }));

function isAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}
