/**
 * Types of {@linkcode parseArgs}: what a set of options says about the result.
 * They infer what the real package's types infer, for names without dots.
 *
 * @module
 */

type BooleanNames = boolean | string | undefined;
type Names = string | undefined;
type Defaults = Record<string, unknown> | undefined;

/** Other names of options. */
export type Aliases<
  TArgNames = string,
  TAliasNames extends string = string,
> = Partial<
  Record<Extract<TArgNames, string>, TAliasNames | ReadonlyArray<TAliasNames>>
>;

/** Options for {@linkcode parseArgs}. */
export interface ParseOptions<
  TBooleans extends BooleanNames = BooleanNames,
  TStrings extends Names = Names,
  TCollectable extends Names = Names,
  TNegatable extends Names = Names,
  TDefault extends Defaults = Defaults,
  TAliases extends Aliases | undefined = Aliases | undefined,
  TDoubleDash extends boolean | undefined = boolean | undefined,
> {
  /** Keeps what follows `--` apart, under that name. */
  "--"?: TDoubleDash;
  /** Other names of options. */
  alias?: TAliases;
  /** Options without a value; `true`: all long ones. */
  boolean?: TBooleans | ReadonlyArray<Extract<TBooleans, string>>;
  /** Values of options that are not given. */
  default?: TDefault;
  /** Takes everything after the first argument that is no option as it is. */
  stopEarly?: boolean;
  /** Options whose values stay strings. */
  string?: TStrings | ReadonlyArray<Extract<TStrings, string>>;
  /** Options that may be given several times: their values make an array. */
  collect?: TCollectable | ReadonlyArray<Extract<TCollectable, string>>;
  /** Options that `--no-NAME` sets to false. */
  negatable?: TNegatable | ReadonlyArray<Extract<TNegatable, string>>;
  /** Told of every argument that is not known; false leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The result of {@linkcode parseArgs}. */
export type Args<
  // deno-lint-ignore no-explicit-any -- the real package's signature
  TArgs extends Record<string, unknown> = Record<string, any>,
  TDoubleDash extends boolean | undefined = undefined,
> = Flat<
  & TArgs
  & { _: Array<string | number> }
  & (boolean extends TDoubleDash ? { "--"?: string[] }
    : true extends TDoubleDash ? { "--": string[] }
    : Record<never, never>)
>;

/** What is known of the options, given which of them are described. */
export type Values<
  TBooleans extends BooleanNames,
  TStrings extends Names,
  TCollectable extends Names,
  TNegatable extends Names,
  TDefault extends Defaults,
  TAliases extends Aliases | undefined,
> = IsGiven<TBooleans> | IsGiven<TStrings> | IsGiven<TCollectable> extends false
  // deno-lint-ignore no-explicit-any -- the real package's signature
  ? Record<string, any>
  :
    & Record<string, unknown>
    & WithAliases<
      WithDefaults<
        & BooleanFields<Extract<TBooleans, string>, TCollectable>
        & StringFields<Extract<TStrings, string>, TCollectable, TNegatable>
        & OtherFields<
          Exclude<Extract<TCollectable, string>, TBooleans | TStrings>,
          TNegatable
        >,
        TDefault
      >,
      TAliases
    >;

type IsGiven<TNames> = [TNames] extends [false | undefined] ? false : true;

type BooleanFields<TName extends string, TCollectable> = {
  [Key in TName]: Key extends TCollectable ? boolean[] : boolean;
};

type StringFields<TName extends string, TCollectable, TNegatable> =
  & {
    [Key in Exclude<TName, TCollectable>]?: string | Negated<Key, TNegatable>;
  }
  & {
    [Key in Extract<TName, TCollectable>]: string[] | Negated<Key, TNegatable>;
  };

type OtherFields<TName extends string, TNegatable> = {
  [Key in TName]: unknown[] | Negated<Key, TNegatable>;
};

type Negated<TName, TNegatable> = TName extends TNegatable ? false : never;

type WithDefaults<TFields, TDefault> = TDefault extends undefined ? TFields
  :
    & Omit<TFields, keyof TDefault>
    & {
      [Key in keyof TDefault]: Key extends keyof TFields
        ? TDefault[Key] | NonNullable<TFields[Key]>
        : unknown;
    };

type WithAliases<TFields, TAliases> = {
  [Key in keyof TFields as Key | AliasesOf<Key, TAliases>]: TFields[Key];
};

type AliasesOf<TName, TAliases> = TName extends keyof TAliases
  ? string extends TAliases[TName] ? never
  : TAliases[TName] extends string ? TAliases[TName]
  : TAliases[TName] extends ReadonlyArray<infer TAlias extends string> ? TAlias
  : never
  : never;

type Flat<TRecord> = { [Key in keyof TRecord]: TRecord[Key] };
