/**
 * Pipes to a child and from one child to another. Of a pipe to a child our end is
 * overlapped, for the completion port, and the child's end synchronous, as programs
 * expect of their standard streams.
 *
 * Anonymous pipes cannot be overlapped, so it is a named pipe with a name that
 * cannot be guessed, one instance, this machine only, opened from both sides at
 * once.
 *
 * Pages: "CreateNamedPipeW function", "CreateFileW function".
 *
 * @module
 */

import type { ChildPipe } from "../../backend/backend.ts";
import type { ByteSink, ByteSource } from "../../backend/native.ts";
import { wideString } from "../../ffi/memory.ts";
import {
  FILE_FLAG_FIRST_PIPE_INSTANCE,
  FILE_FLAG_OVERLAPPED,
  FILE_READ_ATTRIBUTES,
  FILE_SHARE_READ_WRITE,
  FILE_WRITE_ATTRIBUTES,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  PIPE_ACCESS_INBOUND,
  PIPE_ACCESS_OUTBOUND,
  PIPE_REJECT_REMOTE_CLIENTS,
  STATUS_CANCELLED,
} from "../system/win32.ts";
import { ERROR_NO_DATA, windowsError } from "../system/errors.ts";
import { Handle } from "../system/handle.ts";
import { io, nt } from "../system/kernel32.ts";
import {
  available,
  type CompletionPort,
  completionPort,
  Operation,
  receive,
} from "../wait/completion_port.ts";

/** The capacity of each pipe, in bytes. */
const BUFFER_SIZE = 64 * 1024;

/** The two ends of a pipe, neither of them inheritable. */
export interface PipePair {
  /** Our end, overlapped. */
  readonly ours: Handle;
  /** The child's end, synchronous. */
  readonly theirs: Handle;
}

/**
 * Makes a pipe.
 *
 * @param direction `"in"` when the child writes and we read, else `"out"`.
 * @returns Both ends.
 * @throws {SystemError} when Windows refuses; nothing is left open then.
 */
export function createPipe(direction: "in" | "out"): PipePair {
  const name = wideString(`\\\\.\\pipe\\killable-${crypto.randomUUID()}`);
  const inbound = direction === "in";
  const k = io();
  const server = k.CreateNamedPipeW(
    name,
    ((inbound ? PIPE_ACCESS_INBOUND : PIPE_ACCESS_OUTBOUND) |
      FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE) >>> 0,
    PIPE_REJECT_REMOTE_CLIENTS,
    1,
    BUFFER_SIZE,
    BUFFER_SIZE,
    0,
    null,
  );
  const code = server === INVALID_HANDLE_VALUE ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "CreateNamedPipeW");
  const ours = new Handle(server);
  try {
    const access = inbound
      ? GENERIC_WRITE | FILE_READ_ATTRIBUTES
      : GENERIC_READ | FILE_WRITE_ATTRIBUTES;
    return { ours, theirs: openFile(name, access >>> 0, 0) };
  } catch (error) {
    ours.close();
    throw error;
  }
}

/**
 * Opens the device that swallows everything and gives nothing.
 *
 * @param forReading Whether the child reads from it.
 * @returns The handle, not inheritable.
 * @throws {SystemError} when Windows refuses.
 */
export function openNull(forReading: boolean): Handle {
  const access = forReading
    ? GENERIC_READ
    : GENERIC_WRITE | FILE_READ_ATTRIBUTES;
  return openFile(wideString("NUL"), access >>> 0, FILE_SHARE_READ_WRITE);
}

/**
 * Opens that device for both directions.
 *
 * @returns The handle, not inheritable.
 * @throws {SystemError} when Windows refuses.
 */
export function openNullBoth(): Handle {
  const access = (GENERIC_READ | GENERIC_WRITE) >>> 0;
  return openFile(wideString("NUL"), access, FILE_SHARE_READ_WRITE);
}

function openFile(
  name: Uint8Array<ArrayBuffer>,
  access: number,
  share: number,
): Handle {
  const k = io();
  const value = k.CreateFileW(
    name,
    access,
    share,
    null,
    OPEN_EXISTING,
    0,
    0n,
  );
  const code = value === INVALID_HANDLE_VALUE ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "CreateFileW");
  return new Handle(value);
}

