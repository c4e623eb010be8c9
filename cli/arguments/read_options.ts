/**
 * The options and operands that were given to a command.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import type { CommandSpec } from "./command_spec.ts";
import { normalizeArguments } from "./normalize_arguments.ts";

/** What was given. */
export class GivenOptions<Name extends string = string> {
  readonly #values: Readonly<Record<string, unknown>>;
  /** What is no option. */
  readonly operands: readonly string[];
  /** Whether the help was asked for. */
  readonly help: boolean;

  /**
   * @param values What parseArgs() made of the options.
   * @param operands The rest.
   * @param help Whether the help was asked for.
   */
  constructor(
    values: Readonly<Record<string, unknown>>,
    operands: readonly string[],
    help: boolean,
  ) {
    this.#values = values;
    this.operands = operands;
    this.help = help;
  }

  /** Whether a switch was given. */
  has(name: Name): boolean {
    return this.#values[name] === true;
  }

  /** The value of an option, the last one where it was given several times. */
  value(name: Name): string | undefined {
    return (this.#values[name] as string[]).at(-1);
  }

  /** All values of an option. */
  values(name: Name): readonly string[] {
    return this.#values[name] as string[];
  }
}

/**
 * Reads.
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
