/**
 * Makes the site: the pages of the API by `deno doc --html`, and beside them the
 * drawings that the documentation shows. `deno task pages`
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);
const SITE = new URL("pages/", ROOT);

const { exports } = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", ROOT)),
) as { exports: Record<string, string> };

async function denoDoc(args: readonly string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--import-map=tests/offline/import_map.json", ...args],
    cwd: ROOT,
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) Deno.exit(1);
  return new TextDecoder().decode(stdout);
}

/** A public name and its tags, as `deno doc --json` has them. */
interface PublicSymbol {
  readonly name: string;
  readonly declarations: readonly {
    readonly jsDoc?: { tags?: readonly { kind: string; doc?: string }[] };
  }[];
}

// The names of the main module by `@category`, which deno doc --html leaves out.
async function topics(): Promise<string> {
  const { nodes } = JSON.parse(await denoDoc(["--json", "mod.ts"]));
  const [{ symbols }] = Object.values(nodes) as [{ symbols: PublicSymbol[] }];
  const category = ({ declarations }: PublicSymbol) =>
    declarations.flatMap(({ jsDoc }) => jsDoc?.tags ?? [])
      .find(({ kind }) => kind === "category")?.doc?.trim() ?? "Others";
  const items = [...Map.groupBy(symbols, category)].map(([topic, all]) => {
    const links = all.map(({ name }) =>
      `<a href="./~/${name}.html"><code>${name}</code></a>`
    );
    return `<li><b>${topic}</b>: ${links.join(" ")}</li>`;
  });
  return `<h2>By topic</h2><ul>${items.join("")}</ul>`;
}

await denoDoc([
  "--html",
  "--name=@killable/process",
  "--output=pages",
  ...Object.values(exports),
]);

await Deno.mkdir(new URL("drawings/", SITE), { recursive: true });
for (
  const path of [
    "docs/containment.svg",
    "docs/demo.svg",
    "docs/stop.svg",
    "tests/bench/chart.svg",
  ]
) {
  const name = path.split("/").at(-1)!;
  await Deno.copyFile(new URL(path, ROOT), new URL(`drawings/${name}`, SITE));
}

// The drawings belong on the first page; on jsr.io its comment has none.
const first = new URL("index.html", SITE);
const page = await Deno.readTextFile(first);
const place = page.indexOf("<h2");
if (place < 0) {
  throw new Error("Cannot place the drawings: index.html has no h2");
}
const images = ["demo", "containment", "stop"].map((name) =>
  `<p><img src="./drawings/${name}.svg" alt="${name}" style="max-width:100%"></p>`
);
await Deno.writeTextFile(
  first,
  page.slice(0, place) + images.slice(0, 1).join("") + await topics() +
    images.slice(1).join("") + page.slice(place),
);
