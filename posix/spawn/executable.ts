/**
 * Finding the program as `Deno.Command` does, in the child's PATH and relative to the
 * child's working directory; and making the child's environment.
 *
 * @module
 */

import { isLoaderVariable } from "../../backend/permissions.ts";
import { cString, type CStringArray, cStringArray } from "../../ffi/memory.ts";
import { addressOf, viewAt } from "../../ffi/library.ts";
import { ENOENT } from "../system/errno.ts";
import { absolutePath, isExecutable } from "../system/file_system.ts";
import { libc } from "../system/libc.ts";

/** A program found, or ENOENT. */
export type Resolution =
  | { readonly path: string }
  | { readonly errno: number };

/** Where a program is looked for. */
export interface SearchPlaces {
  /** The child's PATH, or `null`. */
  readonly path: string | null;
  /** The child's working directory; absolute. */
  readonly cwd: string;
  /** This process's working directory; `null` when it is gone. */
  readonly own: string | null;
}

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/**
 * Finds a program.
 *
 * An empty entry of PATH is skipped, so that a bare name never runs a file of the
 * working directory. A relative entry counts if it leads to the program from this
 * process's directory as well as from the child's: `Deno.Command` looks in the one
 * and starts in the other. A directory that may not be searched, and a file that
 * may not be executed, do not end the search.
 *
 * @param command A name without slash, looked for in PATH; or a path.
 * @param places Where to look.
 * @returns Its absolute path, or ENOENT.
 */
export function findExecutable(
  command: string,
  { path, cwd, own }: SearchPlaces,
): Resolution {
  if (command.includes("/")) return { path: absolutePath(command, cwd) };
  const directories = (path ?? DEFAULT_PATH).split(":");
  for (let i = 0; i < directories.length; i++) {
    const directory = directories[i] as string;
    if (directory === "") continue;
    const entry = `${directory}/${command}`;
    if (!directory.startsWith("/")) {
      if (own === null || !isExecutable(absolutePath(entry, own))) continue;
    }
    const candidate = absolutePath(entry, cwd);
    if (isExecutable(candidate)) return { path: candidate };
  }
  return { errno: ENOENT };
}

// The child's environment. It needs no `--allow-env`: as with `Deno.Command`, the
// parent's variables go to the child unseen.

/** The part of a spawn specification that makes the environment. */
export interface EnvironmentRequest {
  readonly clearEnv: boolean;
  readonly envNames: readonly string[];
  readonly envValues: readonly string[];
  /** Whether LISTEN_PID comes first, to be written in the child. */
  readonly listenPid?: boolean;
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

const LISTEN_PID = "LISTEN_PID";
const NO_PID = cString("LISTEN_PID=");

/**
 * Builds the environment. The parent's variables are passed on as the bytes they
 * are, valid UTF-8 or not.
 *
 * @param request The caller's settings.
 * @returns The `envp`.
 */
export function buildEnvironment(request: EnvironmentRequest): Environment {
  const { clearEnv, envNames, envValues, listenPid = false } = request;
  if (!clearEnv && envNames.length === 0 && !listenPid) {
    return { address: ownEnvironment(), strings: null };
  }
  const own = new Map<string, string>();
  for (let i = 0; i < envNames.length; i++) {
    own.set(envNames[i] as string, envValues[i] as string);
  }
  const inherited: bigint[] = [];
  if (listenPid) {
    own.delete(LISTEN_PID);
    inherited.push(addressOf(NO_PID));
  }
  if (!clearEnv) {
    forEachOwn((entry, address) => {
      const equals = entry.indexOf("=", 1);
      const name = equals < 0 ? entry : entry.slice(0, equals);
      if (own.has(name) || listenPid && name === LISTEN_PID) return;
      inherited.push(address);
    });
  }
  const entries: string[] = [];
  own.forEach((value, name) => entries.push(`${name}=${value}`));
  const strings = cStringArray(entries, inherited);
  return { address: addressOf(strings.pointers), strings };
}

/**
 * The child's variables with names that are no identifiers: a shell drops them.
 *
 * @param request The caller's settings.
 * @returns Each as `name=value`.
 */
export function droppedByShell(request: EnvironmentRequest): string[] {
  const dropped = new Map<string, string>();
  const note = (name: string, entry: string): void => {
    if (name !== "" && !/^[A-Za-z_]\w*$/.test(name)) dropped.set(name, entry);
  };
  if (!request.clearEnv) {
    forEachOwn((entry) => {
      const equals = entry.indexOf("=", 1);
      if (equals > 0) note(entry.slice(0, equals), entry);
    });
  }
  for (let i = 0; i < request.envNames.length; i++) {
    const name = request.envNames[i] as string;
    note(name, `${name}=${request.envValues[i]}`);
  }
  const entries: string[] = [];
  dropped.forEach((entry) => entries.push(entry));
  return entries;
}

/**
 * The child's `PATH`, which decides where its program is found; the parent's
 * where the child has none.
 *
 * @param request The caller's settings.
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
 * @param request The caller's settings.
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
