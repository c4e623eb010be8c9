import { assertEquals, assertThrows } from "@std/assert";
import { PROJECT } from "../runner/project.ts";
import { chart } from "./chart.ts";
import { partOf, withPart } from "./markdown_part.ts";
import { DOCUMENTS, PART } from "./publish.ts";
import { caption, figuresOf, readResults, type Results } from "./results.ts";

function published(): Promise<Results> {
  return readResults(new URL("tests/bench/results.json", PROJECT));
}

// The formatter breaks lines and pads cells.
function words(text: string): string {
  return text.replaceAll(/-{3,}/g, "---").replaceAll(/\s+/g, " ");
}

Deno.test("tests/bench/chart.svg is what results.json says", async () => {
  const results = await published();
  const svg = await Deno.readTextFile(
    new URL("tests/bench/chart.svg", PROJECT),
  );
  assertEquals(svg, chart(figuresOf(results), caption(results)));
});

for (const [name, table] of Object.entries(DOCUMENTS)) {
  Deno.test(`the figures in ${name} are those of results.json`, async () => {
    const results = await published();
    const text = await Deno.readTextFile(new URL(name, PROJECT));
    const part = `${table(figuresOf(results))}\n\n${caption(results)}`;
    assertEquals(words(partOf(text, PART)), words(part));
  });
}

Deno.test("withPart() replaces what partOf() finds, and nothing else", () => {
  const text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n";
  assertEquals(partOf(text, "x"), "old");
  const changed = withPart(text, "x", "new");
  assertEquals(partOf(changed, "x"), "new");
  assertEquals(changed, "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n");
  assertThrows(() => partOf(text, "y"), Error, "There is no part 'y'");
});
