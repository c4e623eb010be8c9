/**
 * The help: made from what a command accepts.
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
import { wrapText } from "./terminal/say.ts";

const WIDTH = 80;
const INDENT = "  ";

const EXAMPLES: readonly HelpRow[] = [
  ["killable run --timeout 5m -- npm test", "a test run that cannot hang"],
  ["killable timeout -k 5 60 make", "as GNU timeout, for the whole tree"],
  ["killable tree 4711", "what a process has started"],
  ["killable kill 4711", "end it, with all of that"],
  ["killable doctor", "what can be guaranteed on this machine"],
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
    "'killable COMMAND --help' explains a command, with examples and exit statuses.",
    "The name 'killable' is that of 'deno install -g -A -n killable jsr:@killable/process/cli'.",
  ].join("\n");
}

/**
 * The help of a command.
 *
 * @param spec What it accepts.
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
    `${sentence(spec.summary)}.`,
    ...spec.description.map((text) => "\n" + wrapText(text, WIDTH).join("\n")),
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
    ...wrapText(spec.permissions, WIDTH - INDENT.length).map((line) =>
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

/** A heading and rows of two columns; a wide left column has a line of its own. */
function section(
  title: string,
  rows: readonly HelpRow[],
  palette: Palette,
): string {
  const lines = [palette.bold(`${title}:`)];
  const widest = Math.max(...rows.map(([left]) => left.length));
  const column = widest <= 24 ? widest + 2 : title === "Options" ? 10 : 6;
  for (const [left, right] of rows) {
    const gap = " ".repeat(Math.max(column - left.length, 2));
    const fits = widest <= 24;
    const begin = INDENT + palette.cyan(left);
    const wrapped = wrapText(right, WIDTH - INDENT.length - column);
    const rest = fits ? wrapped.slice(1) : wrapped;
    lines.push(fits ? `${begin}${gap}${wrapped[0]}` : begin);
    const margin = " ".repeat(INDENT.length + column);
    lines.push(...rest.map((line) => margin + line));
  }
  return lines.join("\n");
}
