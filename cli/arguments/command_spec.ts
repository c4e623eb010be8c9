/**
 * The operands and options of a command, as data: parsing, help and shell completion are all
 * made from it.
 *
 * @module
 */

/** A parsed command line. */
export class GivenOptions<Name extends string = string> {
  readonly #values: Readonly<Record<string, unknown>>;
  /** The operands. */
  readonly operands: readonly string[];
  /** Whether the help was asked for. */
  readonly help: boolean;

  /**
   * @param values The options, of parseArgs().
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

/** The words that a shell may offer for a value. */
export type ValueHint =
  | "command"
  | "directory"
  | "file"
  | "pid"
  | "signal"
  | readonly string[];

/** One option. */
export interface OptionSpec<Name extends string = string> {
  /** The long name, without dashes. */
  readonly name: Name;
  /** The letter. */
  readonly short?: string;
  /** Another long name. */
  readonly alias?: string;
  /** The name of the value in the help; an option without one is a switch. */
  readonly value?: string;
  /** The words that a shell may offer for the value. */
  readonly hint?: ValueHint;
  /** Whether it may be given several times. */
  readonly repeated?: boolean;
  /** One or two lines for the help. */
  readonly help: string;
}

/** A pair of columns in the help. */
export type HelpRow = readonly [left: string, right: string];

/** One command. */
export interface CommandSpec<Name extends string = string> {
  /** Its name. */
  readonly name: string;
  /** The beginning of messages, and the name in `Try '…'`. */
  readonly program: string;
  /** Its purpose, in one line. */
  readonly summary: string;
  /** After the name of the program. */
  readonly usage: string;
  /** Paragraphs. */
  readonly description: readonly string[];
  /** Its options; `--help` is understood by every command. */
  readonly options: readonly OptionSpec<Name>[];
  /** The kind of its operands, for a shell. */
  readonly operand?: ValueHint;
  /** Whether the first operand ends the options: the rest belongs to another program. */
  readonly stopsAtOperand: boolean;
  /** Signals to this program, and their effect. */
  readonly signals?: readonly HelpRow[];
  /** Command lines, each with its purpose. */
  readonly examples: readonly HelpRow[];
  /** A status and when the command ends with it. */
  readonly exitStatus: readonly HelpRow[];
  /** The permissions that it needs, and the use of further ones. */
  readonly permissions: string;
  /** The status for a mistake in the command line. */
  readonly usageStatus: number;
}

/** A module in `commands/`. */
export interface CommandModule {
  /** Its operands and options. */
  readonly SPEC: CommandSpec;
  /**
   * Does it.
   *
   * @param given The parsed command line.
   * @param commands All commands, for one that is about the others.
   * @returns The exit status.
   */
  run(
    given: GivenOptions,
    commands: readonly CommandEntry[],
  ): Promise<number>;
}

/** A command by name; its module is loaded when the command is used. */
export interface CommandEntry {
  /** Its name. */
  readonly name: string;
  /** Loads it. */
  readonly load: () => Promise<CommandModule>;
}
