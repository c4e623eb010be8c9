/**
 * The descriptors of a child, with our ends and the child's: the three standard
 * streams, the further ones of `fds`, and the files that they are opened from.
 *
 * @module
 */

import type { NativeDescriptor } from "../../backend/native.ts";
import type {
  DescriptorSpec,
  SpawnSpec,
  StdioFile,
  StdioTarget,
} from "../../backend/spec.ts";
import { cString, readCString } from "../../ffi/memory.ts";
import { buffer } from "../../ffi/library.ts";
import {
  aboveStdio,
  absolutePath,
  copyForChild,
  duplicateClear,
  isDirectory,
  isFifo,
} from "../system/file_system.ts";
import {
  EINTR,
  EISDIR,
  ENOENT,
  errnoMeaning,
  posixError,
} from "../system/errno.ts";
import {
  bindErrno,
  DARWIN,
  errno,
  libc,
  libcDarwin,
  libcDescriptors,
  libcLinux,
  libcWait,
} from "../system/libc.ts";
import type { DescriptorSource, FileActions } from "../system/posix_spawn.ts";
import { openPipe, PipeSink, PipeSource } from "./pipe.ts";

/** Names of the standard streams, for messages. */
export const STREAMS: readonly string[] = ["stdin", "stdout", "stderr"];

/** The ends of the standard streams; disposing closes those that were not taken. */
export class StdioEnds implements Disposable {
  readonly #ours: number[] = [-1, -1, -1];
  readonly #theirs: number[] = [-1, -1, -1];
  readonly #sources: DescriptorSource[] = ["inherit", "inherit", "inherit"];

  /** Whether a stream is a descriptor that was opened for this child. */
  descriptors = false;

  /**
   * Copies the descriptors that the caller gave. To be called before anything else
   * is opened for this child, which could get the number of a closed descriptor and
   * make it pass for open.
   *
   * @param spec The specification.
   * @throws {TypeError} for a descriptor that is not open; nothing is left open then.
   */
  copy(spec: SpawnSpec): void {
    try {
      this.#copy(0, spec.stdin, spec);
      this.#copy(1, spec.stdout, spec);
      this.#copy(2, spec.stderr, spec);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #copy(index: number, target: SpawnSpec["stderr"], spec: SpawnSpec): void {
    if (typeof target !== "number") return;
    this.descriptors = true;
    const copy = copyForChild(target, index, spec.command);
    this.#theirs[index] = this.#sources[index] = copy;
  }

  /**
   * Opens the other ends. After an error, disposing closes the ones that are open.
   *
   * @param spec The specification.
   * @param later Descriptors that are opened in the child.
   * @throws what {@linkcode openForChild} throws for a file.
   * @throws {SystemError} when nothing more can be opened.
   */
  open(spec: SpawnSpec, later: ReadonlySet<number>): void {
    this.#open(0, later.has(0) ? "null" : spec.stdin, spec);
    this.#open(1, later.has(1) ? "null" : spec.stdout, spec);
    // Set after descriptor 1 of the child is: a copy of that.
    if (spec.stderr === "stdout") this.#sources[2] = 1;
    else this.#open(2, later.has(2) ? "null" : spec.stderr, spec);
  }

  #open(index: number, target: StdioTarget, spec: SpawnSpec): void {
    if (typeof target === "number") return;
    if (target === "inherit" || target === "null") {
      this.#sources[index] = target;
      return;
    }
    this.descriptors = true;
    if (target === "piped") {
      const pipe = openPipe(index === 0 ? "in" : "out");
      this.#ours[index] = pipe.near;
      this.#theirs[index] = pipe.far;
    } else {
      this.#theirs[index] = openForChild(target, {
        reads: index === 0,
        name: STREAMS[index] as string,
        command: spec.command,
      });
    }
    this.#sources[index] = this.#theirs[index] as number;
  }

  /** The source that descriptor `index` of the child is made from. */
  source(index: number): DescriptorSource {
    return this.#sources[index] as DescriptorSource;
  }

  /**
   * Gives our end of a stream away; the receiver closes it.
   *
   * @param index 0 for stdin, 1 for stdout, 2 for stderr.
   * @returns The descriptor, or -1 when the stream is not piped.
   */
  take(index: number): number {
    const fd = this.#ours[index] as number;
    this.#ours[index] = -1;
    return fd;
  }

  /** Closes the child's ends, and those of ours that were not taken. */
  [Symbol.dispose](): void {
    if (!this.descriptors) return;
    for (let i = 0; i < 3; i++) {
      const near = this.take(i);
      if (near >= 0) libc().close(near);
      const far = this.#theirs[i] as number;
      if (far >= 0) libc().close(far);
      this.#theirs[i] = -1;
    }
  }
}

