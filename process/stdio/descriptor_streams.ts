/**
 * One descriptor of a child beyond its standard streams, as its parent sees it.
 *
 * @module
 */

import type { NativeDescriptor } from "../../backend/native.ts";
import {
  notPiped,
  readableFrom,
  type SubprocessReadableStream,
  writableTo,
} from "./streams.ts";

/**
 * A descriptor that a child was given by `fds`.
 *
 * @example
 * ```ts
 * import { Command } from "@killable/process";
 *
 * if (Deno.build.os !== "windows") {
 *   await using child = new Command("sh", {
 *     args: ["-c", "tr a-z A-Z <&3 >&4"],
 *     fds: { 3: { pipe: "read" }, 4: { pipe: "write" } },
 *   }).spawn();
 *   const writer = child.fds[3]!.writable.getWriter();
 *   await writer.write(new TextEncoder().encode("hello"));
 *   await writer.close();
 *   console.log(await child.fds[4]!.readable.text()); // HELLO
 * }
 * ```
 */
export interface ChildDescriptor {
  /** Its number in the child. */
  readonly number: number;
  /** Windows: its handle in the child, to be told to it. POSIX: its number. */
  readonly handle: number;
  /**
   * What the child writes to it.
   *
   * @throws {TypeError} unless it is `{ pipe: "write" }`.
   */
  readonly readable: SubprocessReadableStream;
  /**
   * What the child reads from it.
   *
   * @throws {TypeError} unless it is `{ pipe: "read" }`.
   */
  readonly writable: WritableStream<Uint8Array>;
}

/** The streams of a descriptor, made when they are asked for. */
export class DescriptorStreams implements ChildDescriptor {
  readonly #native: NativeDescriptor;
  #readable: SubprocessReadableStream | null = null;
  #writable: WritableStream<Uint8Array> | null = null;

  /** @param native Our end. */
  constructor(native: NativeDescriptor) {
    this.#native = native;
  }

  get number(): number {
    return this.#native.target;
  }

  get handle(): number {
    return this.#native.handle;
  }

  get readable(): SubprocessReadableStream {
    if (this.#native.source === null) throw this.#notPiped("write");
    return this.#readable ??= readableFrom(this.#native.source).stream;
  }

  get writable(): WritableStream<Uint8Array> {
    if (this.#native.sink === null) throw this.#notPiped("read");
    return this.#writable ??= writableTo(this.#native.sink);
  }

  #notPiped(child: string): TypeError {
    const { message } = notPiped(`fds[${this.number}]`);
    return new TypeError(`${message}: start it with { pipe: "${child}" }`);
  }

  /** The tree is gone: closes what nobody has asked for, and ends what is read. */
  release(): void {
    if (this.#writable === null) this.#native.sink?.close();
    if (this.#readable === null) this.#native.source?.close();
    this.#native.source?.finish();
  }
}
