/**
 * What a live child with all three streams piped holds: KiB of JS heap, open
 * descriptors, KiB of resident memory. Linux, since they are read in `/proc`.
 *
 * @module
 */

import {
  type Case,
  type Child,
  collectGarbage,
  type CommandClass,
} from "./cases.ts";

// So that code, shapes and tables that the first child needs are not counted.
const FIRST = 20;

/**
 * The cases.
 *
 * @param Command What is measured.
 * @param extra Options given to every command.
 * @returns The cases, by name.
 */
export function memoryCases(
  Command: CommandClass,
  extra: Record<string, unknown>,
): Record<string, Case> {
  function start(reads: boolean): unknown[] {
    const child: Child = new Command("/bin/sleep", {
      args: ["1000"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...extra,
    }).spawn();
    // A stream may be made only when it is asked for.
    return reads ? [child, child.stdin, child.stdout, child.stderr] : [child];
  }

  const perChild = (look: () => number): Case => async (count, how) => {
    const held: unknown[][] = [];
    const reads = how !== "unread";
    while (held.length < FIRST) held.push(start(reads));
    const before = await settled(look);
    while (held.length < FIRST + count) held.push(start(reads));
    const after = await settled(look);
    for (const [child] of held) (child as Child).kill("SIGKILL");
    for (const [child] of held) await (child as Child).status;
    return [(after - before) / count];
  };

  return {
    heap: perChild(() => Deno.memoryUsage().heapUsed / 1024),
    descriptors: perChild(() => [...Deno.readDirSync("/proc/self/fd")].length),
    rss: perChild(() => Deno.memoryUsage().rss / 1024),
  };
}

async function settled(look: () => number): Promise<number> {
  // What waits for a turn of the event loop, and garbage of the first collection.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collectGarbage();
  }
  return look();
}
