// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
/**
 * Lists every file of the product with its theme: `docs/files.md`, from the first
 * sentence of the comment that each file begins with.
 * `deno run --allow-read --allow-write docs/files.ts`
 *
 * @module
 */

import { sources } from "../tests/house/imports.ts";

/** What each folder is about, in the order of the house. */
const FOLDERS: Readonly<Record<string, string>> = {
  "": "The entrances",
  "process": "What a caller holds",
  "process/options": "Checks of what a caller gives",
  "process/run": "A running command, and how it ends",
  "process/stdio": "Output and input of a run",
  "process/limits": "Limits of a run",
  "process/ready": "Waiting until a program is ready",
  "process/job": "Several commands together",
  "backend": "The contract between the neutral half and the twins",
  "posix": "Linux and macOS",
  "posix/usage": "What was used",
  "posix/spawn": "Starting",
  "posix/containment": "Which processes belong to a tree",
  "posix/tree": "Looking at a tree, signalling and ending it",
  "posix/stdio": "Pipes, files and terminals",
  "posix/wait": "Noticing exits and readiness",
  "posix/signal": "One signal to one process",
  "posix/system": "The C library, `/proc`, libproc",
  "windows": "Windows",
  "windows/usage": "What was used",
  "windows/spawn": "Starting",
  "windows/containment": "Which processes belong to a tree",
  "windows/tree": "Looking at a tree, signalling and ending it",
  "windows/stdio": "Pipes and files",
  "windows/wait": "Noticing exits and readiness",
  "windows/signal": "What stands for a signal",
  "windows/system": "The libraries of Windows",
  "ffi": "Pointers and structures, no processes",
  "cli": "The command line",
  "cli/arguments": "From arguments to options",
  "cli/commands": "One command each",
  "cli/run": "A run of `run` and `timeout`",
  "cli/together": "A run of `together`",
  "cli/init": "Making a configuration",
  "cli/processes": "The list of processes, and its drawing",
  "cli/terminal": "What is written, and how",
  "cli/completions": "Completion for shells",
};

function folderOf(path: string): string {
  return path.split("/").slice(0, -1).join("/");
}

/**
 * The theme of a file.
 *
 * @param text Its source.
 * @returns The first sentence of its first comment; empty when it has none.
 */
export function themeOf(text: string): string {
  const comment = /^(?:#!.*\n|\/\/.*\n)*\/\*\*([^]*?)\*\//.exec(text)?.[1];
  if (comment === undefined || !comment.includes("@module")) return "";
  const words = comment.replaceAll(/^\s*\* ?/gm, "").replace(/@module[^]*/, "")
    .split(/\n\s*\n/)[0]!.replaceAll(/\s+/g, " ").trim();
  return (/^.*?\.(?= [A-Z`]|$)/.exec(words)?.[0] ?? words)
    .replaceAll(/\{@linkcode ([^}]+)\}/g, "`$1`");
}

/**
 * The page.
 *
 * @param files Every source file and its text, by path.
 * @returns Markdown, before it is formatted.
 */
export function listing(files: ReadonlyMap<string, string>): string {
  const parts = [
    "# Every file",
    "Each file of the product, with the first sentence of its comment. Written by " +
    "[files.ts](files.ts); [ARCHITECTURE.md](../ARCHITECTURE.md) is the map.",
  ];
  const folders = new Set([...files.keys()].map(folderOf));
  for (const folder of folders.difference(new Set(Object.keys(FOLDERS)))) {
    throw new Error(`docs/files.ts does not say what ${folder}/ is about`);
  }
  for (const [folder, about] of Object.entries(FOLDERS)) {
    const own = [...files].filter(([path]) => folderOf(path) === folder);
    if (own.length === 0) continue;
    const name = folder === "" ? "" : `\`${folder}/\` · `;
    parts.push(`## ${name}${about}`);
    parts.push(
      own.map(([path, text]) =>
        `- [${path.slice(folder.length).replace("/", "")}](../${path}): ${
          themeOf(text)
        }`
      ).join("\n"),
    );
  }
  return `${parts.join("\n\n")}\n`;
}

if (import.meta.main) {
  const page = new URL("./files.md", import.meta.url);
  await Deno.writeTextFile(page, listing(await sources()));
  const format = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", page.pathname],
  });
  const { success } = await format.output();
  console.log(success ? "docs/files.md is written" : "deno fmt failed");
  Deno.exit(success ? 0 : 1);
}
