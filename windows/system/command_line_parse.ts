/**
 * A command line taken apart, as the program that receives it does.
 *
 * There are two rule sets. They treat the first word alike but for an empty
 * line, and differ in what `""` means inside a quoted part.
 *
 * Pages: "CommandLineToArgvW function", "Parsing C command-line arguments".
 *
 * @module
 */

/**
 * `CommandLineToArgvW` of shell32, or the Microsoft C runtime since 2008.
 *
 * @category Windows
 */
export type CommandLineRules = "CommandLineToArgvW" | "crt2008";

function isBlank(unit: string | undefined): boolean {
  return unit === " " || unit === "\t";
}

/**
 * Takes a command line apart.
 *
 * @param line The command line.
 * @param rules The rules of the program that reads it.
 * @returns The program's name, then the arguments.
 * @category Windows
 */
export function parseCommandLine(
  line: string,
  rules: CommandLineRules,
): string[] {
  const first = rules === "crt2008"
    ? parseProgram(line)
    : parseShellProgram(line);
  const argv = [first.text];
  let at = first.end;
  while (true) {
    while (isBlank(line[at])) at++;
    if (at >= line.length) return argv;
    const next = parseArgument(line, at, rules);
    argv.push(next.text);
    at = next.end;
  }
}

interface Word {
  readonly text: string;
  readonly end: number;
}

/** The C runtime: quotes may stand anywhere in the first word. */
function parseProgram(line: string): Word {
  let text = "";
  let quoted = false;
  let at = 0;
  for (; at < line.length; at++) {
    const unit = line[at] as string;
    if (unit === '"') quoted = !quoted;
    else if (!quoted && isBlank(unit)) break;
    else text += unit;
  }
  return { text, end: at };
}

/** shell32: the first word is either all quoted or not at all. */
function parseShellProgram(line: string): Word {
  if (line[0] === '"') {
    const close = line.indexOf('"', 1);
    if (close < 0) return { text: line.slice(1), end: line.length };
    return { text: line.slice(1, close), end: close + 1 };
  }
  let at = 0;
  while (at < line.length && !isBlank(line[at])) at++;
  return { text: line.slice(0, at), end: at };
}

function parseArgument(
  line: string,
  start: number,
  rules: CommandLineRules,
): Word {
  let text = "";
  let quoted = false;
  let at = start;
  while (at < line.length && (quoted || !isBlank(line[at]))) {
    const backslashes = countOf(line, at, "\\");
    at += backslashes;
    if (line[at] !== '"') {
      text += "\\".repeat(backslashes);
      if (backslashes === 0) text += line[at++] as string;
      continue;
    }
    text += "\\".repeat(backslashes >> 1);
    if (backslashes % 2 === 1) {
      text += '"';
      at++;
      if (rules === "crt2008") continue;
    }
    const run = countOf(line, at, '"');
    const after: Quotes = rules === "crt2008"
      ? runOfQuotes(run, quoted)
      : shellRunOfQuotes(run, quoted);
    text += '"'.repeat(after.literal);
    quoted = after.quoted;
    at += run;
  }
  return { text, end: at };
}

function countOf(line: string, start: number, unit: string): number {
  let end = start;
  while (line[end] === unit) end++;
  return end - start;
}

interface Quotes {
  readonly literal: number;
  readonly quoted: boolean;
}

/** Inside a quoted part two quotes are one that stays; any other one switches. */
function runOfQuotes(run: number, quoted: boolean): Quotes {
  let literal = 0;
  let inside = quoted;
  for (let left = run; left > 0; left--) {
    if (inside && left >= 2) {
      literal++;
      left--;
    } else {
      inside = !inside;
    }
  }
  return { literal, quoted: inside };
}

/** Every third quote in a row, the opening one counted, is one that stays. */
function shellRunOfQuotes(run: number, quoted: boolean): Quotes {
  const count = run + (quoted ? 1 : 0);
  return { literal: Math.floor(count / 3), quoted: count % 3 === 1 };
}
