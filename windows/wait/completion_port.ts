/**
 * One completion port per isolate: it carries the ends of all pipe operations,
 * the messages of all jobs, and wake-ups.
 *
 * Deno's blocking pool has 4 threads per core on Windows and serves all
 * asynchronous file I/O too, so at most one call is ever pending there:
 * `GetQueuedCompletionStatusEx`. It is pending only while something is held
 * that the event loop must wait for; the last release ends it with a packet of
 * its own. Watches that do not hold the event loop are looked at from an unreferenced
 * timer.
 *
 * Pages: "I/O Completion Ports", "GetQueuedCompletionStatusEx function".
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";
import { INVALID_HANDLE_VALUE, OVERLAPPED_ENTRY } from "../system/win32.ts";
import { windowsError } from "../system/errors.ts";
import { Handle } from "../system/handle.ts";
import { io } from "../system/kernel32.ts";
import { allocate } from "../system/isolate_end.ts";

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
