/** Every file of the house is named, once, and says what it is about. */

import { assertEquals } from "@std/assert";
import { listing, themeOf } from "../../docs/files.ts";
import { PROJECT } from "../runner/project.ts";
import { sources } from "./imports.ts";

const FILES = await sources();

// The formatter breaks lines.
function items(text: string): Set<string> {
  return new Set(text.replaceAll(/\s+/g, " ").trim().split(" - "));
}

Deno.test("docs/files.md is what the files say: deno run -A docs/files.ts", async () => {
  const page = await Deno.readTextFile(new URL("docs/files.md", PROJECT));
  const [there, wanted] = [items(page), items(listing(FILES))];
  assertEquals([...wanted.difference(there)], [], "missing");
  assertEquals([...there.difference(wanted)], [], "too much");
  for (const path of FILES.keys()) {
    assertEquals(page.split(`](../${path})`).length, 2, path);
  }
});

Deno.test("every file begins with a comment that says its theme", () => {
  const silent = [...FILES].filter(([, text]) => themeOf(text).length < 10);
  assertEquals(silent.map(([path]) => path), []);
});

Deno.test("every file that ARCHITECTURE.md and docs/ name is there", async () => {
  const gone: string[] = [];
  const pages = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
  for await (const { name } of Deno.readDir(new URL("docs/", PROJECT))) {
    if (name.endsWith(".md")) pages.push(`docs/${name}`);
  }
  for (const page of pages) {
    const text = await Deno.readTextFile(new URL(page, PROJECT));
    for (
      const [, path] of text.matchAll(
        /`((?:backend|cli|ffi|posix|process|windows|tests|docs|examples)\/[\w./]*)`/g,
      )
    ) {
      try {
        await Deno.stat(new URL(path!, PROJECT));
      } catch {
        gone.push(`${page}: ${path}`);
      }
    }
  }
  assertEquals(gone, []);
});
