/**
 * Batch files: `cmd.exe` runs them, and `cmd.exe` reads the command line by
 * rules of its own, in which `&`, `%` or a quote start other commands
 * (CVE-2024-24576, CVE-2024-43402).
 *
 * So they are started through `cmd.exe` by name, with every argument in a form
 * that reaches the batch file as text. What cannot be made safe is refused.
 *
 * Page: "cmd" (Windows Commands).
 *
 * @module
 */

import { requireWellFormed } from "../system/command_line.ts";

/**
 * Whether Windows would hand this file to `cmd.exe`. Trailing dots and blanks
 * are not part of a file's name there: `a.bat. .` is `a.bat`.
 *
 * @param path The program's path.
 * @returns Whether it is a batch file.
 */
export function isBatchFile(path: string): boolean {
  return /\.(bat|cmd)$/i.test(path.replace(/[. ]+$/, ""));
}

/**
 * The arguments of `cmd.exe` that run a batch file.
 *
 * The whole command stands in one more pair of quotes, which `cmd /c` removes.
 * `/e:ON` is needed by the form that percent signs take, `/v:OFF` keeps `!`
 * a character, `/d` leaves the AutoRun commands out.
 *
 * @param script Absolute path of the batch file.
 * @param args Its arguments.
 * @param raw Whether the arguments are joined with blanks as they are; the
 * caller answers for them then.
 * @returns What follows the name of `cmd.exe` in the command line.
 * @throws {TypeError} when the script or an argument cannot be written safely.
 */
export function batchCommand(
  script: string,
  args: readonly string[],
  raw: boolean,
): string {
  requireWellFormed(script, "program");
  if (/["\r\n]/.test(script) || script.endsWith("\\")) {
    throw new TypeError(`Invalid program '${script}': not a batch file's name`);
  }
  let line = `/e:ON /v:OFF /d /c ""${escapePercent(script)}"`;
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as string;
    requireWellFormed(argument, `argument ${i}`);
    // A line end would cut the command off, quoted or not.
    if (/[\r\n]/.test(argument)) {
      throw new TypeError(
        `Cannot pass argument ${i} to the batch file '${script}': cmd.exe has no form for a line end`,
      );
    }
    line += " " + (raw ? argument : quoteForCmd(argument));
  }
  return line + '"';
}

/**
 * One argument, in quotes that both `cmd.exe` and the usual rules understand.
 *
 * Always quoted, so that no character is special to `cmd.exe`; a quote inside
 * becomes two, which leaves `cmd.exe` inside its quotes.
 */
function quoteForCmd(argument: string): string {
  let line = '"';
  let backslashes = 0;
  for (let i = 0; i < argument.length; i++) {
    const unit = argument[i] as string;
    if (unit === "\\") {
      backslashes++;
    } else {
      if (unit === '"') line += "\\".repeat(backslashes) + '"';
      backslashes = 0;
    }
    line += unit;
  }
  return escapePercent(line + "\\".repeat(backslashes)) + '"';
}

/**
 * Percent signs expand variables even inside quotes. Behind `%cd:~,` (an empty
 * piece of the variable `cd`, which always exists) the next one has no partner.
 */
function escapePercent(text: string): string {
  return text.replaceAll("%", "%%cd:~,%");
}
