/** What the project's texts refer to is there. */

import { assert, assertEquals } from "@std/assert";
import { denoPath } from "../fixtures/deno.ts";
import { list, PROJECT } from "./project.ts";

/** Every Markdown file of the project, but for folders that are not its own. */
async function documents(folder = "."): Promise<string[]> {
  const found: string[] = [];
  for (const { name, isDirectory } of await list(folder)) {
    if (name.startsWith(".") || name === "node_modules") continue;
    const path = folder === "." ? name : `${folder}/${name}`;
    if (isDirectory) found.push(...await documents(path));
    else if (name.endsWith(".md")) found.push(path);
  }
  return found;
}

/** The addresses that a document links to: `](…)` and `[name]: …`. */
function links(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, "");
  return [
    ...prose.matchAll(/\]\(([^)\s]+)\)/g),
    ...prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm),
  ].map(([, address]) => address!);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-")
  );
}

Deno.test("every link within the project leads somewhere", async () => {
  const dead: string[] = [];
  const all = await documents();
  assert(all.includes("README.md") && all.includes("docs/questions.md"));
  for (const path of all) {
    const here = new URL(path, PROJECT);
    for (const address of links(await Deno.readTextFile(here))) {
      if (/^[a-z]+:/.test(address)) continue;
      const target = new URL(address, here);
      const anchor = decodeURIComponent(target.hash.slice(1));
      target.hash = "";
      try {
        await Deno.stat(target);
        if (anchor === "") continue;
        if (anchors(await Deno.readTextFile(target)).includes(anchor)) continue;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      dead.push(`${path}: ${address}`);
    }
  }
  assertEquals(dead, []);
});

Deno.test("every task says what it does", async () => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", PROJECT)),
  ) as { tasks: Record<string, { description?: string }> };
  for (const [name, task] of Object.entries(tasks)) {
    assert((task.description ?? "").length > 10, name);
  }
});

Deno.test("every example is in the list of examples, with a test", async () => {
  const read = (path: string) => Deno.readTextFile(new URL(path, PROJECT));
  const text = await read("examples/README.md");
  const tests = await read("tests/posix/examples_test.ts") +
    await read("tests/posix/prefork_test.ts") +
    await read("tests/posix/cookbook_test.ts");
  for (const { name, isFile } of await list("examples")) {
    // What the demo counts with.
    if (!isFile || !name.endsWith(".ts") || name === "process_list.ts") {
      continue;
    }
    assert(text.includes(`(${name})`), `${name} is not in examples/README.md`);
    assert(tests.includes(name.slice(0, -3)), `${name} has no test`);
  }
});

interface Documented {
  readonly name: string;
  readonly declarations: readonly {
    readonly jsDoc?: { readonly doc?: string };
    readonly def?: { readonly properties?: readonly { name: string }[] };
  }[];
}

Deno.test("every option has its topic, in docs/options.md and in its interface", async () => {
  const { stdout } = await new Deno.Command(denoPath(), {
    args: ["doc", "--json", "mod.ts"],
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
    stderr: "null",
  }).output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const [{ symbols }] = Object.values(nodes) as [{ symbols: Documented[] }];
  const page = await Deno.readTextFile(new URL("docs/options.md", PROJECT));
  for (const type of ["CommandOptions", "JobOptions"]) {
    const [one] = symbols.find(({ name }) => name === type)!.declarations;
    const comment = one!.jsDoc!.doc!;
    assert(one!.def!.properties!.length > 5, type);
    for (const { name } of one!.def!.properties!) {
      assert(page.includes(`\`${name}\``), `${name} is not in docs/options.md`);
      if (type === "CommandOptions") {
        assert(
          comment.includes(`\`${name}\``),
          `${type} does not list ${name}`,
        );
      }
    }
  }
});
