/**
 * The command line as a program of its own, started as a user starts it.
 *
 * @module
 */

import { dirname } from "@std/path";
import { within } from "../fixtures/deadline.ts";
import { denoUnderTest } from "../fixtures/deno.ts";

const ROOT = new URL("../../", import.meta.url);

/** The program itself. */
export const CLI: string = new URL("cli.ts", ROOT).href;

/** Flags that make a Deno find `@std` where this one found it. */
export function stdFlags(): string[] {
  const standIns = import.meta.resolve("@std/cli/parse-args")
    .startsWith("file:");
  // Not both: to install and compile, the imports of a deno.json come first.
  return standIns
    ? ["--no-config", "--import-map", path("tests/offline/import_map.json")]
    : ["--config", path("deno.json")];
}

function path(name: string): string {
  const { pathname } = new URL(name, ROOT);
  return decodeURIComponent(
    Deno.build.os === "windows" ? pathname.slice(1) : pathname,
  );
}

/** A PATH that begins with the Deno under test: what starts `deno` finds that. */
export function pathWithDeno(): string {
  const separator = Deno.build.os === "windows" ? ";" : ":";
  return `${dirname(denoUnderTest())}${separator}${Deno.env.get("PATH")}`;
}

/** Arguments for Deno that run the program. */
export function cliArgs(
  args: readonly string[],
  permissions: readonly string[] = ["-A"],
): string[] {
  const flags = ["--quiet", "--no-lock", "--no-check", ...stdFlags()];
  return ["run", ...flags, ...permissions, CLI, ...args];
}

/** How a run ended. */
export interface CliOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface CliOptions {
  readonly permissions?: readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** Starts it: the three streams are piped. */
export function startCli(
  args: readonly string[],
  options: CliOptions = {},
): Deno.ChildProcess {
  const { permissions, ...rest } = options;
  return new Deno.Command(denoUnderTest(), {
    args: cliArgs(args, permissions),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    // On Windows Deno's job for its children would end the tree with the program.
    detached: Deno.build.os === "windows",
    ...rest,
  }).spawn();
}

/** Runs it to its end, with nothing to read. */
export async function cli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliOutput> {
  const { permissions, ...rest } = options;
  const { code, stdout, stderr } = await within(
    new Deno.Command(denoUnderTest(), {
      args: cliArgs(args, permissions),
      stdin: "null",
      ...rest,
    }).output(),
    `killable ${args.join(" ")}`,
  );
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}
