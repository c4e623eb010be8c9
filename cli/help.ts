/**
 * The help, made from the table of a command.
 *
 * @module
 */

import { type Palette, paletteFor } from "./terminal/colour.ts";
import type {
  CommandEntry,
  CommandSpec,
  HelpRow,
  OptionSpec,
} from "./arguments/command_spec.ts";
import { textWidth, wrapText } from "./terminal/say.ts";

const INDENT = "  ";
// A blank at which no line is broken.
const HARD = "\0";

const EXAMPLES: readonly HelpRow[] = [
  ["killable run --timeout 5m -- npm test", "a test run that cannot hang"],
  ["killable timeout -k 5 60 make", "as GNU timeout, for the whole tree"],
  ["killable tree 4711", "the processes that a process has started"],
  ["killable kill 4711", "end it, with all of that"],
  ["killable doctor", "the guarantees that this machine allows"],
];

/**
 * The help of the program.
 *
 * @param commands The commands there are.
 * @param palette Colours.
 * @returns The text, without a line feed at its end.
 */
export async function generalHelp(
  commands: readonly CommandEntry[],
  palette: Palette = paletteFor(Deno.stdout),
): Promise<string> {
  const rows: HelpRow[] = [];
  for (const { name, load } of commands) {
    rows.push([name, (await load()).SPEC.summary]);
  }
  return [
    "Start programs, and end them with everything they started.",
    "",
    `${palette.bold("Usage:")} killable COMMAND [OPTION]... [ARG]...`,
    "",
    section("Commands", rows, palette),
    "",
    section("Examples", EXAMPLES, palette),
    "",
    ...wrapText(
      "'killable COMMAND --help' explains a command, with examples and exit statuses. The name 'killable' is that of 'deno install -g -A -n killable jsr:@killable/process/cli'.",
      textWidth(),
    ),
  ].join("\n");
}

/**
 * The help of a command.
 *
 * @param spec Its operands and options.
 * @param palette Colours.
 * @returns The text, without a line feed at its end.
 */
export function commandHelp(
  spec: CommandSpec,
  palette: Palette = paletteFor(Deno.stdout),
): string {
  const help: OptionSpec = {
    name: "help",
    short: "h",
    help: "show this help and exit",
  };
  const listed = spec.options.some((one) => one.name === "help");
  const options = listed ? spec.options : [...spec.options, help];
  return [
    `${palette.bold("Usage:")} ${spec.program} ${spec.usage}`,
    ...wrapText(`${sentence(spec.summary)}.`, textWidth()),
    ...spec.description.map((text) =>
      "\n" + wrapText(text, textWidth()).join("\n")
    ),
    "",
    section("Options", options.map(optionRow), palette),
    "",
    ...spec.signals === undefined
      ? []
      : [section("Signals", spec.signals, palette), ""],
    section("Examples", spec.examples, palette),
    "",
    section("Exit status", spec.exitStatus, palette),
    "",
    palette.bold("Permissions:"),
    ...wrapText(spec.permissions, textWidth() - INDENT.length).map((line) =>
      INDENT + line
    ),
  ].join("\n");
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function optionRow(option: OptionSpec): HelpRow {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const alias = option.alias === undefined ? "" : `, --${option.alias}`;
  const value = option.value === undefined ? "" : `=${option.value}`;
  return [`${short}--${option.name}${alias}${value}`, option.help];
}

// A left column on lines of its own; a command line goes on behind a backslash.
function leftLines(
  left: string,
  isCommand: boolean,
  palette: Palette,
): string[] {
  // A quoted part stays whole.
  const whole = left.replace(/'[^']*'/g, (text) => text.replaceAll(" ", HARD));
  const wrapped = wrapText(whole, textWidth() - 3 * INDENT.length);
  return wrapped.map((part, index) => {
    const line = part.replaceAll(HARD, " ");
    const more = isCommand && index < wrapped.length - 1 ? " \\" : "";
    const indent = index === 0 ? INDENT : INDENT + INDENT;
    return indent + palette.cyan(line) + more;
  });
}

/** A heading and rows of two columns; a wide left column has a line of its own. */
function section(
  title: string,
  rows: readonly HelpRow[],
  palette: Palette,
): string {
  const lines = [palette.bold(`${title}:`)];
  const widest = Math.max(...rows.map(([left]) => left.length));
  // Two columns, where the right one keeps room for some words.
  const fits = widest <= 24 && textWidth() - widest >= 44;
  const column = fits ? widest + 2 : title === "Options" ? 10 : 6;
  for (const [left, right] of rows) {
    const wrapped = wrapText(right, textWidth() - INDENT.length - column);
    const margin = " ".repeat(INDENT.length + column);
    if (fits) {
      const gap = " ".repeat(column - left.length);
      lines.push(`${INDENT}${palette.cyan(left)}${gap}${wrapped.shift()}`);
    } else lines.push(...leftLines(left, title === "Examples", palette));
    lines.push(...wrapped.map((line) => margin + line));
  }
  return lines.join("\n");
}
