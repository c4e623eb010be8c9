/**
 * The handles of a child, with our ends and the child's: the three standard streams,
 * the further ones of `fds`, and the files that they are opened from.
 *
 * Pages: "GetStdHandle function", "DuplicateHandle function".
 *
 * @module
 */

import { systemError } from "../../backend/errors.ts";
import type { NativeDescriptor } from "../../backend/native.ts";
import type {
  DescriptorSpec,
  StdioFile,
  StdioTarget,
} from "../../backend/spec.ts";
import { wideString } from "../../ffi/memory.ts";
import {
  CREATE_ALWAYS,
  DUPLICATE_SAME_ACCESS,
  FILE_APPEND_DATA,
  FILE_READ_ATTRIBUTES,
  FILE_SHARE_DELETE,
  FILE_SHARE_READ_WRITE,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  OPEN_ALWAYS,
  OPEN_EXISTING,
  SYNCHRONIZE,
} from "../system/win32.ts";
import {
  ERROR_ACCESS_DENIED,
  ERROR_INVALID_HANDLE,
  errorClass,
  errorName,
  errorText,
  windowsError,
} from "../system/errors.ts";
import { absolutePath, extended, isDirectory } from "../system/file_system.ts";
import {
  FAPPEND,
  FDEV,
  FOPEN,
  FPIPE,
  Handle,
  LARGEST_DESCRIPTOR,
  type RuntimeDescriptor,
} from "../system/handle.ts";
import { io, processes } from "../system/kernel32.ts";
import {
  createPipe,
  openNull,
  openNullBoth,
  PipeReader,
  PipeWriter,
} from "./pipe.ts";

// GetCurrentProcess is a constant: the pseudo handle -1.
const CURRENT_PROCESS = INVALID_HANDLE_VALUE;

// STD_INPUT_HANDLE is -10, output -11, error -12, as DWORDs.
const STD_INPUT_HANDLE = 0xFFFFFFF6;
const STREAMS: readonly string[] = ["stdin", "stdout", "stderr"];

/** The ends of all streams. */
export class StdioEnds implements Disposable {
  readonly #ours: (Handle | null)[] = [null, null, null];
  readonly #theirs: (Handle | null)[] = [null, null, null];

  /**
   * Opens the streams. To be made before anything else is opened for this child, and
   * copies the handles that the caller gave first: the number of a handle that has
   * been closed would be given to something new, and pass for open.
   *
   * @param targets The targets of stdin, stdout and stderr.
   * @param command The program, for messages.
   * @throws {TypeError} for a handle that is not open; nothing is left open then.
   * @throws {SystemError} when Windows refuses; nothing is left open then.
   */
  constructor(
    targets: readonly [StdioTarget, StdioTarget, StdioTarget | "stdout"],
    command: string,
  ) {
    try {
      for (let i = 0; i < 3; i++) {
        const target = targets[i];
        if (typeof target === "number") this.#copy(i, target, command);
      }
      for (let i = 0; i < 3; i++) {
        const target = targets[i] as StdioTarget | "stdout";
        if (target === "stdout") this.#copyOfStdout();
        else if (typeof target !== "number") this.#open(i, target, command);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #copy(index: number, target: number, command: string): void {
    const copy = duplicate(BigInt(target));
    if (copy === null) throw notOpen(target, index, command);
    this.#theirs[index] = copy;
  }

  #open(
    index: number,
    target: Exclude<StdioTarget, number>,
    command: string,
  ): void {
    if (target === "piped") {
      const pair = createPipe(index === 0 ? "out" : "in");
      this.#ours[index] = pair.ours;
      this.#theirs[index] = pair.theirs;
    } else if (typeof target === "object") {
      this.#theirs[index] = openForChild(target, {
        reads: index === 0,
        name: STREAMS[index] as string,
        command,
      });
    } else {
      const inherited = target === "inherit" ? duplicateOwn(index) : null;
      this.#theirs[index] = inherited ?? openNull(index === 0);
    }
  }

  // A handle of its own: the list of inherited handles takes none twice.
  #copyOfStdout(): void {
    this.#theirs[2] = duplicate((this.#theirs[1] as Handle).value);
  }

  /** The child's ends. */
  get theirs(): readonly [Handle, Handle, Handle] {
    return this.#theirs as unknown as readonly [Handle, Handle, Handle];
  }

  /**
   * Gives our end of a stream away; the receiver closes it.
   *
   * @param index 0 for stdin, 1 for stdout, 2 for stderr.
   * @returns The handle, or `null` when the stream is not piped.
   */
  take(index: number): Handle | null {
    const handle = this.#ours[index] ?? null;
    this.#ours[index] = null;
    return handle;
  }

  /** Closes the child's ends, and those of ours that were not taken. Idempotent. */
  [Symbol.dispose](): void {
    for (let i = 0; i < this.#theirs.length; i++) this.#theirs[i]?.close();
    for (let i = 0; i < 3; i++) this.take(i)?.close();
  }
}

