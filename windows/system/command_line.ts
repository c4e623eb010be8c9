/**
 * Arguments into one command line, for programs that take it apart by the rules
 * of `CommandLineToArgvW` or of the Microsoft C runtime.
 *
 * Windows hands a new process one string; the program splits it. Both rule sets
 * agree on the text that is written here: backslashes count only in front of a quote, and
 * a quote inside an argument is `\"`, never `""` (there the two sets differ).
 *
 * Pages: "CommandLineToArgvW function", "Parsing C command-line arguments".
 *
 * @module
 */

/** `CreateProcessW` takes at most this many UTF-16 units, the NUL included.
 * @category Win32 constants */
export const MAX_COMMAND_LINE = 32_767;

/**
 * One argument, quoted where it has to be.
 *
 * @param argument The argument.
 * @returns Its form in a command line.
 * @category Windows
 */
export function quoteArgument(argument: string): string {
  const quoted = argument === "" || /[ \t\n\v]/.test(argument);
  let line = quoted ? '"' : "";
  let backslashes = 0;
  for (let i = 0; i < argument.length; i++) {
    const unit = argument[i] as string;
    if (unit === "\\") {
      backslashes++;
    } else {
      // Backslashes in front of a quote are halved by the reader.
      if (unit === '"') line += "\\".repeat(backslashes + 1);
      backslashes = 0;
    }
    line += unit;
  }
  // The closing quote is a quote like any other.
  return quoted ? line + "\\".repeat(backslashes) + '"' : line;
}

/**
 * The program's name as the first word, for which other rules hold: no escapes,
 * and a quote begins or ends a quoted part.
 *
 * @param program The path.
 * @returns The quoted path.
 * @throws {TypeError} when it contains a quote, which no file name can.
 */
export function quoteProgram(program: string): string {
  if (program.includes('"')) {
    throw new TypeError(
      `Invalid program '${program}': a Windows file name cannot contain a quote`,
    );
  }
  return `"${program}"`;
}

/**
 * The whole command line.
 *
 * @param program The program's path.
 * @param args Its arguments.
 * @param raw Whether the arguments are joined with blanks as they are.
 * @returns The command line.
 * @throws {TypeError} when a part is not well-formed UTF-16, or the program contains a quote.
 * @category Windows
 */
export function commandLine(
  program: string,
  args: readonly string[],
  raw: boolean,
): string {
  requireWellFormed(program, "program");
  let line = quoteProgram(program);
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as string;
    requireWellFormed(argument, `argument ${i}`);
    line += " " + (raw ? argument : quoteArgument(argument));
  }
  return line;
}

/**
 * Refuses a lone surrogate: `Deno.Command` cannot pass one on either, and
 * programs that convert the line to UTF-8 would see something else.
 *
 * @param text The text.
 * @param what Its name, for the message.
 * @throws {TypeError} when it is not well-formed UTF-16.
 */
export function requireWellFormed(text: string, what: string): void {
  if (!text.isWellFormed()) {
    throw new TypeError(
      `Invalid ${what}: it contains a lone surrogate and is not well-formed UTF-16`,
    );
  }
}
