/**
 * Which file a program's name stands for: the search that `Deno.Command` does,
 * in the child's PATH and relative to the child's directory.
 *
 * `CreateProcessW` is then given the absolute path: its own search would look
 * into the directory of this program and the current one first.
 *
 * @module
 */

import type { FileSystem } from "../system/file_system.ts";

/** Where to look. */
export interface SearchPlaces {
  /** The child's PATH, directories separated by semicolons. */
  readonly path: string;
  /** PATHEXT: extensions that a name may lack, with dots. */
  readonly pathext: string;
  /** The child's directory, absolute. */
  readonly cwd: string;
}

/** What PATHEXT means where it is not set. */
export const DEFAULT_PATHEXT = ".COM;.EXE;.BAT;.CMD";

/**
 * Finds a program.
 *
 * @param name What the caller wrote.
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
 * @param path What {@linkcode findExecutable} found.
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
