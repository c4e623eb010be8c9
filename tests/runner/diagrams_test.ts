import { assertEquals, assertStringIncludes } from "@std/assert";
import { draw, DRAWINGS } from "../../docs/draw.ts";

for (const name of DRAWINGS) {
  Deno.test(`docs/${name}.svg is what docs/${name}.txt says`, async () => {
    const folder = new URL("../../docs/", import.meta.url);
    const text = await Deno.readTextFile(new URL(`${name}.txt`, folder));
    const svg = await Deno.readTextFile(new URL(`${name}.svg`, folder));
    assertEquals(svg, draw(text));
    assertStringIncludes(svg, "prefers-color-scheme:dark");
  });
}
