/**
 * The writing end of a pipe to a child.
 *
 * Page: "WriteFile function".
 *
 * @module
 */

import type { ByteSink } from "../../backend/native.ts";
import { Struct } from "../../ffi/struct.ts";
import {
  type CompletionPort,
  completionPort,
} from "../wait/completion_port.ts";
import { STATUS_CANCELLED } from "../system/constants.ts";
import { ERROR_IO_PENDING, ERROR_NO_DATA } from "../system/error_codes.ts";
import { windowsError } from "../system/errors.ts";
import type { Handle } from "../system/handle.ts";
import { io, nt } from "../system/kernel32.ts";
import { OVERLAPPED } from "../system/structs.ts";

/** So much is copied and handed to the kernel at once. */
const PIECE = 256 * 1024;

/** What an operation came to. */
interface Outcome {
  readonly status: number;
  readonly bytes: number;
}

/** The writing end of a pipe. Owns the handle. */
export class PipeWriter implements ByteSink {
  readonly #handle: Handle;
  readonly #overlapped = new Struct(OVERLAPPED);
  #buffer: Uint8Array<ArrayBuffer> | null = null;
  #port: CompletionPort | null = null;
  #key = 0n;
  #inFlight: ((outcome: Outcome) => void) | null = null;

  /** @param handle Our end, opened for overlapped operations; owned from now on. */
  constructor(handle: Handle) {
    this.#handle = handle;
  }

  /** Our end, for synchronous use while no write is pending. */
  get handle(): Handle {
    return this.#handle;
  }

  /** See {@linkcode ByteSink.write}. */
  write(chunk: Uint8Array): void | Promise<void> {
    let done = 0;
    while (done < chunk.byteLength) {
      const count = this.#start(chunk, done);
      if (count < 0) return this.#finish(chunk, done);
      done += count;
    }
  }

  /** The number of bytes that were taken at once, or -1 when it goes on later. */
  #start(chunk: Uint8Array, from: number): number {
    if (this.#handle.closed) throw windowsError(ERROR_NO_DATA, "WriteFile");
    this.#connect();
    // The kernel reads a copy: the caller may change its bytes meanwhile.
    this.#buffer ??= new Uint8Array(new ArrayBuffer(PIECE));
    const count = Math.min(PIECE, chunk.byteLength - from);
    this.#buffer.set(chunk.subarray(from, from + count));
    const k = io();
    const ok = k.WriteFile(
      this.#handle.value,
      this.#buffer,
      count,
      null,
      this.#overlapped.bytes,
    );
    const code = ok ? 0 : k.GetLastError();
    if (code === 0) return Number(this.#overlapped.bigint("InternalHigh"));
    if (code === ERROR_IO_PENDING) return -1;
    throw windowsError(code, "WriteFile");
  }

  async #finish(chunk: Uint8Array, from: number): Promise<void> {
    let done = from;
    let count = -1;
    while (true) {
      if (count < 0) count = await this.#outcome();
      done += count;
      if (done >= chunk.byteLength) return;
      count = this.#start(chunk, done);
    }
  }

  async #outcome(): Promise<number> {
    const port = this.#port as CompletionPort;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#inFlight = resolve;
    port.hold();
    const { status, bytes } = await promise;
    port.release();
    if (status === 0) return bytes;
    // Cancelled means that our end was closed: the same as a reader that left.
    const code = status === STATUS_CANCELLED
      ? ERROR_NO_DATA
      : nt().RtlNtStatusToDosError(status);
    throw windowsError(code, "WriteFile");
  }

  #connect(): void {
    if (this.#port !== null) return;
    this.#port = completionPort();
    this.#key = this.#port.register((status, bytes) => {
      const settle = this.#inFlight;
      this.#inFlight = null;
      if (this.#handle.closed) this.#port?.forget(this.#key);
      settle?.({ status, bytes });
    });
    this.#port.connect(this.#handle, this.#key);
  }

  /** See {@linkcode ByteSink.close}. */
  close(): void {
    if (this.#handle.closed) return;
    if (this.#inFlight !== null) {
      // The packet settles the write, and until then keeps the buffer alive.
      io().CancelIoEx(this.#handle.value, this.#overlapped.bytes);
    } else if (this.#port !== null) {
      this.#port.forget(this.#key);
    }
    this.#handle.close();
  }

  /** See {@linkcode NativeProcess.settled}. */
  settled(): Promise<void> | null {
    return this.#port?.settled() ?? null;
  }
}
