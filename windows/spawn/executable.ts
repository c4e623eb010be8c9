/**
 * The file that a program's name stands for: the search that `Deno.Command` does, in
 * the child's PATH and relative to the child's directory. And the environment block of
 * the child.
 *
 * `CreateProcessW` is then given the absolute path: its own search would look
 * into the directory of this program and the current one first.
 *
 * @module
 */

import { readWideList } from "../../ffi/memory.ts";
import { viewAt } from "../../ffi/library.ts";
import { requireWellFormed } from "../system/command_line.ts";
import { windowsError } from "../system/errors.ts";
import type { FileSystem } from "../system/file_system.ts";
import { processes } from "../system/kernel32.ts";

/** Where to look. */
export interface SearchPlaces {
  /** The child's PATH, directories separated by semicolons. */
  readonly path: string;
  /** PATHEXT: extensions that a name may lack, with dots. */
  readonly pathext: string;
  /** The child's directory, absolute. */
  readonly cwd: string;
}

/** The value of PATHEXT where it is not set. */
export const DEFAULT_PATHEXT = ".COM;.EXE;.BAT;.CMD";

/**
 * Finds a program.
 *
 * @param name The name that the caller wrote.
 * @param places Where to look.
 * @param files The file system.
 * @returns Its absolute path. A name with a directory in it comes back absolute
 * even when nothing is there, so that the permission is asked for it first;
 * `null` when a bare name is nowhere in PATH.
 */
export function findExecutable(
  name: string,
  places: SearchPlaces,
  files: FileSystem,
): string | null {
  if (/[\\/]/.test(name) || /^[A-Za-z]:/.test(name)) {
    return files.absolute(joined(places.cwd, name));
  }
  const extensions = extensionsOf(places.pathext);
  const known = endsWithOne(name, extensions);
  const directories = splitPath(places.path);
  for (let i = 0; i < directories.length; i++) {
    const base = joined(joined(places.cwd, directories[i] as string), name);
    // A file without an extension is no program to CreateProcessW.
    if (name.includes(".") && files.isFile(base)) return files.absolute(base);
    if (known) continue;
    for (let k = 0; k < extensions.length; k++) {
      const candidate = base + (extensions[k] as string);
      if (files.isFile(candidate)) return files.absolute(candidate);
    }
  }
  return null;
}

/**
 * The file that is started for an absolute path: as it is when it has an
 * extension, else with `.com` or `.exe`, as `Deno.Command` does.
 *
 * @param path The path, of {@linkcode findExecutable}.
 * @param files The file system.
 * @returns The file, or `null` when there is none.
 */
export function existingExecutable(
  path: string,
  files: FileSystem,
): string | null {
  const name = path.slice(path.lastIndexOf("\\") + 1);
  if (name === "") return null;
  const dot = name.indexOf(".");
  const extended = dot >= 0 && dot + 1 < name.length;
  if (extended && files.isFile(path)) return path;
  const stem = name.endsWith(".") ? path : path + ".";
  if (files.isFile(stem + "com")) return stem + "com";
  if (files.isFile(stem + "exe")) return stem + "exe";
  return null;
}

/** PATH's directories; quotes around one protect a semicolon in it. */
function splitPath(path: string): string[] {
  const directories: string[] = [];
  let directory = "";
  let quoted = false;
  for (let i = 0; i <= path.length; i++) {
    const unit = path[i];
    if (unit === '"') {
      quoted = !quoted;
    } else if (unit === undefined || (unit === ";" && !quoted)) {
      if (directory !== "") directories.push(directory);
      directory = "";
    } else {
      directory += unit;
    }
  }
  return directories;
}

function extensionsOf(pathext: string): string[] {
  const parts = pathext.split(";");
  const extensions: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const extension = parts[i] as string;
    if (extension.startsWith(".")) extensions.push(extension);
  }
  return extensions;
}

function endsWithOne(name: string, extensions: readonly string[]): boolean {
  const lower = name.toLowerCase();
  for (let i = 0; i < extensions.length; i++) {
    if (lower.endsWith((extensions[i] as string).toLowerCase())) return true;
  }
  return false;
}

/** `path` seen from `base`; `base` is absolute. */
function joined(base: string, path: string): string {
  if (/^[\\/]{2}/.test(path) || /^[A-Za-z]:/.test(path)) return path;
  if (/^[\\/]/.test(path)) {
    return /^[A-Za-z]:/.test(base) ? base.slice(0, 2) + path : path;
  }
  return base.replace(/[\\/]+$/, "") + "\\" + path;
}

// The environment of a new process: one block of `NAME=value` strings, each with
// a NUL behind, sorted by name without regard to case, and a NUL at the end.
//
// Pages: "Changing Environment Variables", "CreateProcessW function" (lpEnvironment),
// "CompareStringOrdinal function".

/**
 * Names and values; `names` and `values` run parallel.
 *
 * @category Windows
 */
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
 * @returns The same text for all spellings of one name.
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
 * @param set The variables to set.
 * @returns Names in the system's order, each once.
 * @throws {TypeError} when a name or value is not well-formed UTF-16.
 * @category Windows
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
 * @category Windows
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
 * @category Windows
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
