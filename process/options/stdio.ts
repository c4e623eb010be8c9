/**
 * The standard streams and further descriptors of a child: the options, their
 * validation, and the permission for files.
 *
 * @module
 */

import { backend } from "../../backend/backend.ts";
import { requestFilePermission } from "../../backend/permissions.ts";
import type {
  DescriptorOrigin,
  DescriptorSpec,
  FileAccess,
  SpawnSpec,
  StdioMode,
  StdioTarget,
} from "../../backend/spec.ts";
import type { SocketAddress } from "../../ffi/socket_address.ts";
import { Listener } from "../listen.ts";
import {
  checkOptions,
  flag,
  isReadable,
  type Known,
  oneOf,
  pathOf,
  shown,
} from "../validate.ts";

/**
 * A file that the child reads as its standard input.
 *
 * @category Standard streams
 */
export interface InputFile {
  /**
   * The file, relative to this process's working directory. Needs
   * `--allow-read` for it, and `--allow-all` for a device or a file below `/proc`
   * and `/sys`, as `Deno.open` does. A FIFO is waited for until another process
   * opens it for writing, as `Deno.openSync` does.
   */
  file: string | URL;
}

/**
 * A file that the child writes to.
 *
 * @category Standard streams
 */
export interface OutputFile {
  /**
   * The file, relative to this process's working directory; created when it is
   * not there. Needs `--allow-write` for it, and `--allow-all` for a device or what
   * is below `/proc` and `/sys`, as `Deno.open` does.
   */
  file: string | URL;
  /**
   * Whether the content of the file stays, and every write goes to its end;
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

/**
 * Something that this process has open.
 *
 * @category Standard streams
 */
export interface OpenDescriptor {
  /**
   * A descriptor; on Windows a handle. The child gets a copy: it stays the
   * caller's to close, which may be done as soon as the child is started.
   */
  descriptor: number;
}

/**
 * What stdin can be. A number is short for `{ descriptor }`.
 *
 * @category Standard streams
 */
export type StdinOption =
  | StdioMode
  | InputFile
  | OpenDescriptor
  | number
  | ReadableStream<Uint8Array>;

/**
 * What stdout can be. A number is short for `{ descriptor }`.
 *
 * @category Standard streams
 */
export type StdoutOption = StdioMode | OutputFile | OpenDescriptor | number;

/**
 * What stderr can be. `"stdout"`: where stdout goes, in order.
 *
 * @category Standard streams
 */
export type StderrOption = StdoutOption | "stdout";

const INPUT_FILE: Known<InputFile> = { file: true };
const OUTPUT_FILE: Known<OutputFile> = { file: true, append: true, mode: true };

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
 * @returns The target that the backend connects it to.
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
  if (isReadable(value)) return "piped";
  const file = fileOf(value);
  if (file === undefined) return common(value, "stdin", EXPECTED);
  checkOptions(value, "stdin", INPUT_FILE);
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
 * @returns The target that the backend connects it to.
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
  checkOptions(value, name, OUTPUT_FILE);
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
 * @returns The target that the backend connects it to.
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

// ---- Descriptors of a child beyond its standard streams: options and validation ----

/**
 * A new pipe between this process and a descriptor of the child.
 *
 * @category Descriptors and sockets
 */
export interface FdPipe {
  /**
   * The use that the child makes of its end. It `"read"`s what is written to
   * `child.fds[n].writable`, or it `"write"`s what `child.fds[n].readable` gives.
   */
  pipe: "read" | "write";
}

/**
 * A file as a descriptor of the child, opened by this process as `Deno.open` would.
 *
 * @category Descriptors and sockets
 */
export interface FdFile {
  /** Its path or file URL; relative to this process's working directory. */
  file: string | URL;
  /**
   * `"read"` needs `--allow-read`; `"write"` makes or empties the file, and
   * `"append"` makes it or adds to it: both need `--allow-write`.
   */
  access: FileAccess;
}

/**
 * What a descriptor of the child is made of: a descriptor of this process (on
 * Windows a handle), the null device, a pipe, a file, or a listening socket.
 *
 * @category Descriptors and sockets
 */
export type FdSource =
  | number
  | "null"
  | FdPipe
  | FdFile
  | Listener<SocketAddress>;

/**
 * A listening socket with the name that the child knows it by.
 *
 * @category Descriptors and sockets
 */
export interface NamedListener {
  /** The socket. */
  listener: Listener<SocketAddress>;
  /** Its name in LISTEN_FDNAMES: printable ASCII without a colon, up to 255 characters. */
  name: string;
}

// sd_listen_fds(3): SD_LISTEN_FDS_START.
const FIRST_LISTENER = 3;

// A descriptor is a C int.
const LARGEST = 0x7fff_ffff;

/** Validated descriptors, and the variables that tell the child of them. */
export interface Descriptors {
  /** The descriptors by rising number, or `null` when none were asked for. */
  readonly fds: DescriptorSpec[] | null;
  /** Whether the child needs LISTEN_PID. */
  readonly listenPid: boolean;
  /** Names of the variables for the child. */
  readonly envNames: readonly string[];
  /** Their values. */
  readonly envValues: readonly string[];
}

const NOTHING: Descriptors = {
  fds: null,
  listenPid: false,
  envNames: [],
  envValues: [],
};

/**
 * Validates `fds` and `listeners`.
 *
 * @param fds The descriptors by number.
 * @param listeners The listening sockets from 3 on.
 * @returns The descriptors for the backend.
 * @throws {TypeError} for anything of the wrong type, and for a closed listener.
 * @throws {RangeError} for a number below 3, or one that is no descriptor's.
 */
export function toDescriptors(fds: unknown, listeners: unknown): Descriptors {
  if (fds === undefined && listeners === undefined) return NOTHING;
  const specs: DescriptorSpec[] = [];
  const names = addListeners(listeners, specs);
  addFds(fds, specs);
  const listens = names.length > 0;
  return {
    fds: specs.sort((a, b) => a.target - b.target),
    listenPid: listens,
    envNames: listens ? ["LISTEN_FDS", "LISTEN_FDNAMES"] : [],
    envValues: listens ? [String(names.length), names.join(":")] : [],
  };
}

function addListeners(listeners: unknown, specs: DescriptorSpec[]): string[] {
  const names: string[] = [];
  if (listeners === undefined) return names;
  if (!Array.isArray(listeners)) {
    throw new TypeError("Invalid listeners: expected an array");
  }
  if (backend().name === "windows") {
    throw new Deno.errors.NotSupported(
      "Cannot use 'listeners' on Windows: no program there reads LISTEN_FDS. Use 'fds' and tell the child the handle, or duplicateSocket() of '@killable/process/windows'",
    );
  }
  for (let i = 0; i < listeners.length; i++) {
    const entry: unknown = listeners[i];
    const named = entry instanceof Listener ? null : entry as NamedListener;
    const listener = named === null ? entry : named?.listener;
    if (!(listener instanceof Listener)) {
      throw new TypeError(
        `Invalid listeners: expected what listen() returns at ${i}, got ${
          shown(entry)
        }`,
      );
    }
    // "unknown" is what systemd calls those without a name.
    names[i] = named === null ? "unknown" : listenerName(named.name);
    specs[i] = {
      target: FIRST_LISTENER + i,
      origin: { kind: "own", fd: listener.fd },
    };
  }
  return names;
}

// systemd's fdname_is_valid(): no colon, since colons separate them.
function listenerName(name: unknown): string {
  if (typeof name === "string" && /^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name)) {
    return name;
  }
  throw new TypeError(
    `Invalid listeners: expected a name of 1 to 255 printable ASCII characters without ':', got ${
      shown(name)
    }`,
  );
}

