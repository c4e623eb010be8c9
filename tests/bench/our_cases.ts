/**
 * What only this library has: the end of a tree, and time limits.
 *
 * @module
 */

import { Command } from "../../mod.ts";
import { type Case, expect, QUIET } from "./cases.ts";
import { TreeReader } from "./tree_program.ts";

/** From then on the tree is late. Long enough for it to be complete. */
const LIMIT = 30;

const FAMILY = ["-c", "sleep 1000 & sleep 1000 & wait"];

/**
 * The cases.
 *
 * @param extra Options given to every command.
 * @returns The cases, by name.
 */
export function ourCases(
  extra: Record<string, unknown>,
): Record<string, Case> {
  const limited = { args: FAMILY, ...QUIET, timeout: LIMIT, grace: 0 };

  /** Kills trees of a size; `how` is "stop" or "kill". */
  async function tree(
    count: number,
    size = "10",
    kind = "plain",
    how = "stop",
  ): Promise<number[]> {
    const figures: number[] = [];
    while (figures.length < count) {
      const child = new Command(Deno.env.get("BENCH_TREE")!, {
        args: [size, kind],
        ...QUIET,
        stdout: "piped",
        ...extra,
      }).spawn();
      const reader = new TreeReader(child.stdout);
      const members = await reader.members(Number(size));
      const began = performance.now();
      if (how === "stop") {
        expect((await child.stop({ grace: 0 })).survivors ?? 1, 0);
      } else {
        child.kill("SIGKILL");
        await child.treeExited;
      }
      figures.push(performance.now() - began);
      expect(members.length, Number(size));
      await reader.closed();
    }
    return figures;
  }

  return {
    tree,
    async late(count: number): Promise<number[]> {
      const figures: number[] = [];
      while (figures.length < count) {
        const began = performance.now();
        await new Command("/bin/sh", { ...limited, ...extra }).output();
        figures.push(performance.now() - began - LIMIT);
      }
      return figures;
    },
    lateSync(count: number): Promise<number[]> {
      const figures: number[] = [];
      while (figures.length < count) {
        const began = performance.now();
        new Command("/bin/sh", { ...limited, ...extra }).outputSync();
        figures.push(performance.now() - began - LIMIT);
      }
      return Promise.resolve(figures);
    },
  };
}
