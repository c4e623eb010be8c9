/**
 * Standard output and standard error of a program that looks after others. A
 * write never blocks the event loop: while a reader takes nothing (a stopped
 * pager, Ctrl-S), signals and time limits are still obeyed. Pieces wait in a
 * queue with a bound, beyond which nothing more is read from the children. A
 * reader that has gone ends the output.
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";
import { isGranted } from "../is_granted.ts";

/** The name of an output. */
export type OutputName = "stdout" | "stderr";

/** The target of an output. */
export type OutputTarget = Pick<typeof Deno.stdout, "write">;

/** How long a reader may take nothing once the commands have been stopped. */
export const STALLED_MS = 1000;

/** Bytes that may wait for their reader. */
const BOUND = 1 << 20;

// A blocking write returns when the reader has taken all of it: small enough for
// progress to be seen.
const WRITE_BYTES = 1 << 16;
const FULL_PIPE_MS = 10;

const encoder = new TextEncoder();

/** Both outputs. */
export class Output {
  readonly #stdout: Lane;
  readonly #stderr: Lane;
  readonly #abandoned: PromiseWithResolvers<void> = Promise.withResolvers();
  #closed = false;

  /** Called once for each output whose reader has gone. */
  onGone: (name: OutputName) => void = () => {};

  /**
   * @param targets The targets.
   * @param shared Whether both are the same file: then the pieces of the two keep
   * their order, and a reader that stalls stalls both.
   * @param bound Bytes that may wait for one reader.
   */
  constructor(
    targets: Readonly<Record<OutputName, OutputTarget>> = Deno,
    shared: boolean = isSameFile(),
    bound: number = BOUND,
  ) {
    const gone = (name: OutputName): void => this.onGone(name);
    this.#stdout = new Lane(targets, bound, gone);
    this.#stderr = shared ? this.#stdout : new Lane(targets, bound, gone);
  }

  /** Whether the reader of an output has gone. */
  gone(name: OutputName): boolean {
    return this.#lane(name).gone.has(name);
  }

