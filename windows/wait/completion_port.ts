/**
 * One completion port per isolate: it carries the ends of all pipe operations,
 * the messages of all jobs, and wake-ups; and the operations that end there.
 *
 * Deno's blocking pool has 4 threads per core on Windows and serves all
 * asynchronous file I/O too, so at most one call is ever pending there:
 * `GetQueuedCompletionStatusEx`. It is pending only while something is held
 * that the event loop must wait for; the last release ends it with a packet of
 * its own. Watches that do not hold the event loop are looked at from an unreferenced
 * timer.
 *
 * An overlapped operation is in memory that the kernel may still write to when this
 * isolate has ended. A read that waits has no buffer at all: of 0 bytes, it ends when
 * bytes have come (libuv does the same), and the bytes are then read in a call that
 * ends before it returns. A write needs its bytes until the reader has taken them.
 *
 * Pages: "I/O Completion Ports", "GetQueuedCompletionStatusEx function", "ReadFile
 * function", "WriteFile function", "PeekNamedPipe function", "CancelIoEx function",
 * "GetOverlappedResult function".
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";
import { ERROR_IO_PENDING, windowsError } from "../system/errors.ts";
import { Handle } from "../system/handle.ts";
import { allocate, free, Overlapped } from "../system/isolate_end.ts";
import { io } from "../system/kernel32.ts";
import { INVALID_HANDLE_VALUE, OVERLAPPED_ENTRY } from "../system/win32.ts";

/**
 * Takes a packet. For a job, `bytes` is the message and `overlapped` a process id.
 *
 * @category Windows
 */
export type PacketHandler = (
  status: number,
  bytes: number,
  overlapped: bigint,
) => void;

/**
 * Asked again and again, because job messages may be lost.
 *
 * @category Windows
 */
export interface Poller {
  /** Looks at the truth: the process's handle, the job's counters. */
  poll(): void;
}

const SLOWEST = 500;
const QUIET = 50;

/**
 * The port. Get it with {@linkcode completionPort}.
 *
 * @category Windows
 */
export class CompletionPort {
  readonly #handle: Handle;
  readonly #handlers = new Map<bigint, PacketHandler>();
  readonly #pollers = new Set<Poller>();
  readonly #packets = new Packets();
  #turns: (() => void)[] = [];
  #nextKey = 1n;
  #holds = 0;
  #running = false;
  #waiting = false;
  #delay = SLOWEST;
  #polledAt = 0;
  #quietTimer: Timer | null = null;
  #returned: PromiseWithResolvers<void> | null = null;

