/**
 * What the standard streams of a child can be connected to: the options, their
 * validation, and the permission for files.
 *
 * @module
 */

import type {
  DescriptorSpec,
  SpawnSpec,
  StdioMode,
  StdioTarget,
} from "../../backend/spec.ts";
import { flag, pathOf, shown } from "../validate.ts";
import { requestFilePermission } from "../../backend/permissions.ts";

/** A file that the child reads as its standard input. */
export interface InputFile {
  /**
   * The file, relative to this process's working directory. Needs
   * `--allow-read` for it, and `--allow-all` for a device or what is below `/proc`
   * and `/sys`, as `Deno.open` does. A FIFO is waited for until somebody writes to
   * it, as `Deno.openSync` does.
   */
  file: string | URL;
}

/** A file that the child writes to. */
export interface OutputFile {
  /**
   * The file, relative to this process's working directory; created when it is
   * not there. Needs `--allow-write` for it, and `--allow-all` for a device or what
   * is below `/proc` and `/sys`, as `Deno.open` does.
   */
  file: string | URL;
  /**
   * Whether what is in the file stays, and every write goes to its end;
   * otherwise it is emptied first.
   *
   * @default {false}
   */
  append?: boolean;
  /**
   * Permissions of a file that is created, before the umask. Ignored on Windows.
   *
   * @default {0o666}
   */
  mode?: number;
}

/** Something that this process has open. */
export interface OpenDescriptor {
  /**
   * A descriptor; on Windows a handle. The child gets a copy: it stays the
   * caller's to close, which may be done as soon as the child is started.
   */
  descriptor: number;
}

/** What stdin can be. A number is short for `{ descriptor }`. */
export type StdinOption =
  | StdioMode
  | InputFile
  | OpenDescriptor
  | number
  | ReadableStream<Uint8Array>;

/** What stdout can be. A number is short for `{ descriptor }`. */
export type StdoutOption = StdioMode | OutputFile | OpenDescriptor | number;

/** What stderr can be. `"stdout"`: where stdout goes, in order. */
export type StderrOption = StdoutOption | "stdout";

const EXPECTED =
  `"piped", "inherit", "null", { file }, or a descriptor that is open`;
// Beyond it a number is no descriptor; handles of Windows have 32 bits.
const LARGEST_DESCRIPTOR = 0x7fff_ffff;

/**
 * Validates stdin.
 *
 * @param value The option.
 * @param fed Whether there is an `input`.
 * @param fallback Where the option is undefined.
 * @returns What the backend connects it to.
 * @throws {TypeError} when it is nothing that stdin can be.
 */
export function stdinTarget(
  value: unknown,
  fed: boolean,
  fallback: StdioTarget,
): StdioTarget {
  if (fed) {
    if (value === undefined || value === "piped") return "piped";
    throw new TypeError(
      `Invalid stdin: with 'input' it is piped, got ${shown(value)}`,
    );
  }
  if (value === undefined) return fallback;
  if (value instanceof ReadableStream) return "piped";
  const file = fileOf(value);
  if (file === undefined) return common(value, "stdin", EXPECTED);
  const path = filePath(file, "stdin");
  return { path, append: false, mode: 0 };
}

/**
 * Validates stdout, or stderr.
 *
 * @param value The option.
 * @param name `stdout` or `stderr`.
 * @param fallback Where the option is undefined.
 * @param expected What it can be, for the message.
 * @returns What the backend connects it to.
 * @throws {TypeError} when it is nothing that this stream can be.
 */
export function stdoutTarget(
  value: unknown,
  name: "stdout" | "stderr",
  fallback: StdioTarget,
  expected: string = EXPECTED,
): StdioTarget {
  if (value === undefined) return fallback;
  const file = fileOf(value);
  if (file === undefined) return common(value, name, expected);
  const { append, mode } = value as { append: unknown; mode: unknown };
  return {
    path: filePath(file, name),
    append: flag(append, `${name}.append`, false),
    mode: permissions(mode, name),
  };
}

/**
 * Validates stderr.
 *
 * @param value The option.
 * @param fallback Where the option is undefined.
 * @returns What the backend connects it to.
 * @throws {TypeError} when it is nothing that stderr can be.
 */
export function stderrTarget(
  value: unknown,
  fallback: StdioTarget,
): StdioTarget | "stdout" {
  if (value === "stdout") return "stdout";
  return stdoutTarget(value, "stderr", fallback, `"stdout", ${EXPECTED}`);
}

function fileOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as { file?: unknown }).file;
}

function filePath(file: unknown, name: string): string {
  const path = pathOf(file as string | URL, `${name}.file`);
  if (path === "") throw new TypeError(`Invalid ${name}.file: it is empty`);
  return path;
}

function permissions(mode: unknown, name: string): number {
  if (mode === undefined) return 0o666;
  const number = typeof mode === "number" ? mode : -1;
  if (Number.isInteger(number) && number >= 0 && number <= 0o7777) {
    return number;
  }
  throw new TypeError(
    `Invalid ${name}.mode: expected permissions from 0 to 0o7777, got ${
      shown(mode)
    }`,
  );
}

function common(value: unknown, name: string, expected: string): StdioTarget {
  if (value === "piped" || value === "inherit" || value === "null") {
    return value;
  }
  const number = typeof value === "object" && value !== null
    ? (value as { descriptor?: unknown }).descriptor
    : value;
  if (
    typeof number === "number" && Number.isInteger(number) && number >= 0 &&
    number <= LARGEST_DESCRIPTOR
  ) return number;
  throw new TypeError(
    `Invalid ${name}: expected ${expected}, got ${
      shown(number === undefined ? value : number)
    }`,
  );
}

/**
 * Asks for the permissions that the files need, prompting where Deno would.
 *
 * @param spec The validated command.
 * @throws {Deno.errors.NotCapable} when one is refused.
 */
export function requestFileAccess(spec: SpawnSpec): void {
  requestAccess(spec.stdin, "read");
  requestAccess(spec.stdout, "write");
  requestAccess(spec.stderr, "write");
  if (spec.fds === null) return;
  for (let i = 0; i < spec.fds.length; i++) {
    const { origin } = spec.fds[i] as DescriptorSpec;
    if (origin.kind !== "file") continue;
    const name = origin.access === "read" ? "read" : "write";
    requestFilePermission(name, origin.path);
  }
}

function requestAccess(
  target: StdioTarget | "stdout",
  name: "read" | "write",
): void {
  if (typeof target === "object") requestFilePermission(name, target.path);
}
