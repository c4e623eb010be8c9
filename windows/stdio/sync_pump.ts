/**
 * Moving bytes while blocking: one wait over the leader and an event for each
 * pipe, so that no pipe can fill up while another is served.
 *
 * Pages: "WaitForMultipleObjects function", "GetOverlappedResult function".
 *
 * @module
 */

import type { SyncIo, SyncOutcome } from "../../backend/native.ts";
import { Struct } from "../../ffi/struct.ts";
import { INFINITE } from "../system/constants.ts";
import { ERROR_IO_PENDING, windowsError } from "../system/errors.ts";
import { Handle } from "../system/handle.ts";
import { io, io as io_ } from "../system/kernel32.ts";
import { OVERLAPPED } from "../system/structs.ts";
import type { Leader } from "../wait/leader.ts";
import type { PipeWriter } from "./pipe.ts";
import type { PipeReader } from "./pipe_reader.ts";

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
   * Takes what is still in the pipes without waiting, and closes them: whoever
   * else may hold their other end is not waited for.
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

// One overlapped operation at a time on a pipe, with an event to wait for: the
// blocking counterpart of the completion port.
//
// Pages: "CreateEventW function", "GetOverlappedResult function",
// "CancelIoEx function".

const SIZE = 256 * 1024;

/** ERROR_IO_INCOMPLETE: the operation still goes on. */
const ERROR_IO_INCOMPLETE = 996;

/** So much is taken from one pipe before the other gets its turn. */
const TURNS = 16;

function createEvent(): Handle {
  const k = io();
  const value = k.CreateEventW(null, 1, 0, null);
  const code = value === 0n ? k.GetLastError() : 0;
  if (code !== 0) throw windowsError(code, "CreateEventW");
  return new Handle(value);
}

/** What an operation came to: bytes, still going on, or the end of the pipe. */
type Progress = number | "pending" | "end";

/** An overlapped operation that signals an event. */
class Operation {
  readonly #pipe: Handle;
  readonly #event = createEvent();
  readonly #overlapped = new Struct(OVERLAPPED);
  readonly buffer: Uint8Array<ArrayBuffer> = new Uint8Array(
    new ArrayBuffer(SIZE),
  );
  #inFlight = false;

  constructor(pipe: Handle) {
    this.#pipe = pipe;
    this.#overlapped.set("hEvent", this.#event.value);
  }

  /** The event while an operation is in flight, else 0. */
  get waitable(): bigint {
    return this.#inFlight ? this.#event.value : 0n;
  }

  get inFlight(): boolean {
    return this.#inFlight;
  }

