/**
 * Moving bytes while blocking: one wait over the leader and an event for each
 * pipe, so that no pipe can fill up while another is served.
 *
 * Pages: "WaitForMultipleObjects function", "GetOverlappedResult function".
 *
 * @module
 */

import type { SyncIo, SyncOutcome } from "../../backend/native.ts";
import { INFINITE } from "../system/win32.ts";
import type { Handle } from "../system/handle.ts";
import { io as io_ } from "../system/kernel32.ts";
import type { Leader } from "../wait/leader.ts";
import {
  available,
  createEvent,
  Operation,
  receive,
} from "../wait/completion_port.ts";
import type { PipeReader, PipeWriter } from "./pipe.ts";

/** The pipes of a child. */
export interface SyncPipes {
  /** Pipe to stdin, or `null`. */
  readonly stdin: PipeWriter | null;
  /** Pipe from stdout, or `null`. */
  readonly stdout: PipeReader | null;
  /** Pipe from stderr, or `null`. */
  readonly stderr: PipeReader | null;
}

/** Pumps one child's pipes. Operations stay in flight between two calls. */
export class SyncPump {
  readonly #pipes: SyncPipes;
  readonly #stdin: SyncWriter | null;
  readonly #stdout: SyncReader | null;
  readonly #stderr: SyncReader | null;
  readonly #waits: BigUint64Array<ArrayBuffer> = new BigUint64Array(
    new ArrayBuffer(32),
  );

  /** @param pipes The pipes, not in asynchronous use. */
  constructor(pipes: SyncPipes) {
    this.#pipes = pipes;
    const { stdin, stdout, stderr } = pipes;
    this.#stdin = stdin === null ? null : new SyncWriter(stdin.handle);
    this.#stdout = stdout === null ? null : new SyncReader(stdout.handle);
    this.#stderr = stderr === null ? null : new SyncReader(stderr.handle);
  }

  /**
   * Moves bytes until the leader has exited, the time is up, or a receiver has
   * had enough.
   *
   * @param leader The child.
   * @param io Input and receivers; `io.input` is advanced.
   * @param ms How long at most, in milliseconds; Infinity for no limit.
   * @returns Why it came back.
   */
  pump(leader: Leader, io: SyncIo, ms: number): SyncOutcome {
    const deadline = performance.now() + ms;
    while (true) {
      this.#feed(io);
      if (!(this.#stdout?.advance(io.stdout) ?? true)) return "overflow";
      if (!(this.#stderr?.advance(io.stderr) ?? true)) return "overflow";
      if (leader.poll() !== null) return "exited";
      const remaining = deadline - performance.now();
      if (remaining <= 0) return "timeout";
      if (!this.#interrupted) this.#wait(leader, remaining);
    }
  }

  get #interrupted(): boolean {
    return (this.#stdout?.interrupted ?? false) ||
      (this.#stderr?.interrupted ?? false);
  }

  #feed(io: SyncIo): void {
    if (this.#stdin === null) return;
    if (io.input !== null) io.input = this.#stdin.advance(io.input);
    if (io.input === null && !this.#stdin.closed) {
      this.#stdin.close();
      this.#pipes.stdin?.close();
    }
  }

  #wait(leader: Leader, remaining: number): void {
    let count = 0;
    this.#waits[count++] = leader.process.value;
    const events = [
      this.#stdin?.waitable ?? 0n,
      this.#stdout?.waitable ?? 0n,
      this.#stderr?.waitable ?? 0n,
    ];
    for (let i = 0; i < 3; i++) {
      const event = events[i] as bigint;
      if (event !== 0n) this.#waits[count++] = event;
    }
    const ms = Math.min(Math.ceil(remaining), INFINITE);
    io_().WaitForMultipleObjects(count, this.#waits, 0, ms);
  }

  /**
   * Reads the rest of the pipes without waiting, and closes them: other
   * holders of their ends are not waited for.
   *
   * @param io The receivers.
   */
  drain(io: SyncIo): void {
    this.#stdin?.close();
    this.#stdout?.drain(io.stdout);
    this.#stderr?.drain(io.stderr);
    this.#pipes.stdin?.close();
    this.#pipes.stdout?.close();
    this.#pipes.stderr?.close();
  }
}

// The two ends, each with an event that its operation in flight signals.

const SIZE = 256 * 1024;

/** So much is taken from one pipe before the other gets its turn. */
const TURNS = 16;

type Receiver = ((piece: Uint8Array) => boolean) | null;

/** An operation with the event that its end signals. */
class EventOperation {
  readonly #event = createEvent().closeAtThreadEnd();
  readonly #pipe: Handle;
  readonly operation: Operation;

  constructor(pipe: Handle) {
    this.#pipe = pipe;
    this.operation = new Operation(pipe, this.#event);
  }

  /** The event while the operation is in flight, else 0. */
  get waitable(): bigint {
    return this.operation.inFlight ? this.#event.value : 0n;
  }

  /** Ends the operation, if it is in flight. */
  cancel(): void {
    if (!this.operation.inFlight || this.#pipe.closed) return;
    this.operation.cancel();
    this.operation.result(true);
  }

  free(): void {
    this.operation.free();
    this.#event.close();
  }
}

/** Reads from a pipe while blocking. */
export class SyncReader {
  readonly #pipe: Handle;
  readonly #wait: EventOperation;
  readonly #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(
    new ArrayBuffer(SIZE),
  );
  #ended = false;

  /** @param pipe Our end; the caller closes it. */
  constructor(pipe: Handle) {
    this.#pipe = pipe;
    this.#wait = new EventOperation(pipe);
  }

  /** The handle to wait for; 0 for none. */
  get waitable(): bigint {
    return this.#wait.waitable;
  }

  /**
   * Whether its turn was over before the pipe was empty: no wait is in flight
   * then, so nothing may be waited for.
   */
  get interrupted(): boolean {
    return !this.#ended && !this.#wait.operation.inFlight;
  }

  /**
   * Passes on the bytes that are there and waits for more.
   *
   * @param receiver Takes the pieces.
   * @returns False when it refused one.
   */
  advance(receiver: Receiver): boolean {
    const { operation } = this.#wait;
    for (let turn = 0; !this.#ended && turn < TURNS; turn++) {
      const awaited = operation.inFlight ? operation.result(false) : 0;
      if (awaited === "pending") return true;
      if (awaited === "failed") this.#ended = true;
      else if (available(this.#pipe) > 0) {
        if (!this.#take(receiver)) return false;
      } else if (operation.awaitBytes() === "failed") this.#ended = true;
    }
    return true;
  }

  #take(receiver: Receiver): boolean {
    const count = receive(this.#pipe, this.#buffer, SIZE);
    if (count === 0) this.#ended = true;
    return count === 0 || receiver === null ||
      receiver(this.#buffer.subarray(0, count));
  }

  /**
   * Passes on the bytes that are there, without waiting, and ends.
   *
   * @param receiver Takes the pieces, until it refuses one.
   */
  drain(receiver: Receiver): void {
    if (this.#pipe.closed) return;
    this.#wait.cancel();
    let wanted = true;
    while (wanted && !this.#ended && available(this.#pipe) > 0) {
      wanted = this.#take(receiver);
    }
    this.#wait.free();
  }
}

/** Writes to a pipe while blocking. */
export class SyncWriter {
  readonly #write: EventOperation;
  #closed = false;

  /** @param pipe Our end; the caller closes it. */
  constructor(pipe: Handle) {
    this.#write = new EventOperation(pipe);
  }

  /** The handle to wait for; 0 for none. */
  get waitable(): bigint {
    return this.#closed ? 0n : this.#write.waitable;
  }

  /** Whether it has been closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Writes as much as the pipe takes.
   *
   * @param input The bytes to write.
   * @returns The rest; `null` when all is written, or the reader has closed the pipe.
   */
  advance(input: Uint8Array): Uint8Array | null {
    const { operation } = this.#write;
    let rest = input;
    while (rest.byteLength > 0) {
      const progress = operation.inFlight
        ? operation.result(false)
        : operation.write(rest);
      if (progress === "pending") return rest;
      // The child does not want the rest, which is its right.
      if (progress === "failed") return null;
      rest = rest.subarray(progress);
    }
    return null;
  }

  /** Ends it, before the pipe is closed. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#write.cancel();
    this.#write.free();
  }
}