// A pipe from one child to another: both ends synchronous, as programs expect of
// their standard streams. This process does neither, so it can be anonymous.
//
// Page: "CreatePipe function".

// As large as a pipe of POSIX systems; 0 would be 4 KiB.
const SYSTEM_BUFFER = 65536;

/**
 * Opens a pipe whose ends are for two children.
 *
 * @returns The pipe; neither end is inheritable.
 * @throws {SystemError} when Windows refuses.
 */
export function openChildPipe(): ChildPipe {
  const reading = new BigUint64Array(new ArrayBuffer(8));
  const writing = new BigUint64Array(new ArrayBuffer(8));
  const k = io();
  const ok = k.CreatePipe(reading, writing, null, SYSTEM_BUFFER);
  const code = ok ? 0 : k.GetLastError();
  if (code !== 0) throw windowsError(code, "CreatePipe");
  const reader = new Handle(reading[0] as bigint);
  const writer = new Handle(writing[0] as bigint);
  return {
    // Handles have 32 significant bits, on 64-bit Windows as well.
    reading: Number(reader.value),
    writing: Number(writer.value),
    closeReading: () => reader.close(),
    closeWriting: () => writer.close(),
  };
}

// The writing end of a pipe to a child.
//
// Page: "WriteFile function".

/** The result of a write. */
interface Outcome {
  readonly status: number;
  readonly bytes: number;
}

/** The writing end of a pipe. Owns the handle. */
export class PipeWriter implements ByteSink {
  readonly #handle: Handle;
  #operation: Operation | null = null;
  #port: CompletionPort | null = null;
  #key = 0n;
  #settle: ((outcome: Outcome) => void) | null = null;

  /** @param handle Our end, opened for overlapped operations; owned from now on. */
  constructor(handle: Handle) {
    this.#handle = handle.closeAtThreadEnd();
  }

  /** Our end, for synchronous use while no write is pending. */
  get handle(): Handle {
    return this.#handle;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    let done = 0;
    while (done < chunk.byteLength) {
      const count = this.#start(chunk, done);
      if (count === "pending") return this.#finish(chunk, done);
      done += count;
    }
  }

  #start(chunk: Uint8Array, from: number): number | "pending" {
    if (this.#handle.closed) throw windowsError(ERROR_NO_DATA, "WriteFile");
    const operation = this.#connected();
    const progress = operation.write(chunk.subarray(from));
    if (progress !== "failed") return progress;
    throw windowsError(operation.error, "WriteFile");
  }

  async #finish(chunk: Uint8Array, from: number): Promise<void> {
    let done = from;
    let count: number | "pending" = "pending";
    while (true) {
      if (count === "pending") count = await this.#outcome();
      done += count;
      if (done >= chunk.byteLength) return;
      count = this.#start(chunk, done);
    }
  }

  async #outcome(): Promise<number> {
    const port = this.#port as CompletionPort;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#settle = resolve;
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

  #connected(): Operation {
    if (this.#operation !== null) return this.#operation;
    this.#operation = new Operation(this.#handle);
    this.#port = completionPort();
    this.#key = this.#port.register((status, bytes) =>
      this.#completed(status, bytes)
    );
    this.#port.connect(this.#handle, this.#key);
    return this.#operation;
  }

  #completed(status: number, bytes: number): void {
    const settle = this.#settle;
    this.#settle = null;
    this.#operation?.completed();
    if (this.#handle.closed) this.#giveUp();
    settle?.({ status, bytes });
  }

  #giveUp(): void {
    this.#port?.forget(this.#key);
    this.#operation?.free();
  }

  close(): void {
    if (this.#handle.closed) return;
    // Of a write in flight the packet comes, and settles it.
    if (this.#operation?.inFlight) this.#operation.cancel();
    else this.#giveUp();
    this.#handle.close();
  }

  settled(): Promise<void> | null {
    return this.#port?.settled() ?? null;
  }
}

// The reading end of a pipe from a child.
//
// The caller's memory is written to only while a call of ours lasts: a read that
// is in flight waits for bytes and takes none (see `completion_port.ts`).

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

  /** Reads without waiting: 0 at the end of the stream, and when there are no bytes yet. */
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
