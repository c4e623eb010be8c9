/**
 * A number that was given again: whoever has it now is never signalled. In a pid
 * namespace with 400 numbers (pid_max is per namespace since Linux 6.14).
 */

import { assert, assertEquals } from "@std/assert";
import { IS_ROOT } from "../exhaustion/place.ts";

const SCRIPT = import.meta.resolve("./recycle.ts");

// Whether pid_max is the namespace's own here: tried where nothing is at stake.
function canBeSmall(): boolean {
  if (!IS_ROOT) return false;
  const before = Deno.readTextFileSync("/proc/sys/kernel/pid_max").trim();
  const { success } = new Deno.Command("unshare", {
    // Written as it is: no other namespace would notice if it were shared.
    args: [
      "-pf",
      "--mount-proc",
      "sh",
      "-c",
      `[ "$(uname -r | cut -d. -f1)" -gt 6 ] || [ "$(uname -r | cut -d. -f1)" = 6 -a "$(uname -r | cut -d. -f2)" -ge 14 ] && echo ${before} >/proc/sys/kernel/pid_max`,
    ],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success;
}

const ignore = !canBeSmall();

for (const containment of ["auto", "process-group"]) {
  Deno.test({
    name: `a recycled number is never signalled: ${containment}`,
    ignore,
    async fn() {
      const { stdout, stderr } = await new Deno.Command("unshare", {
        // deno-fmt-ignore
        args: ["-pf", "--mount-proc", "sh", "-c", '"$@"; exit', "sh", Deno.execPath(), "run",
          "--quiet", "--no-config", "--no-lock", "-A", SCRIPT, "4", containment],
        stdin: "null",
      }).output();
      const said = new TextDecoder().decode(stdout);
      assert(said !== "", new TextDecoder().decode(stderr));
      const { recycled, hit } = JSON.parse(said);
      assertEquals(hit, 0);
      assert(recycled > 0, said);
    },
  });
}
