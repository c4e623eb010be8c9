/**
 * The shape of what is measured, of goals and of figures.
 *
 * @module
 */

/** One line of a row's table: a contender, and what it is to do. */
export interface Entry {
  /** What the reader sees; unique in its row. */
  readonly label: string;
  /** Its name in `contenders.ts`. */
  readonly contender: string;
  /** The case; by default the row's name. */
  readonly case?: string;
  /** Rounds at most, where one takes long. */
  readonly most?: number;
  /** Left out of a quick run. */
  readonly slow?: true;
}

/** What a row shall show. The names are labels of its entries. */
export type Goal =
  /** `of` takes at most so many times what `to` takes. */
  | {
    readonly kind: "ratio";
    readonly of: string;
    readonly to: string;
    readonly most: number;
  }
  /** `of` is at least so many times as fast as `to`. */
  | {
    readonly kind: "speed";
    readonly of: string;
    readonly to: string;
    readonly least: number;
  }
  /** `of` takes at most so much more than `to`. */
  | {
    readonly kind: "difference";
    readonly of: string;
    readonly to: string;
    readonly most: number;
  }
  /** `of` takes at most so much; with `part` not the median but that quantile. */
  | {
    readonly kind: "value";
    readonly of: string;
    readonly most: number;
    readonly part?: number;
  };

/** A number for a whole run, and one for a quick run. */
export type Amount = readonly [whole: number, quick: number];

/** One thing that is measured. */
export interface Row {
  /** For `--only`, and the case of its entries. */
  readonly name: string;
  /** What it is, for the reader. */
  readonly title: string;
  /** Of the figures. */
  readonly unit: string;
  /** How often the case does it in one round. */
  readonly count: Amount;
  /** How many rounds are counted. */
  readonly rounds: Amount;
  /** How many come first to warm caches and compilers. */
  readonly warm: Amount;
  /** The contenders. */
  readonly entries: readonly Entry[];
  /** What is wanted. */
  readonly goals: readonly Goal[];
  /** Every round has a process of its own. */
  readonly fresh?: true;
  /** What is looked at is how often they wake up while they wait. */
  readonly idle?: true;
  /** Needs `/proc`. */
  readonly linux?: true;
}

/** The figures of a row, by label. */
export interface Measured {
  /** One figure for each round, or several. */
  readonly figures: Readonly<Record<string, readonly number[]>>;
  /** Why there are none. */
  readonly notes: Readonly<Record<string, string>>;
}
