/**
 * Has the script go on as a child of `reaper.c`, where there is a C compiler.
 *
 * @module
 */

import { findProgram, run } from "../real/place.ts";

const SOURCE = import.meta.resolve("./reaper.c").slice("file://".length);
const INSIDE = "KILLABLE_CHAOS_REAPER";

/**
 * Call first. Returns below the reaper, or where there is none; above it, this
 * process waits for the one below and ends as that did.
 *
 * @param script The script: `import.meta.url`.
 */
export async function underReaper(script: string): Promise<void> {
  const compiler = findProgram("cc", "gcc", "clang");
  if (Deno.env.has(INSIDE) || compiler === null) return;
  const dir = await Deno.makeTempDir({ prefix: "killable-reaper-" });
  try {
    await run([compiler, "-O1", "-o", `${dir}/reaper`, SOURCE]);
    const { code } = await new Deno.Command(`${dir}/reaper`, {
      // deno-fmt-ignore
      args: [Deno.execPath(), "run", "--quiet", "--no-config", "--no-lock", "-A", script, ...Deno.args],
      env: { [INSIDE]: "1" },
    }).spawn().status;
    Deno.exitCode = code;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  Deno.exit();
}
