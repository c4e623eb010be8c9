import { ArgumentParser } from "./argument_parser.ts";
import type { Aliases, Args, ParseOptions, Values } from "./types.ts";

/**
 * Reads command line arguments. The real package makes nested objects of names
 * with dots; this stand-in does not.
 */
export function parseArgs<
  TDoubleDash extends boolean | undefined = undefined,
  TBooleans extends boolean | string | undefined = undefined,
  TStrings extends string | undefined = undefined,
  TCollectable extends string | undefined = undefined,
  TNegatable extends string | undefined = undefined,
  TDefaults extends Record<string, unknown> | undefined = undefined,
  TAliases extends Aliases<TAliasArgNames, TAliasNames> | undefined = undefined,
  TAliasArgNames extends string = string,
  TAliasNames extends string = string,
>(
  args: readonly string[],
  options?: ParseOptions<
    TBooleans,
    TStrings,
    TCollectable,
    TNegatable,
    TDefaults,
    TAliases,
    TDoubleDash
  >,
): Args<
  Values<TBooleans, TStrings, TCollectable, TNegatable, TDefaults, TAliases>,
  TDoubleDash
> {
  const parser = new ArgumentParser((options ?? {}) as ParseOptions);
  return parser.parse(args) as ReturnType<
    typeof parseArgs<
      TDoubleDash,
      TBooleans,
      TStrings,
      TCollectable,
      TNegatable,
      TDefaults,
      TAliases
    >
  >;
}
