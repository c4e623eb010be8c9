import { assert } from "@std/assert";

/** The parts of an import map, or of `deno.json`, that are read here. */
interface WithImports {
  readonly imports: Readonly<Record<string, string>>;
}

async function readImports(path: string): Promise<WithImports["imports"]> {
  const text = await Deno.readTextFile(new URL(path, import.meta.url));
  return (JSON.parse(text) as WithImports).imports;
}

Deno.test("import_map.json has a stand-in for every jsr: import of deno.json", async () => {
  const standIns = await readImports("./import_map.json");
  for (const name of Object.keys(await readImports("../../deno.json"))) {
    assert(name in standIns, `No stand-in for ${name}`);
  }
});