// The descriptors of a child beyond its standard streams, with both ends.

// <sys/resource.h>
const RLIMIT_NOFILE = DARWIN ? 8 : 7;
const OPEN_MAX = 10240;
const NONE: ReadonlySet<number> = new Set();

/**
 * Refuses descriptors of ours that are not open. To be called before anything is
 * opened for the child, which could get the number of a closed descriptor and make
 * it pass for open.
 *
 * @param specs The descriptors that the child gets.
 * @throws {Deno.errors.BadResource} when one is not open.
 */
export function refuseClosed(specs: readonly DescriptorSpec[]): void {
  for (let i = 0; i < specs.length; i++) {
    const { origin } = specs[i] as DescriptorSpec;
    if (origin.kind === "own") libc().close(duplicateClear(origin.fd, NONE));
  }
}

/** The circumstances of the child that descriptors are opened for. */
export interface DescriptorPlan {
  /** The program, for messages. */
  readonly command: string;
  /** Numbers in the child that the launcher uses: no source gets them, and they stay open. */
  readonly reserved: readonly number[];
  /** Descriptors that are opened in the child. */
  readonly later: ReadonlySet<number>;
}

/**
 * The descriptors that are opened for one child. All of the child's ends are copies
 * of ours with numbers that are no targets (see {@linkcode duplicateClear}); they are
 * closed here as soon as the child has them, or was not started.
 */
export class ChildDescriptors {
  readonly #specs: readonly DescriptorSpec[];
  readonly #taken = new Set<number>();
  readonly #far: number[] = [];
  readonly #near: number[] = [];
  readonly #limit: number;
  readonly #plan: DescriptorPlan;

