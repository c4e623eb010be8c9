/**
 * Files of environment variables, as docker and dotenv read them: `NAME=value`,
 * `export NAME=value`, comments, values in single, double or no quotes. Nothing is
 * expanded: a `$` is a `$`.
 *
 * @module
 */

import { UsageError } from "../arguments/operands.ts";

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=[ \t]*/;
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "\\": "\\",
  $: "$",
};

/**
 * Reads the text of a file.
 *
 * @param text The text.
 * @param name The file's name, for messages.
 * @returns The variables; of several with one name the last.
 * @throws {UsageError} for a line that assigns nothing; it names the line and shows
 * nothing of it, since it may hold a secret.
 */
export function parseEnvFile(
  text: string,
  name: string,
): Record<string, string> {
  const variables: Record<string, string> = {};
  let rest = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  let line = 1;
  while (rest !== "") {
    const blank = /^[ \t]*(?:#[^\n]*)?(?:\n|$)/.exec(rest);
    if (blank !== null && blank[0] !== "") {
      rest = rest.slice(blank[0].length);
      line++;
      continue;
    }
    const assignment = ASSIGNMENT.exec(rest);
    if (assignment === null) throw invalid(name, line);
    const [value, length] = readValue(rest.slice(assignment[0].length)) ??
      fail(name, line);
    const used = assignment[0].length + length;
    variables[assignment[1]!] = value;
    line += rest.slice(0, used).split("\n").length - 1;
    rest = rest.slice(used);
  }
  return variables;
}

// A value and how much of the text it takes, its line end included.
function readValue(text: string): [value: string, length: number] | null {
  const quoted =
    /^(?:'([^']*)'|"((?:[^"\\]|\\[^])*)")[ \t]*(?:#[^\n]*)?(?:\n|$)/
      .exec(text);
  if (quoted !== null) {
    const [all, single, double] = quoted;
    return [single ?? unescape(double!), all.length];
  }
  if (/^['"]/.test(text)) return null;
  const [all, value] = /^([^\n]*?)(?:[ \t]+#[^\n]*|[ \t]*)(?:\n|$)/.exec(text)!;
  return [value!, all.length];
}

function unescape(text: string): string {
  return text.replace(/\\([^])/g, (all, one: string) => ESCAPES[one] ?? all);
}

function fail(name: string, line: number): never {
  throw invalid(name, line);
}

function invalid(name: string, line: number): UsageError {
  return new UsageError(
    `${name}, line ${line}: expected NAME=value, a comment or an empty line`,
  );
}

/**
 * Reads files, the later ones over the earlier ones.
 *
 * @param paths The files.
 * @returns The variables of all.
 * @throws {UsageError} when one cannot be read.
 */
export function readEnvFiles(paths: readonly string[]): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const path of paths) {
    Object.assign(variables, parseEnvFile(readText(path), path));
  }
  return variables;
}

/**
 * Reads a file that the command line names.
 *
 * @param path The file.
 * @returns Its text.
 * @throws {UsageError} when it cannot be read.
 */
export function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read '${path}': ${(error as Error).message}`);
  }
}
