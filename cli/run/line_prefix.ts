/**
 * Names in front of the lines of several commands.
 *
 * @module
 */

import type { Palette } from "../terminal/colour.ts";
import { UsageError } from "../arguments/operands.ts";

/**
 * The names of command lines.
 *
 * @param lines The command lines.
 * @param given `a,b,c`, or undefined.
 * @returns One for each: the given name, or the program, with a number where two would be alike.
 * @throws {UsageError} when there are more or fewer.
 */
export function namesOf(
  lines: readonly string[],
  given: string | undefined,
): string[] {
  if (given !== undefined) {
    const names = given.split(",");
    if (names.length === lines.length) return names;
    throw new UsageError(
      `--names gives ${names.length} for ${lines.length} command lines`,
    );
  }
  const words = lines.map(programOf);
  return words.map((word, index) =>
    words.filter((one) => one === word).length > 1
      ? `${word}:${index + 1}`
      : word
  );
}

// `deno task NAME` and `npm run NAME` are better known by the task.
function programOf(line: string): string {
  const [program = "", verb, task] = line.trim().split(/\s+/);
  if ((verb === "task" || verb === "run") && task) return task;
  return program.replace(/.*[\\/]/, "") || "command";
}

/**
 * The prefixes of lines: names of one width, each in a colour of its own.
 *
 * @param names The names.
 * @param palette Whether there are colours.
 * @returns One for each.
 */
export function prefixes(names: readonly string[], palette: Palette): string[] {
  const width = Math.max(...names.map((name) => name.length));
  const colours = [
    (text: string) => palette.cyan(text),
    (text: string) => palette.yellow(text),
    (text: string) => palette.green(text),
    (text: string) => palette.bold(text),
  ];
  return names.map((name, index) => {
    const colour = colours[index % colours.length]!;
    return `${colour(`${name.padEnd(width)} |`)} `;
  });
}