function addFds(fds: unknown, specs: DescriptorSpec[]): void {
  if (fds === undefined) return;
  if (typeof fds !== "object" || fds === null || Array.isArray(fds)) {
    throw new TypeError("Invalid fds: expected an object with numbers as keys");
  }
  const listeners = specs.length;
  const keys = Object.keys(fds);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const target = targetNumber(key);
    if (target < FIRST_LISTENER + listeners) {
      throw new TypeError(
        `Invalid fds: ${key} is given twice, 'listeners' takes the numbers from 3 to ${
          FIRST_LISTENER + listeners - 1
        }`,
      );
    }
    const source = (fds as Record<string, unknown>)[key];
    specs[specs.length] = { target, origin: originOf(source, key) };
  }
}

function targetNumber(key: string): number {
  const number = /^(0|[1-9][0-9]*)$/.test(key) ? Number(key) : NaN;
  if (number >= 3 && number <= LARGEST) return number;
  if (number < 3) {
    const name = ["stdin", "stdout", "stderr"][number];
    throw new RangeError(
      `Invalid fds: ${key} is a standard stream, use the option '${name}'`,
    );
  }
  throw new RangeError(
    `Invalid fds: expected numbers from 3 to ${LARGEST} as keys, got ${
      shown(key)
    }`,
  );
}

function originOf(source: unknown, key: string): DescriptorOrigin {
  if (source === "null") return { kind: "null" };
  if (typeof source === "number") return ownOrigin(source, key);
  if (source instanceof Listener) return { kind: "own", fd: source.fd };
  if (typeof source === "object" && source !== null) {
    if ("pipe" in source) {
      const child = oneOf(source.pipe, `fds[${key}].pipe`, PIPES);
      return { kind: "pipe", child };
    }
    if ("file" in source) {
      return fileOrigin(source as Partial<FdFile>, `fds[${key}]`);
    }
  }
  throw new TypeError(
    `Invalid fds[${key}]: expected a descriptor, "null", { pipe }, { file, access } or a listener, got ${
      shown(source)
    }`,
  );
}

const PIPES = ["read", "write"] as const;
const ACCESS = ["read", "write", "append"] as const;

function ownOrigin(fd: number, key: string): DescriptorOrigin {
  if (Number.isInteger(fd) && fd >= 0 && fd <= LARGEST) {
    return { kind: "own", fd };
  }
  throw new RangeError(
    `Invalid fds[${key}]: expected an open descriptor from 0 to ${LARGEST}, got ${fd}`,
  );
}

function fileOrigin(source: Partial<FdFile>, name: string): DescriptorOrigin {
  const path = pathOf(source.file as string | URL, `${name}.file`);
  if (path === "") throw new TypeError(`Invalid ${name}.file: it is empty`);
  if (source.access === undefined) {
    throw new TypeError(
      `Invalid ${name}.access: expected one of "read", "write", "append"`,
    );
  }
  return {
    kind: "file",
    path,
    access: oneOf(source.access, `${name}.access`, ACCESS),
  };
}

/**
 * Refuses pipes where the caller gets no child, and so no streams to serve them.
 *
 * @param spec The validated command.
 * @throws {TypeError} when one of `fds` is a pipe.
 */
export function refusePipedFds(spec: SpawnSpec): void {
  const fds = spec.fds ?? [];
  for (let i = 0; i < fds.length; i++) {
    const { target, origin } = fds[i] as DescriptorSpec;
    if (origin.kind !== "pipe") continue;
    throw new TypeError(
      `Piped fds[${target}] is not supported for this function, use spawn() instead`,
    );
  }
}
