/**
 * `mainFirst` when the owner is killed: the guard tells the main process first, too.
 */

import { assertEquals } from "@std/assert";
import { until } from "../../fixtures/deadline.ts";
import { denoArgs, denoUnderTest } from "../../fixtures/deno.ts";

const ignore = Deno.build.os === "windows";
const OWNER = import.meta.resolve("../../fixtures/main_first_owner.ts");

// Both write what they do to a file. The main process waits for the child's mark, in
// vain where the child hears only when the main process has ended.
const SCRIPT = `
sh -c 'trap "echo child >>$1; : >$0; exit" TERM; echo ready; while :; do sleep 0.02; done' "$1" "$2" &
trap 'i=0; while [ ! -e "$1" ] && [ $i -lt $3 ]; do sleep 0.05; i=$((i+1)); done; echo main >>$2; exit' TERM
while :; do sleep 0.02; done
`;

async function orderAfterKill(
  containment: string,
  mainFirst: boolean,
): Promise<string> {
  const folder = await Deno.makeTempDir();
  const log = `${folder}/log`;
  const looks = mainFirst ? "10" : "400";
  const owner = new Deno.Command(denoUnderTest(), {
    args: denoArgs(OWNER, [
      containment,
      `${mainFirst}`,
      SCRIPT,
      `${folder}/mark`,
      log,
      looks,
    ]),
    stdout: "piped",
  }).spawn();
  try {
    const reader = owner.stdout.getReader();
    await reader.read();
    owner.kill("SIGKILL");
    await reader.cancel();
    await owner.status;
    let text = "";
    await until(() => {
      try {
        text = Deno.readTextFileSync(log);
      } catch {
        text = "";
      }
      return text.split("\n").length > 2;
    }, "both have written");
    return text;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const containment of ["auto", "process-group"]) {
  Deno.test({
    name: `mainFirst: the guard tells the main process first (${containment})`,
    ignore,
    async fn() {
      assertEquals(await orderAfterKill(containment, true), "main\nchild\n");
    },
  });

  Deno.test({
    name: `without mainFirst the guard tells all at once (${containment})`,
    ignore,
    async fn() {
      assertEquals(await orderAfterKill(containment, false), "child\nmain\n");
    },
  });
}
