/**
 * The environment of a new process: one block of `NAME=value` strings, each with
 * a NUL behind, sorted by name without regard to case, and a NUL at the end.
 *
 * Pages: "Changing Environment Variables", "CreateProcessW function" (lpEnvironment),
 * "CompareStringOrdinal function".
 *
 * @module
 */

import { viewAt } from "../../ffi/pointer.ts";
import { readWideList } from "../../ffi/wide_string.ts";
import { requireWellFormed } from "../system/command_line.ts";
import { windowsError } from "../system/errors.ts";
import { processes } from "../system/kernel32.ts";

/** Names and values; `names` and `values` run parallel. */
export interface Environment {
  /** The names, each once. */
  readonly names: readonly string[];
  /** Their values. */
  readonly values: readonly string[];
}

/**
 * A name as Windows compares it: unit by unit in upper case.
 *
 * The system's table maps single units only, and only to those that map back:
 * `ß` stays `ß` (its upper case has two letters), and neither `ı` becomes `I` nor
 * the micro sign the Greek letter.
 *
 * @param name The name.
 * @returns What two spellings of one name have in common.
 */
export function foldName(name: string): string {
  let folded = "";
  for (let i = 0; i < name.length; i++) {
    const unit = name[i] as string;
    const upper = unit.toUpperCase();
    const pair = upper.length === 1 && upper.toLowerCase() === unit;
    folded += pair ? upper : unit;
  }
  return folded;
}

/**
 * The order of `CompareStringOrdinal` without regard to case.
 *
 * @param left A folded name.
 * @param right A folded name.
 * @returns A negative number, 0 or a positive number.
 */
export function compareNames(left: string, right: string): number {
  // JavaScript compares strings by UTF-16 units, which is the ordinal order.
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Takes `NAME=value` strings apart. The first character is always part of the
 * name: the current directory of drive C is kept as `=C:=C:\dir`.
 *
 * @param entries The strings, as `GetEnvironmentStringsW` gives them.
 * @returns Names and values.
 */
export function parseEnvironment(entries: readonly string[]): Environment {
  const names: string[] = [];
  const values: string[] = [];
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as string;
    const equals = entry.indexOf("=", 1);
    if (equals < 0) continue;
    names.push(entry.slice(0, equals));
    values.push(entry.slice(equals + 1));
  }
  return { names, values };
}

/**
 * The child's environment: the parent's, if it is kept, with `set` over it. Of
 * two spellings of one name the later one counts, value and spelling.
 *
 * @param parent The parent's environment.
 * @param clear Whether it is left out; `SYSTEMROOT` is kept even then, because
 * without it Windows finds neither its sockets nor its cryptography.
 * @param set What to set.
 * @returns Names in the system's order, each once.
 * @throws {TypeError} when a name or value is not well-formed UTF-16.
 */
export function childEnvironment(
  parent: Environment,
  clear: boolean,
  set: Environment,
): Environment {
  const found = new Map<string, [string, string]>();
  for (let i = 0; i < parent.names.length; i++) {
    const name = parent.names[i] as string;
    const folded = foldName(name);
    if (clear && folded !== "SYSTEMROOT") continue;
    found.set(folded, [name, parent.values[i] as string]);
  }
  for (let i = 0; i < set.names.length; i++) {
    const name = set.names[i] as string;
    const value = set.values[i] as string;
    requireWellFormed(name, "environment variable name");
    requireWellFormed(value, `value of environment variable '${name}'`);
    found.set(foldName(name), [name, value]);
  }
  return inOrder(found);
}

function inOrder(found: Map<string, [string, string]>): Environment {
  // forEach and sort use no iterator: see ARCHITECTURE.md on hostile prototypes.
  const keys: string[] = [];
  found.forEach((_, key) => keys.push(key));
  keys.sort(compareNames);
  const names: string[] = [];
  const values: string[] = [];
  for (let i = 0; i < keys.length; i++) {
    const pair = found.get(keys[i] as string) as [string, string];
    names.push(pair[0]);
    values.push(pair[1]);
  }
  return { names, values };
}

/**
 * The value of a variable.
 *
 * @param environment Where to look.
 * @param name Its name, in any case.
 * @returns The value, or `null`.
 */
export function variable(
  environment: Environment,
  name: string,
): string | null {
  const wanted = foldName(name);
  for (let i = 0; i < environment.names.length; i++) {
    if (foldName(environment.names[i] as string) === wanted) {
      return environment.values[i] as string;
    }
  }
  return null;
}

/**
 * The text of the block; {@linkcode wideString} adds the last NUL.
 *
 * @param environment Names in the system's order.
 * @returns The strings, each with a NUL behind; one NUL for an empty environment.
 */
export function environmentBlock(environment: Environment): string {
  let block = "";
  for (let i = 0; i < environment.names.length; i++) {
    block += `${environment.names[i]}=${environment.values[i]}\0`;
  }
  return block === "" ? "\0" : block;
}

// This process's environment, read natively: as with `Deno.Command`, a child
// inherits it without the permission to read it.
//
// Page: "GetEnvironmentStringsW function".

/**
 * The variables of this process.
 *
 * @returns Names and values, `=C:` entries included.
 * @throws {SystemError} when Windows has no memory for a copy.
 */
export function ownEnvironment(): Environment {
  const k = processes();
  const address = k.GetEnvironmentStringsW();
  const code = address === 0n ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "GetEnvironmentStringsW");
  try {
    return parseEnvironment(readWideList(viewAt(address)));
  } finally {
    k.FreeEnvironmentStringsW(address);
  }
}
