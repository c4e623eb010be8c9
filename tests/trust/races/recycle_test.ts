/**
 * A number that was given again: the process that has it now is never signalled. In a pid
 * namespace with 400 numbers (pid_max is per namespace since Linux 6.14). And if
 * it is a member of a tree that has it now, it is not taken for the one that had it before.
 */

import { assert, assertEquals } from "@std/assert";
import { IS_ROOT } from "../exhaustion/place.ts";

function inNamespace(script: string): boolean {
  if (!IS_ROOT) return false;
  const { success } = new Deno.Command("unshare", {
    args: ["-pf", "--mount-proc", "sh", "-c", script],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success;
}

// Whether pid_max is the namespace's own here: tried where nothing is at stake.
function canBeSmall(): boolean {
  const before = Deno.readTextFileSync("/proc/sys/kernel/pid_max").trim();
  // Written as it is: no other namespace would notice if it were shared.
  return inNamespace(
    `[ "$(uname -r | cut -d. -f1)" -gt 6 ] || [ "$(uname -r | cut -d. -f1)" = 6 -a "$(uname -r | cut -d. -f2)" -ge 14 ] && echo ${before} >/proc/sys/kernel/pid_max`,
  );
}

async function said(script: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("unshare", {
    // deno-fmt-ignore
    args: ["-pf", "--mount-proc", "sh", "-c", '"$@"; exit', "sh", Deno.execPath(), "run",
      "--quiet", "--no-config", "--no-lock", "-A", import.meta.resolve(script), ...args],
    stdin: "null",
  }).output();
  const line = new TextDecoder().decode(stdout);
  assert(line !== "", new TextDecoder().decode(stderr));
  return line;
}

const ignore = !canBeSmall();

for (const containment of ["auto", "process-group"]) {
  Deno.test({
    name: `a recycled number is never signalled: ${containment}`,
    ignore,
    async fn() {
      const line = await said("./recycle.ts", "4", containment);
      const { recycled, hit } = JSON.parse(line);
      assertEquals(hit, 0);
      assert(recycled > 0, line);
    },
  });
}

Deno.test({
  name: "a member with the number of a stranger of long ago is ended",
  ignore: !inNamespace("cd /proc/sys/kernel && echo 300 >ns_last_pid"),
  async fn() {
    const line = await said("./given_again.ts");
    const { came, left } = JSON.parse(line);
    assertEquals(left, 0);
    assert(came > 0, line);
  },
});
