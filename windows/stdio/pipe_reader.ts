/**
 * The reading end of a pipe from a child.
 *
 * The caller's memory is written to only while a call of ours lasts: a read that
 * is in flight waits for bytes and takes none (see `operation.ts`).
 *
 * @module
 */

import type { ByteSource } from "../../backend/native.ts";
import {
  type CompletionPort,
  completionPort,
} from "../wait/completion_port.ts";
import type { Handle } from "../system/handle.ts";
import { available, Operation, receive } from "./operation.ts";

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
  #operation: Operation | null = null;
  #readSize = SMALLEST;
  #port: CompletionPort | null = null;
  #key = 0n;
  #pending: PendingRead | null = null;
  #turn: Promise<void> | null = null;
  #letGo: PromiseWithResolvers<void> | null = null;
  #ended = false;
  #finishing = false;
  #referenced = true;
  #burst = 0;

  /** @param handle Our end, opened for overlapped operations; owned from now on. */
  constructor(handle: Handle) {
    this.#handle = handle.closeAtThreadEnd();
  }

  /** Our end, for synchronous use while no read is pending. */
  get handle(): Handle {
    return this.#handle;
  }

  get readSize(): number {
    return this.#readSize;
  }

  read(view: Uint8Array, _patient: boolean): number | Promise<number> {
    if (this.#ended || view.byteLength === 0) return 0;
    if (this.#pending !== null) throw new TypeError("A read is pending");
    if (this.#burst >= BURST) return this.#readAfterTurn(view);
    const count = this.#take(view);
    if (count > 0) this.#burst++;
    return count > 0 || this.#ended ? count : this.#wait(view);
  }

  async #readAfterTurn(view: Uint8Array): Promise<number> {
    this.#burst = 0;
    this.#connected();
    this.#turn = (this.#port as CompletionPort).turn();
    await this.#turn;
    this.#turn = null;
    return await this.read(view, false);
  }

  /** Reads what is there: 0 at the end of the stream, and when it waits for bytes. */
  #take(view: Uint8Array): number {
    const operation = this.#connected();
    while (true) {
      const there = available(this.#handle);
      if (there > 0) {
        const most = Math.min(there, view.byteLength);
        const count = receive(this.#handle, view, most);
        if (count === view.byteLength) this.#grow();
        if (count > 0) return count;
      }
      if (this.#finishing) return this.#endOfStream();
      const progress = operation.awaitBytes();
      if (progress === "pending") return 0;
      if (progress === "failed") return this.#endOfStream();
      // Bytes have just come, or an empty write, which is not the end.
    }
  }

  #grow(): void {
    this.#readSize = Math.min(this.#readSize * 2, LARGEST);
  }

  // Nothing more comes: a caller that has read to the end need not close it.
  #endOfStream(): 0 {
    this.#ended = true;
    this.#giveUp();
    this.#handle.close();
    return 0;
  }

  #giveUp(): void {
    this.#port?.forget(this.#key);
    this.#operation?.free();
  }

  #connected(): Operation {
    if (this.#operation !== null) return this.#operation;
    this.#operation = new Operation(this.#handle);
    this.#port = completionPort();
    this.#key = this.#port.register((status) => this.#completed(status));
    this.#port.connect(this.#handle, this.#key);
    return this.#operation;
  }

  #wait(view: Uint8Array): Promise<number> {
    this.#burst = 0;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#pending = { view, resolve, held: this.#referenced };
    if (this.#referenced) this.#port?.hold();
    return promise;
  }

  #completed(status: number): void {
    this.#operation?.completed();
    if (this.#handle.closed) {
      this.#giveUp();
      return;
    }
    const pending = this.#pending;
    if (pending === null) return;
    // A broken pipe is empty. A wait that finish() has cancelled says nothing.
    const over = status !== 0 && !this.#finishing;
    const count = over ? this.#endOfStream() : this.#take(pending.view);
    if (count > 0 || this.#ended) this.#settle(count);
  }

  #settle(count: number): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    this.#release(pending);
    pending.resolve(count);
  }

  arrived(): boolean {
    return this.#handle.closed || available(this.#handle) > 0;
  }

  finish(): void {
    this.#finishing = true;
    if (this.#operation?.inFlight && !this.#handle.closed) {
      this.#operation.cancel();
    }
  }

  close(): void {
    if (this.#handle.closed) return;
    // Of a wait in flight the packet comes, and then its memory is freed.
    if (this.#operation?.inFlight) this.#operation.cancel();
    else this.#giveUp();
    this.#ended = true;
    this.#settle(0);
    this.#handle.close();
  }

  /**
   * A read that was cancelled needs the port until its packet has come.
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

  ref(): void {
    this.#referenced = true;
    if (this.#pending !== null && !this.#pending.held) {
      this.#pending.held = true;
      this.#port?.hold();
    }
  }

  unref(): void {
    this.#referenced = false;
    if (this.#pending !== null) this.#release(this.#pending);
  }
}
