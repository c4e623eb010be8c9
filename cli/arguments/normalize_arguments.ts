/**
 * Brings arguments into one form, by the rules of getopt_long(3): letters in
 * groups, values attached or apart, long names cut short, `--`. parseArgs() of
 * `@std/cli` reads `-sTERM` as five letters and looks for `--` beyond the first
 * operand: it gets `--name` and `--name=value` only.
 *
 * @module
 */

import type { OptionSpec } from "./command_spec.ts";
import { closest } from "../../process/validate.ts";
import { UsageError } from "./operands.ts";

/** Arguments in one form. */
export interface NormalizedArguments {
  /** `--name` and `--name=value`. */
  readonly options: readonly string[];
  /** The operands, unchanged. */
  readonly operands: readonly string[];
  /** Whether the help was asked for; the arguments after it were not read. */
  readonly help: boolean;
}

const HELP: OptionSpec = {
  name: "help",
  short: "h",
  help: "show this help and exit",
};

/**
 * Normalizes.
 *
 * @param specs The options there are.
 * @param args The arguments.
 * @param stopsAtOperand Whether the first operand ends the options.
 * @returns Options and operands.
 * @throws {UsageError} for an option that does not exist, a missing value, one too many.
 */
export function normalizeArguments(
  specs: readonly OptionSpec[],
  args: readonly string[],
  stopsAtOperand: boolean,
): NormalizedArguments {
  const known = specs.some((one) => one.name === HELP.name)
    ? specs
    : [...specs, HELP];
  const options: string[] = [];
  const operands: string[] = [];
  let help = false;
  const queue = [...args];
  const add = (spec: OptionSpec, value: string | null): void => {
    help ||= spec.name === HELP.name;
    options.push(value === null ? `--${spec.name}` : `--${spec.name}=${value}`);
  };
  while (queue.length > 0 && !help) {
    const arg = queue.shift()!;
    if (arg === "--" || stopsAtOperand && !isOption(arg)) {
      if (arg !== "--") operands.push(arg);
      operands.push(...queue.splice(0));
    } else if (!isOption(arg)) operands.push(arg);
    else if (arg.startsWith("--")) readLong(known, arg, queue, add);
    else readLetters(known, arg, queue, add);
  }
  return { options, operands, help };
}

type Add = (spec: OptionSpec, value: string | null) => void;

function isOption(arg: string): boolean {
  return arg.length > 1 && arg.startsWith("-");
}

function readLong(
  specs: readonly OptionSpec[],
  arg: string,
  queue: string[],
  add: Add,
): void {
  const equals = arg.indexOf("=");
  const written = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const attached = equals < 0 ? null : arg.slice(equals + 1);
  const [name, spec] = findLong(specs, written);
  if (spec.value === undefined) {
    if (attached !== null) {
      throw new UsageError(`option '--${name}' doesn't allow an argument`);
    }
    return add(spec, null);
  }
  const value = attached ?? queue.shift();
  if (value === undefined) {
    throw new UsageError(`option '--${name}' requires an argument`);
  }
  add(spec, nonEmpty(value, name));
}

function readLetters(
  specs: readonly OptionSpec[],
  arg: string,
  queue: string[],
  add: Add,
): void {
  for (let i = 1; i < arg.length; i++) {
    const letter = arg[i]!;
    const spec = specs.find((one) => one.short === letter);
    if (spec === undefined) {
      throw new UsageError(`invalid option -- '${letter}'`);
    }
    if (spec.value === undefined) {
      add(spec, null);
      continue;
    }
    const value = arg.slice(i + 1) || queue.shift();
    if (value === undefined) {
      throw new UsageError(`option requires an argument -- '${letter}'`);
    }
    return add(spec, nonEmpty(value, spec.name));
  }
}

function nonEmpty(value: string, name: string): string {
  if (value !== "") return value;
  throw new UsageError(`option '--${name}' requires an argument, got ''`);
}

/** The option of a long name, or of the beginning of exactly one. */
function findLong(
  specs: readonly OptionSpec[],
  written: string,
): [name: string, spec: OptionSpec] {
  const names: [string, OptionSpec][] = [];
  for (const spec of specs) {
    names.push([spec.name, spec]);
    if (spec.alias !== undefined) names.push([spec.alias, spec]);
  }
  const exact = names.find(([name]) => name === written);
  if (exact !== undefined) return exact;
  const begun = names.filter(([name]) => name.startsWith(written));
  if (begun.length === 1) return begun[0]!;
  if (begun.length > 1) {
    const list = begun.map(([name]) => `'--${name}'`).join(" ");
    throw new UsageError(
      `option '--${written}' is ambiguous; possibilities: ${list}`,
    );
  }
  const meant = closest(written, names.map(([name]) => name));
  throw new UsageError(
    `unrecognized option '--${written}'` +
      (meant === null ? "" : `; did you mean '--${meant}'?`),
  );
}
