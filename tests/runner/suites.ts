import { hasTests, list } from "./project.ts";

const WINDOWS = Deno.build.os === "windows";

/** Folders with tests for this operating system. */
const SUITES: readonly string[] = [
  "tests/unit",
  "tests/conformance",
  "tests/cli",
  WINDOWS ? "tests/windows" : "tests/posix",
  "tests/offline",
  "tests/runner",
  "tests/house",
  "tests/bench",
  "examples",
  "tests/examples",
];

/** Folders of the library whose documentation has examples for this system. */
const LIBRARY: readonly string[] = [
  "backend",
  "cli",
  "ffi",
  "process",
  WINDOWS ? "windows" : "posix",
];

/** The folders that have tests. */
export async function testFolders(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of SUITES) {
    if (await hasTests(folder)) found.push(folder);
  }
  return found;
}

/**
 * The files whose documentation may have examples: they are run, too. None for
 * an older Deno, where the sanitizer of resources is always on: an example has
 * no place to open the system's libraries before it starts.
 */
export async function documentedFiles(): Promise<string[]> {
  if (!("sanitizer" in Deno.test)) return [];
  const files: string[] = [];
  for (const { name, isFile } of await list(".")) {
    if (isFile && (name.endsWith(".ts") || name === "README.md")) {
      files.push(name);
    }
  }
  for (const { name } of await list("docs")) {
    if (name.endsWith(".md")) files.push(`docs/${name}`);
  }
  for (const folder of LIBRARY) {
    if ((await list(folder)).length > 0) files.push(folder);
  }
  return files;
}
