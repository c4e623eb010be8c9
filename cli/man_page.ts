/**
 * A manual page in roff (man(7)), from the same specification as the help.
 *
 * @module
 */

import type {
  CommandSpec,
  HelpRow,
  OptionSpec,
} from "./arguments/command_spec.ts";

const HELP: OptionSpec = {
  name: "help",
  short: "h",
  help: "show the help and exit",
};

/**
 * Makes the page of a command.
 *
 * @param spec The operands and options of the command.
 * @param version The version that the page describes.
 * @returns The text, without a line feed at its end.
 */
export function manPage(spec: CommandSpec, version: string): string {
  const has = spec.options.some((one) => one.name === HELP.name);
  const options = has ? spec.options : [...spec.options, HELP];
  const title = `KILLABLE-${spec.name.toUpperCase()}`;
  return [
    `.TH ${title} 1 "" "${escaped(version)}" "User Commands"`,
    ".SH NAME",
    `killable\\-${spec.name} \\- ${escaped(spec.summary)}`,
    ".SH SYNOPSIS",
    `.B killable ${spec.name}`,
    escaped(spec.usage),
    ".SH DESCRIPTION",
    spec.description.map(paragraph).join("\n.PP\n"),
    ".SH OPTIONS",
    ...options.map(optionRows),
    ...spec.signals === undefined ? [] : [".SH SIGNALS", rows(spec.signals)],
    ".SH EXIT STATUS",
    rows(spec.exitStatus),
    ".SH PERMISSIONS",
    paragraph(spec.permissions),
    ".SH EXAMPLES",
    rows(spec.examples),
    ".SH SEE ALSO",
    ".BR kill (1), timeout (1), signal (7)",
  ].join("\n");
}

function rows(list: readonly HelpRow[]): string {
  return list.map(([left, right]) =>
    `.TP\n\\fB${escaped(left)}\\fR\n${paragraph(right)}`
  ).join("\n");
}

function optionRows(option: OptionSpec): string {
  const names = [
    ...option.short === undefined ? [] : [`\\fB\\-${option.short}\\fR`],
    `\\fB${escaped(`--${option.name}`)}\\fR`,
    ...option.alias === undefined
      ? []
      : [`\\fB${escaped(`--${option.alias}`)}\\fR`],
  ].join(", ");
  const value = option.value === undefined
    ? ""
    : `=\\fI${escaped(option.value)}\\fR`;
  return `.TP\n${names}${value}\n${paragraph(option.help)}`;
}

// A line that begins with a dot or an apostrophe would be a request.
function paragraph(text: string): string {
  const line = escaped(text);
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq").replaceAll("…", "...").replaceAll("→", "\\(->");
}