  /**
   * Queues a piece; the memory belongs to the output until it is written. A piece
   * for a reader that has gone is dropped.
   *
   * @param name The output.
   * @param bytes The piece.
   * @param written Called when the memory may be used again.
   */
  write(name: OutputName, bytes: Uint8Array, written?: () => void): void {
    if (bytes.length === 0 || this.#closed) return;
    this.#lane(name).add({ name, bytes, written });
  }

  /** Queues a line for standard error. */
  say(line: string): void {
    this.write("stderr", encoder.encode(`${line}\n`));
  }

  /** Resolves when another piece may be queued; `null` when that is now. */
  room(name: OutputName): Promise<void> | null {
    return this.#closed ? null : this.#lane(name).room();
  }

  /** Waits for no reader any more, and takes nothing more. */
  abandon(): void {
    this.#closed = true;
    this.#abandoned.resolve();
    this.#stdout.freeRoom();
    this.#stderr.freeRoom();
  }

  /**
   * Waits until everything is written.
   *
   * @param patience Milliseconds in which the reader has to take something;
   * Infinity waits for as long as it takes.
   * @returns False when it was given up: the reader has stalled.
   */
  async drained(patience: number): Promise<boolean> {
    for (;;) {
      const writing = this.#stdout.writing ?? this.#stderr.writing;
      if (writing === null) return true;
      if (!await this.keepsUp(writing, patience)) return false;
    }
  }

  /**
   * Waits for something that needs the reader to go on reading.
   *
   * @param work The work that is waited for.
   * @param patience As for {@linkcode Output.drained}.
   * @returns False when it was given up.
   */
  async keepsUp(work: Promise<unknown>, patience: number): Promise<boolean> {
    let done = false;
    const finished = work.then(() => {
      done = true;
    });
    while (!done && !this.#closed) {
      const before = this.#written;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = new Timer(patience, resolve);
      await Promise.race([finished, this.#abandoned.promise, promise]);
      timer.clear();
      if (!done && this.#written === before) return false;
    }
    return done;
  }

  /**
   * The last words of a program that ends.
   *
   * @param lines The lines.
   * @param patience As for {@linkcode Output.drained}.
   */
  async finish(lines: readonly string[], patience: number): Promise<void> {
    for (const line of lines) this.say(line);
    await this.drained(patience);
  }

  get #written(): number {
    return this.#stdout.written + this.#stderr.written;
  }

  #lane(name: OutputName): Lane {
    return name === "stdout" ? this.#stdout : this.#stderr;
  }
}

// Whether both are the same terminal, pipe or file.
function isSameFile(): boolean {
  if (Deno.stdout.isTerminal() && Deno.stderr.isTerminal()) return true;
  if (Deno.build.os !== "linux") return false;
  if (!isGranted({ name: "read", path: "/proc/self/fd" })) return false;
  try {
    return Deno.readLinkSync("/proc/self/fd/1") ===
      Deno.readLinkSync("/proc/self/fd/2");
  } catch {
    return false;
  }
}

interface Piece {
  readonly name: OutputName;
  readonly bytes: Uint8Array;
  readonly written: (() => void) | undefined;
}

/** The queue in front of one file. */
class Lane {
  readonly #targets: Readonly<Record<OutputName, OutputTarget>>;
  readonly #bound: number;
  readonly #onGone: (name: OutputName) => void;
  readonly gone: Set<OutputName> = new Set();
  #queue: Piece[] = [];
  #waiting = 0;
  #room: PromiseWithResolvers<void> | null = null;
  /** Resolves when the queue is empty; `null` when it is. */
  writing: Promise<void> | null = null;
  /** Bytes that the reader has taken. */
  written = 0;

  constructor(
    targets: Readonly<Record<OutputName, OutputTarget>>,
    bound: number,
    onGone: (name: OutputName) => void,
  ) {
    this.#targets = targets;
    this.#bound = bound;
    this.#onGone = onGone;
  }

  add(piece: Piece): void {
    if (this.gone.has(piece.name)) return;
    this.#queue.push(piece);
    this.#waiting += piece.bytes.length;
    this.writing ??= this.#run();
  }

  room(): Promise<void> | null {
    if (this.#waiting < this.#bound) return null;
    return (this.#room ??= Promise.withResolvers()).promise;
  }

  freeRoom(): void {
    this.#room?.resolve();
    this.#room = null;
  }

  async #run(): Promise<void> {
    // Pieces that are queued in the same turn are written together.
    await undefined;
    while (this.#queue.length > 0) {
      const { name, bytes, written } = this.#next();
      try {
        await this.#writeAll(name, bytes);
      } catch {
        // EPIPE, EIO of a terminal that has hung up, EBADF: whatever it is, no
        // byte of this output arrives any more.
        this.#lose(name);
      }
      this.#waiting = Math.max(0, this.#waiting - bytes.length);
      written?.();
      if (this.#waiting < this.#bound) this.freeRoom();
    }
    this.writing = null;
  }

  // The small pieces at the head of the queue that go to the same output, as one.
  #next(): Piece {
    const first = this.#queue[0]!;
    let count = 1;
    let length = first.bytes.length;
    for (; count < this.#queue.length; count++) {
      const { name, bytes } = this.#queue[count]!;
      if (name !== first.name || length + bytes.length > WRITE_BYTES) break;
      length += bytes.length;
    }
    const pieces = this.#queue.splice(0, count);
    if (count === 1) return first;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece.bytes, at);
      at += piece.bytes.length;
      piece.written?.();
    }
    return { name: first.name, bytes, written: undefined };
  }

  async #writeAll(name: OutputName, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      try {
        const count = await this.#targets[name].write(
          bytes.subarray(at, at + WRITE_BYTES),
        );
        at += count;
        this.written += count;
      } catch (error) {
        // A pipe that its owner has made non-blocking is full.
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        await new Promise((resolve) => setTimeout(resolve, FULL_PIPE_MS));
      }
    }
  }

  #lose(name: OutputName): void {
    if (this.gone.has(name)) return;
    this.gone.add(name);
    const kept: Piece[] = [];
    for (const piece of this.#queue) {
      if (piece.name === name) this.#waiting -= piece.bytes.length;
      else kept.push(piece);
    }
    this.#queue = kept;
    this.#onGone(name);
  }
}
