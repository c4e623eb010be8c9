/**
 * Command lines for a shell: the option `shell`, and quoting.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import { pathOf, shown, withoutNul } from "../validate.ts";

/**
 * Quotes words for a POSIX shell, so that it takes each as it is, whatever is in it:
 * spaces, quotes, `$`, backticks, `*`, newlines, nothing at all.
 *
 * For dash, bash, busybox, ksh and zsh, not for `cmd.exe`, whose rules differ.
 *
 * @param words The words: a program and its arguments, or one argument.
 * @returns The command line.
 * @throws {TypeError} when it is no array of strings, or one contains a NUL.
 *
 * @example
 * ```ts
 * import { Command, quote } from "@killable/process";
 *
 * const line = quote(["echo", "it's $HOME", "*"]);
 * console.log(line); // echo 'it'\''s $HOME' '*'
 * if (Deno.build.os !== "windows") {
 *   const { stdout } = await new Command(`${line} | tr a-z A-Z`, { shell: true }).output();
 *   console.log(new TextDecoder().decode(stdout).trim()); // IT'S $HOME *
 * }
 * ```
 *
 * @category Start a program
 */
export function quote(words: readonly string[]): string {
  if (!Array.isArray(words)) {
    throw new TypeError(
      `Invalid words of quote(): expected an array of strings, got ${
        shown(words)
      }`,
    );
  }
  const quoted: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word: unknown = words[i];
    if (typeof word !== "string") {
      throw new TypeError(
        `Invalid words of quote(): expected strings, got ${shown(word)}`,
      );
    }
    quoted[i] = quoteWord(withoutNul(word, `word ${i}`));
  }
  return quoted.join(" ");
}

function quoteWord(word: string): string {
  // A word before `=` would be an assignment, one with `~` a home directory.
  if (/^[A-Za-z0-9_\-./:,@+%]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A shell and its arguments. */
export interface ShellCommand {
  /** The shell. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
}

/**
 * The shell that runs a command line.
 *
 * @param shell The option: true, or a shell's path.
 * @param line The command line.
 * @param args The option `args`, which cannot go with it.
 * @returns The shell and its arguments; `null` when no shell is asked for.
 * @throws {TypeError} when the option is of the wrong type, or there are arguments.
 * @throws {Deno.errors.NotSupported} on Windows.
 */
export function shellCommand(
  shell: unknown,
  line: unknown,
  args: unknown,
): ShellCommand | null {
  if (shell === undefined || shell === null || shell === false) return null;
  if (typeof line !== "string") {
    throw new TypeError(
      `Invalid command: with 'shell' it is a command line, got ${shown(line)}`,
    );
  }
  if (args !== undefined && (args as { length?: number }).length !== 0) {
    throw new TypeError(
      "Invalid args: with 'shell' the command is a whole command line. Put them into it with quote()",
    );
  }
  if (backend().name === "windows") {
    throw new Deno.errors.NotSupported(
      'Cannot use \'shell\' on Windows: start cmd.exe with \'windowsRawArguments\', as ["/d", "/s", "/c", …]',
    );
  }
  const program = shell === true ? "/bin/sh" : shell;
  if (typeof program !== "string" || program === "") {
    throw new TypeError(
      `Invalid shell: expected a boolean or the path of a shell, got ${
        shown(shell)
      }`,
    );
  }
  // The line as an operand: one that begins with "-" is no option.
  return {
    program: pathOf(program, "shell"),
    args: ["-c", "--", withoutNul(line, "command")],
  };
}
