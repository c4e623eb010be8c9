/**
 * The words of a table of options, for the completion of all shells.
 *
 * @module
 */

import type {
  CommandSpec,
  OptionSpec,
  ValueHint,
} from "../arguments/command_spec.ts";
import { signalName } from "../../backend/signals.ts";
import { SIGNALS } from "../arguments/signal_operand.ts";

const HELP: OptionSpec = {
  name: "help",
  short: "h",
  help: "show the help and exit",
};

// Second names of a number are understood, and not offered.
const SIGNAL_NAMES: readonly string[] = Object.keys(SIGNALS)
  .filter((name) => signalName(SIGNALS, SIGNALS[name]!) === name)
  .map((name) => name.slice(3));

/** The options of a command, `--help` among them. */
export function allOptions(spec: CommandSpec): readonly OptionSpec[] {
  const has = spec.options.some((one) => one.name === HELP.name);
  return has ? spec.options : [...spec.options, HELP];
}

/** An option's long names and its letter, as they are typed. */
export function optionWords(option: OptionSpec): string[] {
  const words = [`--${option.name}`];
  if (option.alias !== undefined) words.push(`--${option.alias}`);
  if (option.short !== undefined) words.push(`-${option.short}`);
  return words;
}

/** The words a shell may offer for a value; null where they are not known here. */
export function hintWords(
  hint: ValueHint | undefined,
): readonly string[] | null {
  if (hint === "signal") return SIGNAL_NAMES;
  return typeof hint === "object" ? hint : null;
}

/** The first clause of a help, for a list. */
export function shortHelp(option: OptionSpec): string {
  return option.help.split(/[;:]/)[0]!;
}
