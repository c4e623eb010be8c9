// deno-lint-ignore-file no-console -- a command line tool: it prints a table
/**
 * The fault table: what becomes of the children in each way the parent can end,
 * by mechanism, found out by doing it: `main.ts [END...]`. Prints Markdown.
 *
 * @module
 */

import { newMarker, processesWith } from "../../fixtures/process_table.ts";
import { waitForText } from "../../fixtures/eval.ts";

const PARENT = import.meta.resolve("./parent.ts");

/** Ways to end: what the parent does, or the signal it gets. */
export const ENDS: readonly string[] = [
  "return",
  "Deno.exit()",
  "exception",
  "rejection",
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGKILL",
  "SIGABRT",
  "out of memory",
  "SIGSTOP",
];

/** Mechanisms, and the comparison. */
export const MECHANISMS: readonly string[] = [
  "lineage",
  "cgroup",
  "process-group",
  "detached",
  "killOnParentExit: false",
  "Deno.Command",
];

// A child, a grandchild, the escaped one, and the shell itself.
const MEMBERS = 4;
// How long a guard may take on a loaded machine before something counts as left.
const PATIENCE = 2500;

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Does it; says what was left, in words. */
export async function endOf(mechanism: string, end: string): Promise<string> {
  const marker = newMarker();
  const argv = ["run", "--quiet", "--no-config", "--no-lock", "-A"];
  if (end === "out of memory") argv.push("--v8-flags=--max-old-space-size=64");
  const parent = new Deno.Command(Deno.execPath(), {
    args: [...argv, PARENT, mechanism, end, marker],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = parent.stdin.getWriter();
  const members = (): number[] =>
    processesWith(marker).map(({ pid }) => pid).filter((pid) =>
      pid !== parent.pid
    );
  try {
    try {
      await waitForText(parent.stdout);
    } catch {
      return "cannot be had here";
    }
    while (members().length < MEMBERS) await pause(5);
    if (end.startsWith("SIG")) parent.kill(end as Deno.Signal);
    else await writer.write(new Uint8Array(1));
    const over = end === "SIGSTOP" ? pause(500) : parent.status;
    await over;
    const began = performance.now();
    while (members().length > 0 && performance.now() - began < PATIENCE) {
      if (end === "SIGSTOP") break;
      await pause(10);
    }
    const left = members().length;
    if (end === "SIGSTOP") return left === MEMBERS ? "go on" : `${left} left`;
    if (left === 0) return "all ended";
    return left === MEMBERS ? "all live on" : `${left} of ${MEMBERS} live on`;
  } finally {
    for (const pid of members()) Deno.kill(pid, "SIGKILL");
    try {
      parent.kill("SIGKILL");
    } catch {
      // It is over.
    }
    await writer.close().catch(() => {});
    await parent.stdout.cancel();
    await parent.status;
  }
}

async function table(): Promise<void> {
  console.log(`| the parent ends by | ${MECHANISMS.join(" | ")} |`);
  console.log(`|-|${"-|".repeat(MECHANISMS.length)}`);
  for (const end of Deno.args.length > 0 ? Deno.args : ENDS) {
    const cells: string[] = [];
    for (const mechanism of MECHANISMS) cells.push(await endOf(mechanism, end));
    console.log(`| ${end} | ${cells.join(" | ")} |`);
  }
}

if (import.meta.main) await table();
