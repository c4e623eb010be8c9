/**
 * Finding the program: as `Deno.Command` does, in the child's PATH and relative
 * to the child's working directory.
 *
 * @module
 */

import { isLoaderVariable } from "../../backend/permissions.ts";
import {
  cString,
  type CStringArray,
  cStringArray,
} from "../../ffi/c_string.ts";
import { addressOf, viewAt } from "../../ffi/library.ts";
import { EACCES, ENOENT } from "../system/errno.ts";
import {
  absolutePath,
  isDirectory,
  isExecutable,
  isThere,
} from "../system/file_system.ts";
import { libc } from "../system/libc.ts";

/** A program found, or what stood in the way. */
export type Resolution =
  | { readonly path: string }
  | { readonly errno: number };

/**
 * Finds a program.
 *
 * @param command A name without slash, looked for in `path`; or a path.
 * @param cwd The child's working directory, absolute.
 * @param path The child's PATH, or `null`.
 * @returns Its absolute path, or ENOENT; EACCES when only files that may not be
 * executed have that name.
 */
export function findExecutable(
  command: string,
  cwd: string,
  path: string | null,
): Resolution {
  if (command.includes("/")) return { path: absolutePath(command, cwd) };
  const directories = (path ?? "/usr/local/bin:/usr/bin:/bin").split(":");
  let denied = false;
  for (let i = 0; i < directories.length; i++) {
    // An empty entry is the working directory (POSIX, Environment Variables).
    const directory = directories[i] || ".";
    const candidate = absolutePath(`${directory}/${command}`, cwd);
    if (isExecutable(candidate)) return { path: candidate };
    denied ||= isThere(candidate) && !isDirectory(candidate);
  }
  return { errno: denied ? EACCES : ENOENT };
}

// The child's environment, without needing `--allow-env`: as with
// `Deno.Command`, the parent's variables go to the child unseen.

/** What of a spawn specification makes the environment. */
export interface EnvironmentRequest {
  readonly clearEnv: boolean;
  readonly envNames: readonly string[];
  readonly envValues: readonly string[];
}

/** An `envp`: keep the object while C uses the address. */
export interface Environment {
  /** Address of the `char *[]`. */
  readonly address: bigint;
  /** Keeps its memory alive; `null` when it is the parent's own. */
  readonly strings: CStringArray | null;
}

// The C variable itself, seen as memory.
let environ: BigUint64Array<ArrayBuffer> | null = null;

/** Address of the parent's `char *environ[]`; 0 when it is empty. */
function ownEnvironment(): bigint {
  if (environ === null) {
    const variable = libc().environ as Deno.PointerObject | null;
    if (variable === null) return 0n;
    environ = new BigUint64Array(
      Deno.UnsafePointerView.getArrayBuffer(variable, 8),
    );
  }
  return environ[0] as bigint;
}

// Calls `visit` with the text and the address of each of the parent's variables.
function forEachOwn(visit: (entry: string, address: bigint) => void): void {
  const array = ownEnvironment();
  if (array === 0n) return;
  const pointers = viewAt(array);
  for (let offset = 0;; offset += 8) {
    const address = pointers.getBigUint64(offset);
    if (address === 0n) return;
    visit(viewAt(address).getCString(), address);
  }
}

/**
 * Builds the environment. The parent's variables are passed on as the bytes they
 * are, valid UTF-8 or not.
 *
 * @param request What the caller set.
 * @returns The `envp`.
 */
export function buildEnvironment(request: EnvironmentRequest): Environment {
  const { clearEnv, envNames, envValues } = request;
  if (!clearEnv && envNames.length === 0) {
    return { address: ownEnvironment(), strings: null };
  }
  const own = new Map<string, string>();
  for (let i = 0; i < envNames.length; i++) {
    own.set(envNames[i] as string, envValues[i] as string);
  }
  const inherited: bigint[] = [];
  if (!clearEnv) {
    forEachOwn((entry, address) => {
      const equals = entry.indexOf("=", 1);
      const name = equals < 0 ? entry : entry.slice(0, equals);
      if (!own.has(name)) inherited.push(address);
    });
  }
  const entries: string[] = [];
  own.forEach((value, name) => entries.push(`${name}=${value}`));
  const strings = cStringArray(entries, inherited);
  return { address: addressOf(strings.pointers), strings };
}

/**
 * The child's `PATH`, which decides where its program is found; the parent's
 * where the child has none.
 *
 * @param request What the caller set.
 * @returns The value, or `null` when neither has one.
 */
export function childPath(request: EnvironmentRequest): string | null {
  const { envNames, envValues } = request;
  for (let i = envNames.length - 1; i >= 0; i--) {
    if (envNames[i] === "PATH") return envValues[i] as string;
  }
  const pointer = libc().getenv(PATH);
  return pointer === null ? null : Deno.UnsafePointerView.getCString(pointer);
}

const PATH = cString("PATH");

/**
 * Names of the child's non-empty variables that steer the dynamic loader.
 *
 * @param request What the caller set.
 * @returns The names, sorted.
 */
export function loaderVariables(request: EnvironmentRequest): string[] {
  const found = new Map<string, boolean>();
  const note = (name: string, value: string): void => {
    if (isLoaderVariable(name)) found.set(name, value !== "");
  };
  if (!request.clearEnv) {
    forEachOwn((entry) => {
      const equals = entry.indexOf("=", 1);
      if (equals > 0) note(entry.slice(0, equals), entry.slice(equals + 1));
    });
  }
  for (let i = 0; i < request.envNames.length; i++) {
    note(request.envNames[i] as string, request.envValues[i] as string);
  }
  const names: string[] = [];
  found.forEach((set, name) => {
    if (set) names.push(name);
  });
  return names.sort();
}
