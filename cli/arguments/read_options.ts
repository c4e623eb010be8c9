/**
 * The options and operands that were given to a command.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { type CommandSpec, GivenOptions } from "./command_spec.ts";
import { normalizeArguments } from "./normalize_arguments.ts";

/**
 * Reads.
 *
 * @param spec The operands and options of the command.
 * @param args The arguments after its name.
 * @returns The parsed command line.
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
  const valued = spec.options.filter((one) => one.value !== undefined);
  const names = valued.map((one): string => one.name);
  const switches = spec.options.filter((one) => one.value === undefined);
  const values = parseArgs(options, {
    boolean: switches.map((one): string => one.name),
    string: names,
    collect: names,
  });
  return new GivenOptions(values, operands, help);
}