  /** Creates a port. @throws {SystemError} when Windows refuses. */
  constructor() {
    const k = io();
    const value = k.CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0n, 0n, 0);
    const code = value === 0n ? k.GetLastError() : 0;
    if (code !== 0) throw windowsError(code, "CreateIoCompletionPort");
    this.#handle = new Handle(value).closeAtThreadEnd();
  }

  /** The handle, to connect a job with. */
  get handle(): Handle {
    return this.#handle;
  }

  /**
   * Gives out a key for packets.
   *
   * @param handler Takes them.
   * @returns The key, never used before.
   */
  register(handler: PacketHandler): bigint {
    const key = this.#nextKey++;
    this.#handlers.set(key, handler);
    return key;
  }

  /**
   * Packets with this key are dropped from now on.
   *
   * @param key The key.
   */
  forget(key: bigint): void {
    this.#handlers.delete(key);
  }

  /**
   * Connects a pipe. Its operations that end later come as packets; those that
   * succeed at once do not.
   *
   * @param pipe The pipe, opened for overlapped operations.
   * @param key The key that the packets carry.
   * @throws {SystemError} when it is connected already.
   */
  connect(pipe: Handle, key: bigint): void {
    const k = io();
    const port = k.CreateIoCompletionPort(
      pipe.value,
      this.#handle.value,
      key,
      0,
    );
    const code = port === 0n ? k.GetLastError() : 0;
    if (code !== 0) throw windowsError(code, "CreateIoCompletionPort");
    const ok = k.SetFileCompletionNotificationModes(pipe.value, 1);
    const modeCode = ok ? 0 : k.GetLastError();
    if (modeCode !== 0) {
      throw windowsError(modeCode, "SetFileCompletionNotificationModes");
    }
  }

  /**
   * Has a poller asked regularly, held or not. Idempotent.
   *
   * @param poller The poller.
   */
  watch(poller: Poller): void {
    this.#pollers.add(poller);
    this.#arrangeQuiet();
  }

  /**
   * Ends {@linkcode CompletionPort.watch}.
   *
   * @param poller The poller.
   */
  unwatch(poller: Poller): void {
    this.#pollers.delete(poller);
    this.#arrangeQuiet();
  }

  /** Keeps the event loop alive and the packets coming, until {@linkcode CompletionPort.release}. */
  hold(): void {
    this.#holds++;
    this.#arrangeQuiet();
    if (!this.#running) this.#run();
  }

  /** Undoes one {@linkcode CompletionPort.hold}. */
  release(): void {
    this.#holds--;
    if (this.#holds === 0 && this.#waiting) this.wake();
    this.#arrangeQuiet();
  }

  /** Looks again in 1, 2, 4 … ms: a message said that something will change. */
  soon(): void {
    this.#delay = 1;
    this.#polledAt = performance.now();
    if (this.#waiting) this.wake();
  }

  /** Ends a pending wait. */
  wake(): void {
    io().PostQueuedCompletionStatus(this.#handle.value, 0, 0n, 0n);
  }

  /**
   * The end of a call that is still pending although nothing needs it any more:
   * it was woken, and is on its way back from its thread. A test that ended now
   * would be blamed for it.
   *
   * @returns Resolves when the call has come back; `null` when there is no such call.
   */
  settled(): Promise<void> | null {
    if (!this.#waiting || this.#holds > 0) return null;
    this.#returned ??= Promise.withResolvers<void>();
    return this.#returned.promise;
  }

  /** Resolves after the event loop had a turn, so that ready data cannot starve timers. */
  turn(): Promise<void> {
    this.hold();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns.push(() => {
      this.release();
      resolve();
    });
    this.wake();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      // One turn first: a hold that is released at once needs no call at all.
      await null;
      while (this.#holds > 0) await this.#step();
    } finally {
      this.#waiting = false;
      this.#running = false;
      this.#arrangeQuiet();
    }
  }

  async #step(): Promise<void> {
    this.#packets.removed[0] = 0;
    this.#waiting = true;
    const some = await io().GetQueuedCompletionStatusExAsync(
      this.#handle.value,
      this.#packets.memory,
      ENTRIES,
      this.#packets.removed,
      this.#delay,
      0,
    );
    this.#waiting = false;
    this.#returned?.resolve();
    this.#returned = null;
    if (some !== 0) this.#dispatch(this.#packets);
    // Also under a stream of packets that never lets the wait time out.
    if (performance.now() - this.#polledAt >= this.#delay) this.#pollAll();
  }

  #dispatch(packets: Packets): void {
    const count = packets.removed[0] as number;
    for (let i = 0; i < count; i++) {
      const key = packets.key(i);
      if (key === 0n) this.#takeTurns();
      else {
        this.#handlers.get(key)?.(
          packets.status(i),
          packets.bytes(i),
          packets.overlapped(i),
        );
      }
    }
  }

  #takeTurns(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (let i = 0; i < turns.length; i++) (turns[i] as () => void)();
  }

  #pollAll(): void {
    this.#polledAt = performance.now();
    this.#delay = Math.min(this.#delay * 2, SLOWEST);
    this.#pollers.forEach((poller) => poller.poll());
  }

  /** A timer that does not hold the event loop, while something is watched and nothing held. */
  #arrangeQuiet(): void {
    const wanted = this.#holds === 0 && this.#pollers.size > 0;
    if (wanted && this.#quietTimer === null) {
      this.#quietTimer = new Timer(QUIET, () => this.#lookQuietly(), true);
      this.#quietTimer.hold(false);
    } else if (!wanted && this.#quietTimer !== null) {
      this.#quietTimer.clear();
      this.#quietTimer = null;
    }
  }

  #lookQuietly(): void {
    if (this.#waiting) return;
    const packets = this.#packets;
    packets.removed[0] = 0;
    const some = io().GetQueuedCompletionStatusEx(
      this.#handle.value,
      packets.memory,
      ENTRIES,
      packets.removed,
      0,
      0,
    );
    if (some !== 0) this.#dispatch(packets);
    this.#pollAll();
  }
}

let port: CompletionPort | null = null;

/**
 * The port of this isolate, made on first use.
 *
 * @returns The port.
 * @category Windows
 */
export function completionPort(): CompletionPort {
  if (port === null) port = new CompletionPort();
  return port;
}

// The packets that `GetQueuedCompletionStatusEx` takes from a completion port.
//
// Page: "OVERLAPPED_ENTRY structure".

/** How many packets are taken at once. */
export const ENTRIES = 64;
const { size: ENTRY_SIZE, fields: ENTRY } = OVERLAPPED_ENTRY;

/**
 * Packets that were taken from the port. Their memory outlives the isolate, for
 * the call that waits on a thread of the pool.
 */
export class Packets {
  /** The entries, for the call to fill in. */
  readonly memory: Uint8Array<ArrayBuffer>;
  /** How many there are, for the call to fill in. */
  readonly removed: Uint32Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;

  /** Allocates room for {@linkcode ENTRIES}, kept as long as the isolate. */
  constructor() {
    const { buffer } = allocate(ENTRIES * ENTRY_SIZE + 4);
    this.memory = new Uint8Array(buffer, 0, ENTRIES * ENTRY_SIZE);
    this.removed = new Uint32Array(buffer, ENTRIES * ENTRY_SIZE, 1);
    this.#view = new DataView(buffer);
  }

  /** The key of the object that the packet is about. */
  key(index: number): bigint {
    return this.#view.getBigUint64(
      index * ENTRY_SIZE + ENTRY.lpCompletionKey.offset,
      true,
    );
  }

  /** The NTSTATUS of an I/O packet, in the low half of `Internal`. */
  status(index: number): number {
    return this.#view.getUint32(
      index * ENTRY_SIZE + ENTRY.Internal.offset,
      true,
    );
  }

  /** The address of the OVERLAPPED; of a job, a process id. */
  overlapped(index: number): bigint {
    return this.#view.getBigUint64(
      index * ENTRY_SIZE + ENTRY.lpOverlapped.offset,
      true,
    );
  }

  /** The bytes that were moved; of a job, the message. */
  bytes(index: number): number {
    return this.#view.getUint32(
      index * ENTRY_SIZE + ENTRY.dwNumberOfBytesTransferred.offset,
      true,
    );
  }
}

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
