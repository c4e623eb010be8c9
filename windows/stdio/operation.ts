/**
 * One overlapped operation at a time on our end of a pipe, in memory that the
 * kernel may still write to when this isolate has ended.
 *
 * A read that waits has no buffer at all: of 0 bytes, it ends when bytes have
 * come (libuv does the same), and the bytes are then read in a call that ends
 * before it returns. A write needs its bytes until the reader has taken them.
 *
 * Pages: "ReadFile function", "WriteFile function", "PeekNamedPipe function",
 * "CancelIoEx function", "GetOverlappedResult function".
 *
 * @module
 */

import { ERROR_IO_PENDING, windowsError } from "../system/errors.ts";
import { Handle } from "../system/handle.ts";
import { io } from "../system/kernel32.ts";
import { allocate, free, Overlapped } from "../system/isolate_end.ts";

/** The bytes that one write gives to the kernel at most. */
export const PIECE: number = 256 * 1024;

/** ERROR_IO_INCOMPLETE: the operation still goes on. */
const ERROR_IO_INCOMPLETE = 996;

// The low bit of `hEvent` says that no packet goes to a completion port.
const NO_PACKET = 1n;

/** Bytes that were moved; still in flight; or over, with {@linkcode Operation.error}. */
export type Progress = number | "pending" | "failed";

/** An operation on one pipe, free to be started again when it has ended. */
export class Operation {
  readonly #pipe: Handle;
  readonly #overlapped: Overlapped;
  #piece: Uint8Array<ArrayBuffer> | null = null;
  #inFlight = false;
  #error = 0;

  /**
   * @param pipe Our end, opened for overlapped operations; the caller closes it.
   * @param event The event that the end of the operation signals, or `null`.
   */
  constructor(pipe: Handle, event: Handle | null = null) {
    this.#pipe = pipe;
    this.#overlapped = new Overlapped(event === null ? 0n : event.value);
  }

  /** Whether it has been started and its end has not been seen. */
  get inFlight(): boolean {
    return this.#inFlight;
  }

  /** The error code of the last operation that failed. */
  get error(): number {
    return this.#error;
  }

  /**
   * Waits for bytes, without reading them.
   *
   * @returns 0 when there are bytes, or was an empty write.
   */
  awaitBytes(): Progress {
    const k = io();
    const ok = k.ReadFile(
      this.#pipe.value,
      null,
      0,
      null,
      this.#overlapped.bytes,
    );
    const code = ok ? 0 : k.GetLastError();
    return this.#started(code, 0);
  }

  /**
   * Writes up to {@linkcode PIECE} bytes.
   *
   * @param bytes The bytes; they are copied.
   * @returns The number of bytes written, when they were taken at once.
   */
  write(bytes: Uint8Array): Progress {
    const count = Math.min(PIECE, bytes.byteLength);
    this.#piece ??= takePiece();
    this.#piece.set(bytes.subarray(0, count));
    const k = io();
    const ok = k.WriteFile(
      this.#pipe.value,
      this.#piece,
      count,
      null,
      this.#overlapped.bytes,
    );
    const code = ok ? 0 : k.GetLastError();
    return this.#started(code, code === 0 ? this.#overlapped.moved : 0);
  }

  #started(code: number, moved: number): Progress {
    this.#inFlight = code === ERROR_IO_PENDING;
    if (this.#inFlight) return "pending";
    this.#error = code;
    return code === 0 ? moved : "failed";
  }

  /**
   * Looks whether the operation has ended, or waits for it.
   *
   * @param wait Whether to wait.
   * @returns The result.
   */
  result(wait: boolean): Progress {
    const k = io();
    const moved = new Uint32Array(new ArrayBuffer(4));
    const ok = k.GetOverlappedResult(
      this.#pipe.value,
      this.#overlapped.bytes,
      moved,
      wait ? 1 : 0,
    );
    const code = ok ? 0 : k.GetLastError();
    if (code === ERROR_IO_INCOMPLETE) return "pending";
    this.#inFlight = false;
    this.#error = code;
    return code === 0 ? moved[0] as number : "failed";
  }

  /** Asks the kernel to end it. It has ended when its packet or event has come. */
  cancel(): void {
    io().CancelIoEx(this.#pipe.value, this.#overlapped.bytes);
  }

  /** Notes that its packet has come. */
  completed(): void {
    this.#inFlight = false;
  }

  /** Frees its memory, unless the kernel may still write to it. Idempotent. */
  free(): void {
    if (this.#inFlight) return;
    this.#overlapped.free();
    if (this.#piece !== null) givePiece(this.#piece);
    this.#piece = null;
  }
}

// Pieces are kept for the next writer: to allocate and to clear one takes longer
// than to fill it.
const MOST_PIECES = 4;
const pieces: Uint8Array<ArrayBuffer>[] = [];

function takePiece(): Uint8Array<ArrayBuffer> {
  return pieces.pop() ?? allocate(PIECE);
}

function givePiece(piece: Uint8Array<ArrayBuffer>): void {
  if (pieces.length < MOST_PIECES) pieces.push(piece);
  else free(piece);
}

/**
 * How many bytes can be read from a pipe at once.
 *
 * @param pipe Our end.
 * @returns The number; 0 also when the other end is closed.
 */
export function available(pipe: Handle): number {
  const out = new Uint32Array(new ArrayBuffer(4));
  const ok = io().PeekNamedPipe(pipe.value, null, 0, null, out, null);
  return ok ? out[0] as number : 0;
}

let receiving: { event: Handle; overlapped: Overlapped } | null = null;

/**
 * Reads bytes that are there; the kernel is done with `view` when it returns.
 *
 * @param pipe Our end, with no read in flight.
 * @param view Where to.
 * @param count At most as many as {@linkcode available} and the view's length.
 * @returns How many were read.
 */
export function receive(
  pipe: Handle,
  view: Uint8Array,
  count: number,
): number {
  if (receiving === null) {
    const event = createEvent().closeAtThreadEnd();
    receiving = { event, overlapped: new Overlapped(event.value | NO_PACKET) };
  }
  const { overlapped } = receiving;
  const k = io();
  const target = view as Uint8Array<ArrayBuffer>;
  const ok = k.ReadFile(pipe.value, target, count, null, overlapped.bytes);
  const code = ok ? 0 : k.GetLastError();
  if (code === 0) return overlapped.moved;
  if (code !== ERROR_IO_PENDING) return 0;
  // This is the only reader of the pipe, so the bytes are there and this does not wait.
  k.CancelIoEx(pipe.value, overlapped.bytes);
  const moved = new Uint32Array(new ArrayBuffer(4));
  return k.GetOverlappedResult(pipe.value, overlapped.bytes, moved, 1)
    ? moved[0] as number
    : 0;
}

/**
 * Makes an event that stays signalled until the next operation begins.
 *
 * @returns The event.
 * @throws {SystemError} when Windows refuses.
 */
export function createEvent(): Handle {
  const k = io();
  const value = k.CreateEventW(null, 1, 0, null);
  const code = value === 0n ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "CreateEventW");
  return new Handle(value);
}
