/**
 * The reading end of a pipe from a child.
 *
 * Bytes are read into a buffer of our own and copied: the kernel writes into
 * the memory of a pending read whenever it likes, also after a cancellation was
 * asked for, and the caller's memory may be gone by then.
 *
 * Pages: "ReadFile function", "CancelIoEx function", "PeekNamedPipe function".
 *
 * @module
 */

import type { ByteSource } from "../../backend/native.ts";
import { Struct } from "../../ffi/struct.ts";
import {
  type CompletionPort,
  completionPort,
} from "../wait/completion_port.ts";
import { ERROR_IO_PENDING } from "../system/errors.ts";
import type { Handle } from "../system/handle.ts";
import { io } from "../system/kernel32.ts";
import { OVERLAPPED } from "../system/structs.ts";

const SMALLEST = 64 * 1024;
const LARGEST = 1024 * 1024;
/** So many reads in a row may end at once before the event loop gets a turn. */
const BURST = 16;

interface PendingRead {
  readonly view: Uint8Array;
  readonly resolve: (count: number) => void;
  held: boolean;
}

/** The reading end of a pipe. Owns the handle. */
export class PipeReader implements ByteSource {
  readonly #handle: Handle;
  readonly #overlapped = new Struct(OVERLAPPED);
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(SMALLEST));
  #start = 0;
  #end = 0;
  #port: CompletionPort | null = null;
  #key = 0n;
  #pending: PendingRead | null = null;
  #turn: Promise<void> | null = null;
  #letGo: PromiseWithResolvers<void> | null = null;
  #inFlight = false;
  #ended = false;
  #finishing = false;
  #referenced = true;
  #burst = 0;

  /** @param handle Our end, opened for overlapped operations; owned from now on. */
  constructor(handle: Handle) {
    this.#handle = handle;
  }

  /** Our end, for synchronous use while no read is pending. */
  get handle(): Handle {
    return this.#handle;
  }

  /** See {@linkcode ByteSource.readSize}. */
  get readSize(): number {
    return this.#buffer.byteLength;
  }

  /** See {@linkcode ByteSource.read}. */
  read(view: Uint8Array, _patient: boolean): number | Promise<number> {
    if (this.#start < this.#end) return this.#copyTo(view);
    if (this.#ended) return 0;
    if (this.#pending !== null) throw new TypeError("A read is pending");
    if (this.#burst >= BURST) return this.#readAfterTurn(view);
    if (this.#startRead()) {
      this.#burst++;
      return this.#copyTo(view);
    }
    if (this.#ended) return 0;
    return this.#wait(view);
  }

  async #readAfterTurn(view: Uint8Array): Promise<number> {
    this.#burst = 0;
    this.#turn = this.#connected().turn();
    await this.#turn;
    this.#turn = null;
    return await this.read(view, false);
  }

  /** True when bytes are in the buffer, or the stream has ended; false when it waits for them. */
  #startRead(): boolean {
    this.#connected();
    this.#grow();
    // A read of 0 bytes is an empty write of the child's, not the end.
    while (true) {
      if (this.#finishing && this.#available() === 0) {
        return this.#endOfStream();
      }
      const k = io();
      const ok = k.ReadFile(
        this.#handle.value,
        this.#buffer,
        this.#buffer.byteLength,
        null,
        this.#overlapped.bytes,
      );
      const code = ok ? 0 : k.GetLastError();
      if (code === ERROR_IO_PENDING) {
        this.#inFlight = true;
        return false;
      }
      if (code !== 0) return this.#endOfStream();
      this.#start = 0;
      this.#end = Number(this.#overlapped.bigint("InternalHigh"));
      if (this.#end > 0) return true;
    }
  }

  // Nothing more comes: whoever has read to the end need not close it.
  #endOfStream(): false {
    this.#ended = true;
    this.#port?.forget(this.#key);
    this.#handle.close();
    return false;
  }

  #connected(): CompletionPort {
    if (this.#port === null) {
      this.#port = completionPort();
      this.#key = this.#port.register((status, bytes) =>
        this.#completed(status, bytes)
      );
      this.#port.connect(this.#handle, this.#key);
    }
    return this.#port;
  }

  #grow(): void {
    const size = this.#buffer.byteLength;
    if (this.#end === size && size < LARGEST) {
      this.#buffer = new Uint8Array(new ArrayBuffer(size * 2));
    }
  }

  #available(): number {
    const out = new Uint32Array(new ArrayBuffer(4));
    const ok = io().PeekNamedPipe(this.#handle.value, null, 0, null, out, null);
    return ok ? out[0] as number : 0;
  }

  #copyTo(view: Uint8Array): number {
    const count = Math.min(view.byteLength, this.#end - this.#start);
    view.set(this.#buffer.subarray(this.#start, this.#start + count));
    this.#start += count;
    return count;
  }

  #wait(view: Uint8Array): Promise<number> {
    this.#burst = 0;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#pending = { view, resolve, held: this.#referenced };
    if (this.#referenced) this.#port?.hold();
    return promise;
  }

  #completed(status: number, bytes: number): void {
    this.#inFlight = false;
    if (this.#handle.closed) {
      this.#port?.forget(this.#key);
      return;
    }
    if (status !== 0) {
      // A broken pipe, and a cancellation by finish(): both are the end.
      this.#endOfStream();
    } else {
      this.#start = 0;
      this.#end = bytes;
      if (bytes === 0 && !this.#startRead() && this.#inFlight) return;
    }
    this.#settle();
  }

  #settle(): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    const count = this.#start < this.#end ? this.#copyTo(pending.view) : 0;
    this.#release(pending);
    pending.resolve(count);
  }

  /** See {@linkcode ByteSource.finish}. */
  finish(): void {
    this.#finishing = true;
    if (this.#inFlight && !this.#handle.closed) this.#cancel();
  }

  #cancel(): void {
    // Bytes that arrive before the cancellation does still count: the packet tells.
    io().CancelIoEx(this.#handle.value, this.#overlapped.bytes);
  }

  /** See {@linkcode ByteSource.close}. */
  close(): void {
    if (this.#handle.closed) return;
    if (this.#inFlight) this.#cancel();
    // With an operation in flight the port keeps this object, and with it the
    // memory the kernel may still write to, until the packet has come.
    else if (this.#port !== null) this.#port.forget(this.#key);
    this.#ended = true;
    this.#start = this.#end = 0;
    this.#settle();
    this.#handle.close();
  }

  /**
   * See {@linkcode NativeProcess.settled}. A read that was cancelled needs the
   * port until its packet has come.
   */
  settled(): Promise<void> | null {
    const ending = this.#finishing || this.#handle.closed;
    const busy = this.#pending?.held || this.#turn !== null;
    if (ending && busy) return this.#lastReadSettled();
    return this.#port?.settled() ?? null;
  }

  async #lastReadSettled(): Promise<void> {
    if (this.#turn !== null) await this.#turn;
    if (this.#pending?.held) {
      this.#letGo ??= Promise.withResolvers<void>();
      await this.#letGo.promise;
    }
    await this.#port?.settled();
  }

  #release(pending: PendingRead): void {
    if (!pending.held) return;
    pending.held = false;
    this.#port?.release();
    this.#letGo?.resolve();
    this.#letGo = null;
  }

  /** See {@linkcode ByteSource.ref}. */
  ref(): void {
    this.#referenced = true;
    if (this.#pending !== null && !this.#pending.held) {
      this.#pending.held = true;
      this.#port?.hold();
    }
  }

  /** See {@linkcode ByteSource.unref}. */
  unref(): void {
    this.#referenced = false;
    if (this.#pending !== null) this.#release(this.#pending);
  }
}
