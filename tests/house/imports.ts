/** The product's files, and what they import. @module */

import { list, PROJECT } from "../runner/project.ts";

/** The folders of the product. */
export const FOLDERS: readonly string[] = [
  "backend",
  "cli",
  "ffi",
  "posix",
  "process",
  "windows",
];

/** The entrances, beside the folders. */
export const ENTRANCES: readonly string[] = ["mod.ts", "cli.ts"];

/** Every source file of the product and its text, by path. */
export async function sources(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const add = async (path: string) => {
    found.set(path, await Deno.readTextFile(new URL(path, PROJECT)));
  };
  const walk = async (folder: string): Promise<void> => {
    for (const { name, isDirectory } of await list(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await walk(path);
      else if (name.endsWith(".ts")) await add(path);
    }
  };
  for (const path of ENTRANCES) await add(path);
  for (const folder of FOLDERS) await walk(folder);
  return found;
}

/** A source text without its comments. */
export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** The specifiers that a text imports, types and `import()` included. */
export function specifiers(text: string): string[] {
  const code = withoutComments(text);
  return [
    ...code.matchAll(/^(?:import|export)\b[^;"]*?\bfrom\s*"([^"]+)"/gm),
    ...code.matchAll(/^import\s*"([^"]+)"/gm),
    ...code.matchAll(/\bimport\(\s*"([^"]+)"/g),
  ].map(([, specifier]) => specifier!);
}

/** What each file imports of the product's code. */
export function graph(
  files: ReadonlyMap<string, string>,
): Map<string, string[]> {
  const arrows = new Map<string, string[]>();
  for (const [path, text] of files) {
    const own = specifiers(text).filter((one) => /^\..*\.ts$/.test(one));
    arrows.set(
      path,
      own.map((one) => new URL(one, `file:///${path}`).pathname.slice(1)),
    );
  }
  return arrows;
}

/** Groups of files that import each other, each as its sorted paths. */
export function circles(
  arrows: ReadonlyMap<string, readonly string[]>,
): string[] {
  const reach = (from: string): Set<string> => {
    const seen = new Set<string>();
    const ahead = [from];
    for (let one = ahead.pop(); one !== undefined; one = ahead.pop()) {
      for (const next of arrows.get(one) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        ahead.push(next);
      }
    }
    return seen;
  };
  const reached = new Map([...arrows.keys()].map((one) => [one, reach(one)]));
  const found = new Set<string>();
  for (const [path, all] of reached) {
    if (!all.has(path)) continue;
    const group = [...all].filter((one) => reached.get(one)?.has(path));
    found.add(group.sort().join(", "));
  }
  return [...found].sort();
}
