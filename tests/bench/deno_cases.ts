/**
 * The nearest that `Deno.Command` has to what only this library does.
 *
 * @module
 */

import { type Case, QUIET } from "./cases.ts";
import { isAlive, TreeReader } from "./tree_program.ts";

const LIMIT = 30;

/** The cases, by name. */
export const denoCases: Record<string, Case> = {
  /** Kills the one process that it can, and says how many are left. */
  async tree(_count: number, size = "10", kind = "plain"): Promise<number[]> {
    const child = new Deno.Command(Deno.env.get("BENCH_TREE")!, {
      args: [size, kind],
      ...QUIET,
      stdout: "piped",
    }).spawn();
    const reader = new TreeReader(child.stdout);
    const members = await reader.members(Number(size));
    child.kill("SIGKILL");
    await child.status;
    const left = members.filter(isAlive);
    for (const pid of left) Deno.kill(pid, "SIGKILL");
    await reader.closed();
    if (left.length > 0) {
      throw new Error(`leaves ${left.length} of ${size} alive`);
    }
    return [];
  },
  /** One process: it would leave the others of a tree alive. */
  async late(count: number): Promise<number[]> {
    const figures: number[] = [];
    while (figures.length < count) {
      const began = performance.now();
      await new Deno.Command("/bin/sleep", {
        args: ["1000"],
        ...QUIET,
        signal: AbortSignal.timeout(LIMIT),
      }).output();
      figures.push(performance.now() - began - LIMIT);
    }
    return figures;
  },
};
