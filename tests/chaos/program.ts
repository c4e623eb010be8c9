/**
 * The program that trees consist of: `tree.c` compiled, or `tree.sh`.
 *
 * @module
 */

import { findProgram, run } from "../real/place.ts";

/** A directory with the program, for one run. */
export interface Workshop {
  readonly dir: string;
  readonly shell: boolean;
}

const SOURCE = import.meta.resolve("./tree.c").slice("file://".length);
const SCRIPT = import.meta.resolve("./tree.sh").slice("file://".length);

/** Makes the directory and compiles. */
export async function openWorkshop(): Promise<Workshop> {
  const dir = await Deno.makeTempDir({ prefix: "killable-chaos-" });
  // Some processes of a tree become another user, and go on from there.
  await Deno.chmod(dir, 0o755);
  const compiler = findProgram("cc", "gcc", "clang");
  try {
    if (compiler === null) throw new Error("there is no C compiler");
    await run([compiler, "-O1", "-pthread", "-o", `${dir}/tree`, SOURCE]);
    return { dir, shell: false };
  } catch {
    await Deno.copyFile(SCRIPT, `${dir}/tree`);
    await Deno.chmod(`${dir}/tree`, 0o755);
    return { dir, shell: true };
  }
}

/** What to start for a tree, and by what its processes are known. */
export function programOf(
  { dir, shell }: Workshop,
  name: string,
): { file: string; cwd: string; mark: string } {
  const mark = `${dir}/${name}`;
  if (!shell) {
    Deno.linkSync(`${dir}/tree`, mark);
    return { file: mark, cwd: dir, mark };
  }
  Deno.mkdirSync(mark);
  return { file: `${dir}/tree`, cwd: mark, mark };
}

/** Forgets a tree's file. */
export function discard(mark: string): void {
  Deno.removeSync(mark, { recursive: true });
}
