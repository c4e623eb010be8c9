/**
 * The handles of a child beyond its standard streams: both ends of them.
 *
 * Page: "GetFileType function".
 *
 * @module
 */

import type { DescriptorSpec } from "../../backend/spec.ts";
import type { NativeDescriptor } from "../../backend/native.ts";
import { systemError } from "../../backend/errors.ts";
import { ERROR_INVALID_HANDLE, errorName } from "../system/error_codes.ts";
import type { Handle } from "../system/handle.ts";
import { processes } from "../system/kernel32.ts";
import { openForChild } from "./files.ts";
import { createPipe, openNullBoth } from "./pipe.ts";
import { PipeReader } from "./pipe_reader.ts";
import { PipeWriter } from "./pipe_writer.ts";
import {
  FAPPEND,
  FDEV,
  FOPEN,
  FPIPE,
  LARGEST_DESCRIPTOR,
  type RuntimeDescriptor,
} from "../system/runtime_descriptors.ts";

const FILE_TYPE_CHAR = 2;
const FILE_TYPE_PIPE = 3;

/**
 * What is opened for one child. Handles of ours that the caller named are
 * inherited under their own values; the others are closed here as soon as the
 * child has them, or was not started.
 */
export class ChildHandles implements Disposable {
  readonly #specs: readonly DescriptorSpec[];
  readonly #theirs: Handle[] = [];
  readonly #ours: (Handle | null)[] = [];
  /** What the child gets. */
  readonly descriptors: RuntimeDescriptor[] = [];

  /**
   * Opens everything.
   *
   * @param specs What the child gets; {@linkcode refuseClosed} has seen it.
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
 * @param specs What the child gets.
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