/**
 * A copy of one of our own standard handles: the original may not be made
 * inheritable under the feet of others. `null` when we have none, as a service
 * or a program with windows; the child gets the null device then.
 */
function duplicateOwn(index: number): Handle | null {
  return duplicate(processes().GetStdHandle(STD_INPUT_HANDLE - index));
}

/** A copy, not inheritable; `null` of a handle that is none, or closed. */
function duplicate(own: bigint): Handle | null {
  if (own === 0n || own === INVALID_HANDLE_VALUE) return null;
  const k = processes();
  const out = new BigUint64Array(new ArrayBuffer(8));
  const ok = k.DuplicateHandle(
    CURRENT_PROCESS,
    own,
    CURRENT_PROCESS,
    out,
    0,
    0,
    DUPLICATE_SAME_ACCESS,
  );
  const code = ok ? 0 : k.GetLastError();
  if (code === ERROR_INVALID_HANDLE) return null;
  if (code !== 0) throw windowsError(code, "DuplicateHandle");
  return new Handle(out[0] as bigint);
}

function notOpen(handle: number, index: number, command: string): TypeError {
  return new TypeError(
    `Failed to spawn '${command}': handle ${handle}, given as ${
      STREAMS[index]
    }, is not open`,
  );
}

// The handles of a child beyond its standard streams, with both ends.
//
// Page: "GetFileType function".

const FILE_TYPE_CHAR = 2;
const FILE_TYPE_PIPE = 3;

/**
 * The handles that are opened for one child. Handles of ours that the caller named are
 * inherited under their own values; the others are closed here as soon as the
 * child has them, or was not started.
 */
export class ChildHandles implements Disposable {
  readonly #specs: readonly DescriptorSpec[];
  readonly #theirs: Handle[] = [];
  readonly #ours: (Handle | null)[] = [];
  /** The handles that the child gets. */
  readonly descriptors: RuntimeDescriptor[] = [];

  /**
   * Opens everything.
   *
   * @param specs The handles, checked by {@linkcode refuseClosed}.
   * @param command The program, for messages.
   * @throws {RangeError} for a number that the C runtime does not know.
   * @throws what opening a file throws. Nothing is left open then.
   */
  constructor(specs: readonly DescriptorSpec[], command: string) {
    this.#specs = specs;
    try {
      for (let i = 0; i < specs.length; i++) this.#open(i, command);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #open(index: number, command: string): void {
    const { target, origin } = this.#specs[index] as DescriptorSpec;
    if (target > LARGEST_DESCRIPTOR) {
      throw new RangeError(
        `Invalid fds: ${target} is more than ${LARGEST_DESCRIPTOR}, the last number that Windows programs know`,
      );
    }
    this.#ours[index] = null;
    let handle: bigint;
    if (origin.kind === "own") {
      handle = BigInt(origin.fd);
    } else {
      const theirs = this.#openNew(index, target, origin, command);
      this.#theirs[this.#theirs.length] = theirs;
      handle = theirs.value;
    }
    const append = origin.kind === "file" && origin.access === "append";
    const flags = FOPEN | typeFlag(handle) | (append ? FAPPEND : 0);
    this.descriptors[index] = { target, handle, flags };
  }

  #openNew(
    index: number,
    target: number,
    origin: Exclude<DescriptorSpec["origin"], { kind: "own" }>,
    command: string,
  ): Handle {
    if (origin.kind === "null") return openNullBoth();
    if (origin.kind === "file") {
      return openForChild(
        { path: origin.path, append: origin.access === "append", mode: 0 },
        { reads: origin.access === "read", name: `fds[${target}]`, command },
      );
    }
    const { ours, theirs } = createPipe(origin.child === "read" ? "out" : "in");
    this.#ours[index] = ours;
    return theirs;
  }

  /** Our ends, for the started child; owned by the receiver. */
  take(): NativeDescriptor[] {
    const taken: NativeDescriptor[] = [];
    for (let i = 0; i < this.#specs.length; i++) {
      const { target, origin } = this.#specs[i] as DescriptorSpec;
      const ours = this.#ours[i] ?? null;
      const writes = origin.kind === "pipe" && origin.child === "write";
      const { handle } = this.descriptors[i] as RuntimeDescriptor;
      taken[i] = {
        target,
        handle: Number(handle),
        source: ours !== null && writes ? new PipeReader(ours) : null,
        sink: ours !== null && !writes ? new PipeWriter(ours) : null,
      };
    }
    this.#ours.length = 0;
    return taken;
  }

