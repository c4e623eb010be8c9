/**
 * The descriptors of a child beyond its standard streams: both ends of them.
 *
 * @module
 */

import type { DescriptorSpec } from "../../backend/spec.ts";
import type { NativeDescriptor } from "../../backend/native.ts";
import { buffer } from "../../ffi/pointer.ts";
import { duplicateClear } from "../system/descriptor.ts";
import { bindErrno, DARWIN, libc, libcDescriptors } from "../system/libc.ts";
import { openForChild } from "./files.ts";
import { openPipe, PipeSink, PipeSource } from "./pipe.ts";
import type { FileActions } from "../system/posix_spawn.ts";

// <sys/resource.h>
const RLIMIT_NOFILE = DARWIN ? 8 : 7;
const OPEN_MAX = 10240;

const NONE: ReadonlySet<number> = new Set();

/**
 * Refuses descriptors of ours that are not open. To be called before anything is
 * opened for the child: the number of one that has been closed would be given to
 * that, and pass for open.
 *
 * @param specs What the child gets.
 * @throws {Deno.errors.BadResource} when one is not open.
 */
export function refuseClosed(specs: readonly DescriptorSpec[]): void {
  for (let i = 0; i < specs.length; i++) {
    const { origin } = specs[i] as DescriptorSpec;
    if (origin.kind === "own") libc().close(duplicateClear(origin.fd, NONE));
  }
}

/**
 * What is opened for one child. All of the child's ends are copies of ours with
 * numbers that are no targets (see {@linkcode duplicateClear}); they are closed
 * here as soon as the child has them, or was not started.
 */
export class ChildDescriptors {
  readonly #specs: readonly DescriptorSpec[];
  readonly #taken = new Set<number>();
  readonly #far: number[] = [];
  readonly #near: number[] = [];
  readonly #limit: number;
  readonly #reserved: number;

  /**
   * Opens everything.
   *
   * @param specs What the child gets; {@linkcode refuseClosed} has seen it.
   * @param command The program, for messages.
   * @param reserved A number in the child that is somebody else's, or -1: no source
   * gets it, and it is not closed.
   * @throws {RangeError} for a number that this process's limit does not allow.
   * @throws what opening a file throws. Nothing is left open then.
   */
  constructor(
    specs: readonly DescriptorSpec[],
    command: string,
    reserved: number,
  ) {
    this.#specs = specs;
    bindErrno();
    this.#limit = descriptorLimit();
    for (let fd = 0; fd < 3; fd++) this.#taken.add(fd);
    this.#reserved = reserved;
    this.#taken.add(reserved);
    for (let i = 0; i < specs.length; i++) {
      const { target } = specs[i] as DescriptorSpec;
      if (target >= this.#limit) throw aboveLimit(target, this.#limit);
      this.#taken.add(target);
    }
    try {
      for (let i = 0; i < specs.length; i++) this.#open(i, command);
    } catch (error) {
      this.closeFar();
      this.closeNear();
      throw error;
    }
  }

  #open(index: number, command: string): void {
    const { target, origin } = this.#specs[index] as DescriptorSpec;
    this.#near[index] = -1;
    // /dev/null is opened in the child.
    this.#far[index] = -1;
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

  /** Adds what makes the child's descriptors, and nothing but these. Last: it closes the rest. */
  addTo(actions: FileActions): void {
    let highest = Math.max(2, this.#reserved);
    for (let i = 0; i < this.#specs.length; i++) {
      const { target, origin } = this.#specs[i] as DescriptorSpec;
      actions.descriptor(
        target,
        origin.kind === "null" ? "null" : this.#far[i] as number,
      );
      highest = Math.max(highest, target);
    }
    // What is not close-on-exec, because this process was started with it, or
    // another library has opened it. macOS closes it by CLOEXEC_DEFAULT.
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

// dup2 in the child would only say EBADF.
function aboveLimit(target: number, limit: number): RangeError {
  return new RangeError(
    `Invalid fds: ${target} is not below this process's limit on descriptors, ${limit}. Choose a smaller number or raise the limit ('ulimit -n')`,
  );
}
