/** What the runner knows of the project it stands in. @module */

/** The project's folder. */
export const PROJECT: URL = new URL("../../", import.meta.url);

/** The part of `deno.json` that the runner reads. */
interface Config {
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

/** Reads `deno.json`. */
export async function readConfig(): Promise<Config> {
  const text = await Deno.readTextFile(new URL("deno.json", PROJECT));
  return JSON.parse(text) as Config;
}

/** Names in a folder of the project, sorted; none when it does not exist. */
export async function list(folder: string): Promise<Deno.DirEntry[]> {
  try {
    const entries = await Array.fromAsync(
      Deno.readDir(new URL(`${folder}/`, PROJECT)),
    );
    return entries.sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Whether there is a test file somewhere in a folder of the project. */
export async function hasTests(folder: string): Promise<boolean> {
  for (const { name, isDirectory } of await list(folder)) {
    if (isDirectory ? await hasTests(`${folder}/${name}`) : isTest(name)) {
      return true;
    }
  }
  return false;
}

function isTest(name: string): boolean {
  return name.endsWith("_test.ts");
}
