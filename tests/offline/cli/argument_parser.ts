import type { ParseOptions } from "./types.ts";

type Value = string | number | boolean;
interface Result {
  [name: string]: unknown;
  _: (string | number)[];
}

/**
 * Reads arguments the way of minimist, which `@std/cli` follows. By hand: the
 * parser of `node:util` refuses unknown options and knows no numbers.
 */
export class ArgumentParser {
  readonly #options: ParseOptions;
  readonly #aliases = new Map<string, readonly string[]>();
  readonly #booleans: ReadonlySet<string>;
  readonly #strings: ReadonlySet<string>;
  readonly #collected: ReadonlySet<string>;
  readonly #negatable: ReadonlySet<string>;
  readonly #result: Result = { _: [] };

  constructor(options: ParseOptions) {
    this.#options = options;
    for (const [name, value] of Object.entries(options.alias ?? {})) {
      if (value === undefined) {
        throw new TypeError("Alias value must be defined");
      }
      const group = [name, ...[value].flat()];
      for (const one of group) {
        this.#aliases.set(one, group.filter((other) => other !== one));
      }
    }
    const { boolean } = options;
    this.#booleans = this.#named(boolean === true ? undefined : boolean);
    this.#strings = this.#named(options.string);
    this.#collected = this.#named(options.collect);
    this.#negatable = this.#named(options.negatable);
  }

  /** Reads all arguments. */
  parse(args: readonly string[]): Result {
    const dashes = args.indexOf("--");
    const rest = dashes === -1 ? [] : args.slice(dashes + 1);
    this.#read(dashes === -1 ? args : args.slice(0, dashes));
    this.#fillIn();
    if (this.#options["--"]) this.#result["--"] = rest;
    else this.#result._.push(...rest);
    return this.#result;
  }

  /** A set of option names together with their aliases. */
  #named(names: string | readonly string[] | false | undefined): Set<string> {
    const given = [names || []].flat().filter((name) => name !== "");
    return new Set(
      given.flatMap((name) => [name, ...this.#aliases.get(name) ?? []]),
    );
  }

  #read(args: readonly string[]): void {
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!;
      if (arg.length > 1 && arg.startsWith("-")) {
        const took = arg.startsWith("--")
          ? this.#long(arg, args[i + 1])
          : this.#short(arg, args[i + 1]);
        if (took) i++;
        continue;
      }
      this.#positional(arg);
      if (this.#options.stopEarly) {
        this.#result._.push(...args.slice(i + 1));
        return;
      }
    }
  }

  #positional(arg: string): void {
    if (this.#options.unknown?.(arg) === false) return;
    this.#result._.push(this.#strings.has("_") ? arg : numberOr(arg));
  }

  /** Reads `--name`, `--name=value` or `--name value`; true when `next` is used. */
  #long(arg: string, next: string | undefined): boolean {
    const [, negation = "", key, value] = /^--(no-)?([^]+?)(?:=([^]*))?$/.exec(
      arg,
    )! as (string | undefined)[];
    if (value !== undefined) {
      const flag = this.#booleans.has(key!);
      this.#set(key!, flag ? value !== "false" : value, arg);
      return false;
    }
    if (negation && this.#negatable.has(key!)) {
      this.#set(key!, false, arg, false);
      return false;
    }
    const takesValue = this.#options.boolean !== true &&
      !next?.startsWith("-");
    return this.#setFromNext(negation + key, arg, next, takesValue);
  }

  /** Reads `-a`, `-abc`, `-n5`, `-n=5` or `-n 5`; true when `next` is used. */
  #short(arg: string, next: string | undefined): boolean {
    for (let i = 1; i < arg.length - 1; i++) {
      const letter = arg[i]!;
      const rest = arg.slice(i + 1);
      if (rest === "-") {
        this.#set(letter, rest, arg);
        continue;
      }
      const value = valueInGroup(letter, rest);
      if (value !== null) {
        this.#set(letter, value, arg);
        return false;
      }
      this.#set(letter, this.#strings.has(letter) ? "" : true, arg);
    }
    const last = arg.slice(-1);
    if (last === "-") return false;
    const takesValue = !/^--?[^-]/.test(next ?? "");
    return this.#setFromNext(last, arg, next, takesValue);
  }

  /** Sets an option whose value, if it has one, is the next argument. */
  #setFromNext(
    key: string,
    arg: string,
    next: string | undefined,
    takesValue: boolean,
  ): boolean {
    if (next && takesValue && !this.#booleans.has(key)) {
      this.#set(key, next, arg);
      return true;
    }
    if (next === "true" || next === "false") {
      this.#set(key, next === "true", arg);
      return true;
    }
    this.#set(key, this.#strings.has(key) ? "" : true, arg);
    return false;
  }

  #set(key: string, value: Value, arg: string, collect = true): void {
    if (!this.#isKnown(key, arg)) {
      if (this.#options.unknown?.(arg, key, value) === false) return;
    }
    const read = typeof value === "string" && !this.#strings.has(key)
      ? numberOr(value)
      : value;
    for (const name of [key, ...this.#aliases.get(key) ?? []]) {
      if (name === "__proto__") continue;
      const before = this.#result[name];
      this.#result[name] = !collect || !this.#collected.has(key)
        ? read
        : Array.isArray(before)
        ? [...before, read]
        : [...before ? [before] : [], read];
    }
  }

  #isKnown(key: string, arg: string): boolean {
    return this.#booleans.has(key) || this.#strings.has(key) ||
      this.#aliases.has(key) || this.#collected.has(key) ||
      this.#options.boolean === true && /^--[^=]+$/.test(arg);
  }

  /** Gives the options that were not named their defaults. */
  #fillIn(): void {
    for (const [key, value] of Object.entries(this.#options.default ?? {})) {
      if (Object.hasOwn(this.#result, key)) continue;
      for (const name of [key, ...this.#aliases.get(key) ?? []]) {
        this.#result[name] = value;
      }
    }
    for (const name of this.#booleans) {
      if (Object.hasOwn(this.#result, name)) continue;
      this.#result[name] = this.#collected.has(name) ? [] : false;
    }
    for (const name of this.#strings) {
      if (Object.hasOwn(this.#result, name)) continue;
      if (this.#collected.has(name)) this.#result[name] = [];
    }
  }
}

/** The value that follows a letter within its group; `null`: more letters do. */
function valueInGroup(letter: string, rest: string): string | null {
  if (rest === "=") return "";
  if (/[A-Za-z]/.test(letter)) {
    const assigned = /=(.+)/.exec(rest)?.[1];
    if (assigned !== undefined) return assigned;
    if (/\d+(\.\d*)?(e-?\d+)?$/.test(rest)) return rest;
  }
  return rest.length > 1 && /^\W/.test(rest) ? rest : null;
}

function numberOr(text: string): string | number {
  return /\S/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}
