/**
 * The options and operands that were given to a command.
 *
 * @module
 */

import { type CommandSpec, GivenOptions } from "./command_spec.ts";
import { normalizeArguments } from "./normalize_arguments.ts";

/**
 * Reads the arguments of a command.
 *
 * @param spec What the command accepts.
 * @param args The arguments after its name.
 * @returns What was given.
 * @throws {UsageError} for a mistake.
 */
export function readOptions<Name extends string>(
  spec: CommandSpec<Name>,
  args: readonly string[],
): GivenOptions<Name> {
  const { options, operands, help } = normalizeArguments(
    spec.options,
    args,
    spec.stopsAtOperand,
  );
  const values: Record<string, true | string[]> = {};
  for (const { name, value } of spec.options) {
    if (value !== undefined) values[name] = [];
  }
  for (const option of options) {
    const [name = "", value] = split(option);
    const all = values[name];
    if (value !== undefined && Array.isArray(all)) all.push(value);
    else values[name] = true;
  }
  return new GivenOptions(values, operands, help);
}

/** The name and the value of `--name=value`, the name of `--name`. */
function split(option: string): [name: string, value?: string] {
  const equals = option.indexOf("=");
  if (equals < 0) return [option.slice(2)];
  return [option.slice(2, equals), option.slice(equals + 1)];
}
