import { list, PROJECT } from "./project.ts";

/** Not of the package. */
const LEFT_OUT: readonly string[] = ["tests", "examples"];

/**
 * A copy of the package in which the stand-ins are files of its own: what is
 * published asks jsr.io for its imports, whatever the import map says.
 *
 * @returns The folder, to be removed.
 */
export async function copyForPublishing(): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const { name, isDirectory } of await list(".")) {
    if (name.startsWith(".") || LEFT_OUT.includes(name)) continue;
    if (isDirectory) await copyFolder(name, folder);
    else await Deno.copyFile(new URL(name, PROJECT), `${folder}/${name}`);
  }
  await copyFolder("tests/offline/cli", folder);
  const config = JSON.parse(await Deno.readTextFile(`${folder}/deno.json`));
  config.imports = { "@std/cli/parse-args": "./tests/offline/cli/mod.ts" };
  config.publish.include.push("tests/offline/cli/*.ts");
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
  return folder;
}

async function copyFolder(name: string, target: string): Promise<void> {
  await Deno.mkdir(`${target}/${name}`, { recursive: true });
  for (const entry of await list(name)) {
    const path = `${name}/${entry.name}`;
    if (entry.isDirectory) await copyFolder(path, target);
    else await Deno.copyFile(new URL(path, PROJECT), `${target}/${path}`);
  }
}