  /**
   * Opens all of them.
   *
   * @param specs The descriptors, checked by {@linkcode refuseClosed}.
   * @param plan The circumstances of the child.
   * @throws {RangeError} for a number that this process's limit does not allow.
   * @throws what opening a file throws. Nothing is left open then.
   */
  constructor(specs: readonly DescriptorSpec[], plan: DescriptorPlan) {
    this.#specs = specs;
    this.#plan = plan;
    bindErrno();
    this.#limit = descriptorLimit();
    for (let fd = 0; fd < 3; fd++) this.#taken.add(fd);
    for (let i = 0; i < plan.reserved.length; i++) {
      this.#taken.add(plan.reserved[i] as number);
    }
    for (let i = 0; i < specs.length; i++) {
      const { target } = specs[i] as DescriptorSpec;
      if (target >= this.#limit) throw aboveLimit(target, this.#limit);
      this.#taken.add(target);
    }
    try {
      for (let i = 0; i < specs.length; i++) this.#open(i);
    } catch (error) {
      this.closeFar();
      this.closeNear();
      throw error;
    }
  }

  #open(index: number): void {
    const { target, origin } = this.#specs[index] as DescriptorSpec;
    const { command, later } = this.#plan;
    this.#near[index] = -1;
    // /dev/null is opened in the child.
    this.#far[index] = -1;
    if (later.has(target)) return;
    if (origin.kind === "own") {
      this.#far[index] = duplicateClear(origin.fd, this.#taken);
    } else if (origin.kind === "file") {
      this.#far[index] = this.#moved(
        openForChild(
          {
            path: origin.path,
            append: origin.access === "append",
            mode: 0o666,
          },
          { reads: origin.access === "read", name: `fds[${target}]`, command },
        ),
      );
    } else if (origin.kind === "pipe") {
      const { near, far } = openPipe(origin.child === "read" ? "in" : "out");
      this.#near[index] = near;
      this.#far[index] = this.#moved(far);
    }
  }

  // Takes over `fd`.
  #moved(fd: number): number {
    try {
      return duplicateClear(fd, this.#taken);
    } finally {
      libc().close(fd);
    }
  }

  /** Adds the actions that make the child's descriptors, and close all others; the last to be added. */
  addTo(actions: FileActions): void {
    const { reserved } = this.#plan;
    let highest = 2;
    for (let i = 0; i < reserved.length; i++) {
      highest = Math.max(highest, reserved[i] as number);
    }
    for (let i = 0; i < this.#specs.length; i++) {
      const { target } = this.#specs[i] as DescriptorSpec;
      const far = this.#far[i] as number;
      actions.descriptor(target, far < 0 ? "null" : far);
      highest = Math.max(highest, target);
    }
    // Descriptors without close-on-exec, because this process was started with them
    // or another library has opened them. macOS closes them by CLOEXEC_DEFAULT.
    if (DARWIN) return;
    for (let fd = 3; fd < highest; fd++) {
      if (!this.#taken.has(fd)) actions.close(fd);
    }
    // glibc refuses a number that no descriptor can have.
    if (highest + 1 < this.#limit) actions.closeFrom(highest + 1);
  }

  /** Our ends, for the started child; owned by the receiver. */
  take(): NativeDescriptor[] {
    const taken: NativeDescriptor[] = [];
    for (let i = 0; i < this.#specs.length; i++) {
      const { target, origin } = this.#specs[i] as DescriptorSpec;
      const near = this.#near[i] as number;
      const writes = origin.kind === "pipe" && origin.child === "write";
      const reads = origin.kind === "pipe" && origin.child === "read";
      taken[i] = {
        target,
        handle: target,
        source: writes ? new PipeSource(near) : null,
        sink: reads ? new PipeSink(near) : null,
      };
    }
    this.#near.length = 0;
    return taken;
  }

  /** Closes the child's ends. Idempotent. */
  closeFar(): void {
    closeAll(this.#far);
  }

  /** Closes our ends, unless they were taken. Idempotent. */
  closeNear(): void {
    closeAll(this.#near);
  }
}

function closeAll(fds: number[]): void {
  for (let i = 0; i < fds.length; i++) {
    if ((fds[i] as number) >= 0) libc().close(fds[i] as number);
  }
  fds.length = 0;
}

// The first number that no descriptor of this process can have: getrlimit(2). File
// actions of macOS have a limit of their own, which the other may be above: OPEN_MAX
// of <sys/syslimits.h>.
function descriptorLimit(): number {
  const bytes = buffer(16);
  libcDescriptors().getrlimit(RLIMIT_NOFILE, bytes);
  const limit = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return DARWIN ? Math.min(limit, OPEN_MAX) : limit;
}

// dup2 in the child would only report EBADF.
function aboveLimit(target: number, limit: number): RangeError {
  return new RangeError(
    `Invalid fds: ${target} is not below this process's limit on descriptors, ${limit}. Choose a smaller number or raise the limit ('ulimit -n')`,
  );
}

// Files that are opened for a child.

// open(2): <asm-generic/fcntl.h>, <sys/fcntl.h> of macOS.
const O_WRONLY = 1;
const O_CREAT = DARWIN ? 0x200 : 0x40;
const O_TRUNC = DARWIN ? 0x400 : 0x200;
const O_APPEND = DARWIN ? 8 : 0x400;
const O_CLOEXEC = DARWIN ? 0x100_0000 : 0x8_0000;
// Linux: opening never waits, even if the path has become a FIFO in the meantime.
const O_NONBLOCK = DARWIN ? 0 : 0x800;
const F_SETFL = 4;
const R_OK = 4;
const W_OK = 2;

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
 * Opens a file for a child.
 *
 * @param file The file; permission was asked for.
 * @param use The use that the child makes of it.
 * @returns The descriptor: close-on-exec, above 2.
 * @throws {Deno.errors.NotFound} when the file, or its directory, is missing.
 * @throws {Deno.errors.IsADirectory} when it is a directory.
 * @throws {Deno.errors.PermissionDenied} when the OS does not allow it.
 */
export function openForChild(
  file: StdioFile,
  { reads, name, command }: FileUse,
): number {
  // A directory can be opened for reading; only reading it fails, in the child.
  const fd = reads && isDirectory(file.path) ? -EISDIR : openFile(file, reads);
  if (fd >= 0) return aboveStdio(fd);
  throw cannotOpen(file.path, -fd, { reads, name, command });
}

function cannotOpen(
  path: string,
  error: number,
  { name, command }: FileUse,
): Error {
  const message =
    `Failed to spawn '${command}': cannot open '${path}' as ${name}: ${
      errnoMeaning(error)
    }`;
  return posixError("open", error, { message, command });
}

/**
 * The FIFO that a path leads to. Opening it may wait for its other end, so that the
 * child does it.
 *
 * @param path The path.
 * @returns Its absolute path without links; `null` for anything else, and for a pipe
 * that this process has open (/dev/fd/N), which has its other end.
 */
export function fifoToWaitFor(path: string): string | null {
  return isFifo(path) ? realPath(path) : null;
}

/**
 * Refuses a FIFO that this process may not open.
 *
 * @param path Its path.
 * @param use The use that the child makes of it.
 * @throws {Deno.errors.PermissionDenied} when the OS does not allow it.
 */
export function refuseForbidden(path: string, use: FileUse): void {
  if (libc().access(cString(path), use.reads ? R_OK : W_OK) === 0) return;
  throw cannotOpen(path, errno(), use);
}

// The descriptor, or -errno.
function openFile(file: StdioFile, reads: boolean): number {
  if (reads) return openToRead(file.path);
  const how = O_WRONLY | O_CLOEXEC | (file.append ? O_APPEND : O_TRUNC);
  if (!DARWIN) return retried(file.path, how | O_CREAT, file.mode);
  const fd = retried(file.path, how, 0);
  if (fd !== -ENOENT) return fd;
  // The mode of open(2) is a variadic argument, which Apple arm64 passes on the
  // stack: Deno creates the file. Appending, so that bytes that another process has
  // written since are not lost.
  try {
    const { path, mode } = file;
    Deno.openSync(path, { append: true, create: true, mode }).close();
  } catch {
    // The directory is missing, or not ours: opening it again reports that.
  }
  return retried(file.path, how, 0);
}

/**
 * Opens a file for reading.
 *
 * @param path The file.
 * @returns The descriptor, close-on-exec, or `-errno`.
 */
export function openToRead(path: string): number {
  return retried(path, O_CLOEXEC, 0);
}

function retried(path: string, flags: number, mode: number): number {
  const name = cString(path);
  for (;;) {
    const fd = DARWIN
      ? libcDarwin().open(name, flags)
      : libcLinux().open(name, flags | O_NONBLOCK, mode);
    if (fd >= 0) {
      if (!DARWIN) libcLinux().fcntl(fd, F_SETFL, BigInt(flags & O_APPEND));
      return fd;
    }
    const error = errno();
    if (error !== EINTR) return -error;
  }
}

// Special files: paths that lead to devices, to other processes or into the kernel.
// Reading and writing there reaches beyond files: `/proc/self/mem` is the memory of
// this process. The list is Deno's (`check_special_file` in its
// `runtime/permissions`).

const TREES: readonly string[] = DARWIN
  ? ["/dev/"]
  : ["/dev/", "/proc/", "/sys/"];

const HARMLESS: readonly string[] = [
  "/dev/null",
  "/dev/zero",
  "/dev/random",
  "/dev/urandom",
];

// The path that a shell passes for <(command); the first three are the streams.
const PASSED = /^\/(?:dev|proc\/self)\/fd\/(?:[3-9]|[1-9]\d+)$/;

// <limits.h>: PATH_MAX is 4096, 1024 on macOS.
const PATH_MAX = 4096;

/**
 * Whether a path leads to a special file.
 *
 * @param path The path; links in it are followed.
 * @param reads Whether it is to be read: `/dev/tty` may be, but not written to.
 * @returns True also when the path itself names a special file, but leads elsewhere.
 */
export function isSpecialFile(path: string, reads: boolean): boolean {
  const named = path.startsWith("/") ? absolutePath(path, "/") : "";
  if (isGuarded(named, reads)) return !isPassedPipe(named);
  return isGuarded(realPath(path) ?? realParent(path), reads);
}

function isGuarded(path: string, reads: boolean): boolean {
  if (HARMLESS.includes(path) || reads && path === "/dev/tty") return false;
  for (let i = 0; i < TREES.length; i++) {
    if (path.startsWith(TREES[i] as string)) return true;
  }
  return false;
}

// On Linux such a descriptor has no real path when it is a pipe.
function isPassedPipe(path: string): boolean {
  return !DARWIN && PASSED.test(path) && realPath(path) === null;
}

// realpath(3)
function realPath(path: string): string | null {
  const resolved = new Uint8Array(PATH_MAX);
  const found = libcWait().realpath(cString(path), resolved);
  return found === null ? null : readCString(resolved);
}

// Of a file that is to be created.
function realParent(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  const parent = realPath(path.slice(0, slash) || ".");
  return `${parent === "/" ? "" : parent ?? ""}/${path.slice(slash)}`;
}