  /** Closes the child's ends, and those of ours that were not taken. Idempotent. */
  [Symbol.dispose](): void {
    for (let i = 0; i < this.#theirs.length; i++) this.#theirs[i]?.close();
    for (let i = 0; i < this.#ours.length; i++) this.#ours[i]?.close();
  }
}

/**
 * Refuses handles of ours that are not open; CreateProcessW would only say that a
 * parameter is wrong. To be called before anything is opened for the child: the
 * number of one that has been closed would be given to that, and pass for open.
 *
 * @param specs The handles that the child gets.
 * @throws {Deno.errors.BadResource} when one is not open.
 */
export function refuseClosed(specs: readonly DescriptorSpec[]): void {
  for (let i = 0; i < specs.length; i++) {
    const { origin } = specs[i] as DescriptorSpec;
    if (origin.kind === "own") refuseClosedHandle(BigInt(origin.fd));
  }
}

function refuseClosedHandle(handle: bigint): void {
  const k = processes();
  const flags = new Uint8Array(new ArrayBuffer(4));
  if (k.GetHandleInformation(handle, flags)) return;
  throw systemError(
    Deno.errors.BadResource,
    `Cannot give the child handle ${handle}: it is not open`,
    {
      code: errorName(ERROR_INVALID_HANDLE),
      errno: ERROR_INVALID_HANDLE,
      syscall: "GetHandleInformation",
    },
  );
}

function typeFlag(handle: bigint): number {
  const type = processes().GetFileType(handle);
  if (type === FILE_TYPE_PIPE) return FPIPE;
  return type === FILE_TYPE_CHAR ? FDEV : 0;
}

// Files that are opened for a child.
//
// Page: "CreateFileW function".

/** The use that the child makes of a file. */
export interface FileUse {
  /** Whether the child reads it; it writes otherwise. */
  readonly reads: boolean;
  /** The option that it was given with, for the message. */
  readonly name: string;
  /** The program, for the message. */
  readonly command: string;
}

/**
 * Opens a file for a child, shared with all other users of it, as Deno does.
 *
 * @param file The file; permission was asked for.
 * @param use The use that the child makes of it.
 * @returns The handle, not inheritable.
 * @throws {Deno.errors.NotFound} when the file, or its directory, is missing.
 * @throws {Deno.errors.IsADirectory} when it is a directory.
 * @throws {Deno.errors.PermissionDenied} when Windows does not allow it.
 */
export function openForChild(
  file: StdioFile,
  { reads, name, command }: FileUse,
): Handle {
  const path = absolutePath(file.path);
  const wide = wideString(extended(path));
  const { access, disposition } = howToOpen(file, reads);
  const share = FILE_SHARE_READ_WRITE | FILE_SHARE_DELETE;
  const k = io();
  const value = k.CreateFileW(wide, access, share, null, disposition, 0, 0n);
  const code = value === INVALID_HANDLE_VALUE ? k.GetLastError() : 0;
  if (code === 0) return new Handle(value);
  // Windows denies access to a directory that is opened as a file.
  const directory = code === ERROR_ACCESS_DENIED && isDirectory(path);
  const why = directory ? "it is a directory" : errorText(code);
  throw systemError(
    directory ? Deno.errors.IsADirectory : errorClass(code),
    `Failed to spawn '${command}': cannot open '${file.path}' as ${name}: ${why} (os error ${code})`,
    { code: errorName(code), errno: code, syscall: "CreateFileW", command },
  );
}

function howToOpen(
  file: StdioFile,
  reads: boolean,
): { access: number; disposition: number } {
  if (reads) return { access: GENERIC_READ, disposition: OPEN_EXISTING };
  if (!file.append) {
    const access = (GENERIC_WRITE | FILE_READ_ATTRIBUTES) >>> 0;
    return { access, disposition: CREATE_ALWAYS };
  }
  // Without FILE_WRITE_DATA every write goes to the end, whatever else writes to it.
  const access = FILE_APPEND_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
  return { access, disposition: OPEN_ALWAYS };
}

// Special files: paths that lead to devices or to other machines, and so to more than
// the files of a drive. The list is Deno's (`check_special_file` in its
// `runtime/permissions`).

const DRIVE = /^(?:\\\\\?\\)?[A-Za-z]:\\/;

const NUL = /^\\\\\.\\nul$/i;

/**
 * Whether a path leads to such a file.
 *
 * @param path The path. GetFullPathNameW makes `\\.\CON` of the name `CON`.
 * @param _reads Makes no difference on Windows.
 * @returns False for a file on a drive, and for `NUL`.
 */
export function isSpecialFile(path: string, _reads: boolean): boolean {
  const absolute = absolutePath(path);
  return !DRIVE.test(absolute) && !NUL.test(absolute);
}
