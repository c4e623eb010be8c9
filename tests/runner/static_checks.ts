// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
import { PROJECT, readConfig } from "./project.ts";
import { copyForPublishing } from "./publish_copy.ts";
import type { StdChoice } from "./std.ts";
import { Tally } from "./tally.ts";

/** Runs everything that needs no test: each step counts as one. */
export async function staticChecks(std: StdChoice): Promise<Tally> {
  const entries = Object.values((await readConfig()).exports);
  const steps: readonly (readonly string[])[] = [
    ["fmt", "--check"],
    ["lint"],
    ["check", ...std.flags, "."],
    ["doc", "--lint", ...std.flags, ...entries],
  ];
  const tally = new Tally();
  for (const step of steps) {
    const success = await run(step, PROJECT);
    tally[success ? "passed" : "failed"]++;
  }
  tally[await publishes(std) ? "passed" : "failed"]++;
  return tally;
}

async function publishes(std: StdChoice): Promise<boolean> {
  const step = ["publish", "--dry-run", "--allow-dirty"];
  if (std.flags.length === 0) return await run(step, PROJECT);
  const folder = await copyForPublishing();
  try {
    return await run(step, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs one step; what it prints matters only when it fails. */
async function run(
  args: readonly string[],
  cwd: string | URL,
): Promise<boolean> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    stdin: "null",
  }).output();
  console.log(`deno ${args.join(" ")} ... ${success ? "ok" : "FAILED"}`);
  if (!success) {
    await writeAll(stdout);
    await writeAll(stderr);
  }
  return success;
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await Deno.stdout.write(bytes.subarray(at));
  }
}