  start(kind: "read" | "write", count: number): Progress {
    const k = io();
    const call = kind === "read" ? k.ReadFile : k.WriteFile;
    const ok = call(
      this.#pipe.value,
      this.buffer,
      count,
      null,
      this.#overlapped.bytes,
    );
    const code = ok ? 0 : k.GetLastError();
    if (code === ERROR_IO_PENDING) {
      this.#inFlight = true;
      return "pending";
    }
    if (code !== 0) return "end";
    return Number(this.#overlapped.bigint("InternalHigh"));
  }

  /** Looks at the operation in flight, or waits for it. */
  result(wait: boolean): Progress {
    const k = io();
    const done = new Uint32Array(new ArrayBuffer(4));
    const ok = k.GetOverlappedResult(
      this.#pipe.value,
      this.#overlapped.bytes,
      done,
      wait ? 1 : 0,
    );
    const code = ok ? 0 : k.GetLastError();
    if (code === ERROR_IO_INCOMPLETE) return "pending";
    this.#inFlight = false;
    return code === 0 ? done[0] as number : "end";
  }

  /** Cancels the operation in flight; what it still moved counts. */
  cancel(): Progress {
    io().CancelIoEx(this.#pipe.value, this.#overlapped.bytes);
    return this.result(true);
  }

  close(): void {
    // The kernel may write to the buffer until the cancellation is through.
    if (this.#inFlight && !this.#pipe.closed) this.cancel();
    this.#event.close();
  }
}

/** Reads from a pipe while blocking. */
export class SyncReader {
  readonly #pipe: Handle;
  readonly #operation: Operation;
  #ended = false;

  /** @param pipe Our end; the caller closes it. */
  constructor(pipe: Handle) {
    this.#pipe = pipe;
    this.#operation = new Operation(pipe);
  }

  /** What to wait for; 0 when there is nothing. */
  get waitable(): bigint {
    return this.#operation.waitable;
  }

  /**
   * Whether its turn was over before the pipe was empty: no read is in flight
   * then that could end a wait, so nothing may be waited for.
   */
  get interrupted(): boolean {
    return !this.#ended && !this.#operation.inFlight;
  }

  /**
   * Passes on what is there and starts the next read.
   *
   * @param receiver Takes the pieces.
   * @returns False when it refused one.
   */
  advance(receiver: ((piece: Uint8Array) => boolean) | null): boolean {
    for (let turn = 0; !this.#ended && turn < TURNS; turn++) {
      const progress = this.#operation.inFlight
        ? this.#operation.result(false)
        : this.#operation.start("read", SIZE);
      if (progress === "pending") return true;
      if (!this.#take(progress, receiver)) return false;
    }
    return true;
  }

  #take(
    progress: Progress,
    receiver: ((piece: Uint8Array) => boolean) | null,
  ): boolean {
    if (progress === "end") this.#ended = true;
    if (typeof progress !== "number" || progress === 0) return true;
    return receiver === null ||
      receiver(this.#operation.buffer.subarray(0, progress));
  }

  /**
   * Passes on what is there, without waiting, and ends.
   *
   * @param receiver Takes the pieces, until it refuses one.
   */
  drain(receiver: ((piece: Uint8Array) => boolean) | null): void {
    if (this.#pipe.closed) return;
    let wanted = true;
    if (this.#operation.inFlight) {
      const last = this.#operation.cancel();
      wanted = last === "end" || this.#take(last, receiver);
      // A cancelled read is no end of the stream: bytes may have come since.
      this.#ended = false;
    }
    while (wanted && !this.#ended && this.#available() > 0) {
      wanted = this.#take(this.#operation.start("read", SIZE), receiver);
    }
    this.#operation.close();
  }

  #available(): number {
    const out = new Uint32Array(new ArrayBuffer(4));
    const ok = io().PeekNamedPipe(this.#pipe.value, null, 0, null, out, null);
    return ok ? out[0] as number : 0;
  }
}

/** Writes to a pipe while blocking. */
export class SyncWriter {
  readonly #operation: Operation;
  #closed = false;

  /** @param pipe Our end; the caller closes it. */
  constructor(pipe: Handle) {
    this.#operation = new Operation(pipe);
  }

  /** What to wait for; 0 when there is nothing. */
  get waitable(): bigint {
    return this.#closed ? 0n : this.#operation.waitable;
  }

  /** Whether it has been closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Writes as much as the pipe takes.
   *
   * @param input What is to be written.
   * @returns What is left of it; `null` when nothing is, or nobody reads it.
   */
  advance(input: Uint8Array): Uint8Array | null {
    let rest = input;
    while (rest.byteLength > 0) {
      const progress = this.#operation.inFlight
        ? this.#operation.result(false)
        : this.#startWrite(rest);
      if (progress === "pending") return rest;
      // The child does not want the rest, which is its right.
      if (progress === "end") return null;
      rest = rest.subarray(progress);
    }
    return null;
  }

  #startWrite(rest: Uint8Array): Progress {
    const count = Math.min(SIZE, rest.byteLength);
    this.#operation.buffer.set(rest.subarray(0, count));
    return this.#operation.start("write", count);
  }

  /** Ends it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#operation.close();
  }
}
