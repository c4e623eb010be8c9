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

const { success } = await new Deno.Command(Deno.execPath(), {
  args: [
    "doc",
    "--html",
    "--name=@killable/process",
    "--output=pages",
    "--import-map=tests/offline/import_map.json",
    ...Object.values(exports),
  ],
  cwd: ROOT,
  stdin: "null",
}).spawn().status;
if (!success) Deno.exit(1);

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
  page.slice(0, place) + images.join("") + page.slice(place),
);
