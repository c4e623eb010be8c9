/**
 * The three standard streams of a child: our ends and the child's.
 *
 * @module
 */

import type { SpawnSpec, StdioTarget } from "../../backend/spec.ts";
import { copyForChild } from "../system/descriptor.ts";
import { libc } from "../system/libc.ts";
import { openForChild } from "./files.ts";
import { openPipe } from "./pipe.ts";
import type { DescriptorSource } from "../system/posix_spawn.ts";

const STREAMS: readonly string[] = ["stdin", "stdout", "stderr"];

/** The ends of all streams; disposing closes whatever was not taken. */
export class StdioEnds implements Disposable {
  readonly #ours: number[] = [-1, -1, -1];
  readonly #theirs: number[] = [-1, -1, -1];
  readonly #sources: DescriptorSource[] = ["inherit", "inherit", "inherit"];

  /** Whether a stream is a descriptor that was opened for this child. */
  descriptors = false;

  /**
   * Copies the descriptors that the caller gave. To be called before anything else
   * is opened for this child: the number of one that has been closed would be
   * given to that, and pass for open.
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
   * Opens what else is needed. On an error, what was opened is closed by disposing.
   *
   * @param spec The specification.
   * @throws what {@linkcode openForChild} throws for a file.
   * @throws {SystemError} when nothing more can be opened.
   */
  open(spec: SpawnSpec): void {
    this.#open(0, spec.stdin, spec);
    this.#open(1, spec.stdout, spec);
    // Set after descriptor 1 of the child is: a copy of that.
    if (spec.stderr === "stdout") this.#sources[2] = 1;
    else this.#open(2, spec.stderr, spec);
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

  /** What descriptor `index` of the child is made of. */
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
