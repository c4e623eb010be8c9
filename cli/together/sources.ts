/**
 * Where the commands of `together` come from: the command line, a Procfile, the
 * tasks of a deno.json.
 *
 * @module
 */

import { UsageError } from "../arguments/operands.ts";
import { closest } from "../../process/validate.ts";
import { readText } from "../run/env_file.ts";

/** A name and a command line. */
export type NamedLine = readonly [name: string, line: string];

/**
 * Reads a Procfile: `name: command line`, comments, empty lines.
 *
 * @param text Its text.
 * @param file Its name, for messages.
 * @returns Its commands.
 * @throws {UsageError} for a line that is none of this, and without any command.
 */
export function parseProcfile(text: string, file: string): NamedLine[] {
  const found: NamedLine[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (/^\s*(?:#.*)?$/.test(line)) return;
    const [, name, command] = /^\s*([\w.-]+)\s*:\s*(.*\S)\s*$/.exec(line) ?? [];
    if (name === undefined || command === undefined) {
      throw new UsageError(
        `${file}, line ${index + 1}: expected 'name: command line'`,
      );
    }
    found.push([name, command]);
  });
  if (found.length === 0) throw new UsageError(`${file} has no command`);
  return found;
}

/**
 * The tasks of a deno.json or deno.jsonc that were asked for by name.
 *
 * @param patterns Names; `*` in one stands for any text.
 * @param file The configuration, or undefined for that of this directory.
 * @returns Each task as a command line for `deno task`.
 * @throws {UsageError} for a name that no task has.
 */
export function tasks(
  patterns: readonly string[],
  file: string | undefined,
): NamedLine[] {
  if (patterns.length === 0) return [];
  const path = file ?? findConfig();
  const names = taskNames(readText(path), path);
  const found = patterns.flatMap((pattern) => matching(pattern, names, path));
  const config = file === undefined ? "" : `--config ${shellQuoted(file)} `;
  return [...new Set(found)].map((name) => [
    name,
    `deno task -q ${config}${shellQuoted(name)}`,
  ]);
}

function findConfig(): string {
  for (const name of ["deno.json", "deno.jsonc", "package.json"]) {
    try {
      if (Deno.statSync(name).isFile) return name;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        throw new UsageError(`cannot read '${name}': ${error}`);
      }
    }
  }
  throw new UsageError("there is no deno.json in this directory");
}

/**
 * The names of the tasks.
 *
 * @param text The text of a deno.json, deno.jsonc or package.json.
 * @param path Its name, for messages.
 * @returns The names.
 * @throws {UsageError} when it is no JSON.
 */
export function taskNames(text: string, path: string): string[] {
  try {
    const { tasks, scripts } = JSON.parse(withoutComments(text));
    return Object.keys(tasks ?? scripts ?? {});
  } catch (error) {
    throw new UsageError(`cannot read '${path}': ${(error as Error).message}`);
  }
}

// JSONC: comments and commas behind the last element, both outside of strings.
function withoutComments(text: string): string {
  return text.replace(
    /"(?:[^"\\]|\\[^])*"|\/\/[^\n]*|\/\*[^]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*[}\]])/g,
    (part) => part.startsWith('"') ? part : "",
  );
}

function matching(
  pattern: string,
  names: readonly string[],
  path: string,
): string[] {
  const source = pattern.split("*")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  const form = new RegExp(`^${source}$`);
  const found = names.filter((name) => form.test(name));
  if (found.length > 0) return found;
  const meant = closest(pattern, names);
  throw new UsageError(
    `${path} has no task '${pattern}'` +
      (meant === null ? "" : `; did you mean '${meant}'?`),
  );
}

function shellQuoted(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return Deno.build.os === "windows"
    ? `"${text}"`
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
