/**
 * A pipe whose traffic is watched: for the idle timeout, for tee, and for the limit
 * on output.
 *
 * @module
 */

import type { ByteSource } from "../../backend/native.ts";
import { Timer } from "../../backend/timer.ts";
import type { OutputName, Tee } from "./child_output.ts";

/** A source in front of another one, which it passes everything on to. */
abstract class WrappedSource implements ByteSource {
  protected readonly source: ByteSource;

  /** @param source The source behind it. */
  constructor(source: ByteSource) {
    this.source = source;
  }

  abstract read(view: Uint8Array, patient: boolean): number | Promise<number>;

  get readSize(): number {
    return this.source.readSize;
  }

  arrived(): boolean {
    return this.source.arrived?.() ?? false;
  }

  finish(): void {
    this.source.finish();
  }

  close(): void {
    this.source.close();
  }

  ref(): void {
    this.source.ref();
  }

  unref(): void {
    this.source.unref();
  }

  settled(): Promise<void> | null {
    return this.source.settled();
  }
}

/** Notes every piece, and shows it to a tee, before the reader gets it. */
export class ObservedSource extends WrappedSource {
  readonly #name: OutputName;
  readonly #clock: IdleClock | null;
  #tee: Tee | null;

  /**
   * @param source The pipe.
   * @param name Which output it is.
   * @param clock Told of every piece.
   * @param tee Shown every piece; the reader waits for it, and so does the child.
   */
  constructor(
    source: ByteSource,
    name: OutputName,
    clock: IdleClock | null,
    tee: Tee | null,
  ) {
    super(source);
    this.#name = name;
    this.#clock = clock;
    this.#tee = tee;
    tee?.begin();
    clock?.watch(source);
  }

  read(view: Uint8Array, _patient: boolean): number | Promise<number> {
    // A reader waits for these bytes.
    const read = this.source.read(view, false);
    if (typeof read !== "number") return this.#readLater(view, read);
    this.#clock?.came(false);
    return this.#tee === null ? read : this.#shown(view, read);
  }

  async #readLater(view: Uint8Array, read: Promise<number>): Promise<number> {
    this.#clock?.waits();
    const n = await read;
    this.#clock?.came(true);
    return this.#tee === null ? n : await this.#shown(view, n);
  }

  async #shown(view: Uint8Array, n: number): Promise<number> {
    if (n > 0) await this.#tee?.show(view.subarray(0, n), this.#name);
    else this.#endTee();
    return n;
  }

  #endTee(): void {
    this.#tee?.end();
    this.#tee = null;
  }

  override close(): void {
    this.#endTee();
    super.close();
  }
}

// ---- The idle timeout: for how long no output has come ----

// A timer that is so many milliseconds late says that this process did not run.
const LATE = 250;

/**
 * Measures for how long output has been waited for in vain. It runs while a read
 * is pending and stands still otherwise: a reader that is slow, or gone, says
 * nothing about the child.
 */
export class IdleClock {
  readonly #ms: number;
  readonly #expired: () => void;
  #timer: Timer | null = null;
  readonly #sources: ByteSource[] = [];
  // Whether the last look was late.
  #late = false;
  #waiting = 0;
  // When the silence began.
  #since = 0;
  #stopped = false;

  /**
   * @param ms Milliseconds of silence.
   * @param expired Called once when they have passed.
   */
  constructor(ms: number, expired: () => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  /** A read has begun to wait. */
  waits(): void {
    if (this.#waiting++ === 0) this.#since = performance.now();
    if (this.#timer === null) this.#arm(this.#ms);
  }

  /** Bytes have come, or a stream has ended; `waited` when a read waited for it. */
  came(waited: boolean): void {
    if (waited) this.#waiting--;
    this.#late = false;
    this.#since = performance.now();
  }

  /** Adds a pipe that is asked before its silence counts. */
  watch(source: ByteSource): void {
    this.#sources[this.#sources.length] = source;
  }

  // One timer for many pieces: when it fires it looks how long it has been.
  #arm(ms: number): void {
    if (this.#stopped) return;
    this.#timer = new Timer(ms, () => this.#look());
    // The child, or the pending read, is what holds the event loop.
    this.#timer.hold(false);
  }

  #look(): void {
    this.#timer = null;
    if (this.#waiting === 0) return;
    const rest = this.#since + this.#ms - performance.now();
    if (rest > 0) return this.#arm(rest);
    // This process may have been busy, or stopped, so that what was written has not
    // been read: the child was not silent.
    if (this.#arrived()) {
      this.#since = performance.now();
      return this.#arm(this.#ms);
    }
    // It was stopped, and the child may have been stopped with it (Ctrl-Z and fg; a
    // frozen cgroup): the child gets some time to go on.
    if (!this.#late && -rest > LATE) {
      this.#late = true;
      return this.#arm(Math.min(this.#ms, LATE));
    }
    this.stop();
    this.#expired();
  }

  #arrived(): boolean {
    for (let i = 0; i < this.#sources.length; i++) {
      if (this.#sources[i]?.arrived?.()) return true;
    }
    return false;
  }

  /** Ends it unfired: the child has exited, or is being stopped. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
    this.#timer = null;
  }
}

// ---- The limit on output: both piped streams of a child together ----

/** How many bytes may still come. */
export class OutputBudget {
  #left: number;
  #spent = false;
  readonly #passed: () => void;

  /**
   * @param bytes How many bytes may come.
   * @param passed Called once, when there was one more.
   */
  constructor(bytes: number, passed: () => void) {
    this.#left = bytes;
    this.#passed = passed;
  }

  /** Bytes that may still come. */
  get left(): number {
    return this.#left;
  }

  /**
   * Counts bytes that have come.
   *
   * @param count How many.
   * @returns How many of them are within the limit.
   */
  take(count: number): number {
    const within = Math.min(count, this.#left);
    this.#left -= within;
    if (within < count && !this.#spent) {
      this.#spent = true;
      this.#passed();
    }
    return within;
  }
}

/** A source that ends where the budget does. */
export class BudgetedSource extends WrappedSource {
  readonly #budget: OutputBudget;

  /**
   * @param source The pipe.
   * @param budget Shared by the streams of a child.
   */
  constructor(source: ByteSource, budget: OutputBudget) {
    super(source);
    this.#budget = budget;
  }

  read(view: Uint8Array, patient: boolean): number | Promise<number> {
    const { left } = this.#budget;
    // Whether there is one byte more is known only by reading it.
    const target = left === 0
      ? new Uint8Array(1)
      : view.byteLength > left
      ? view.subarray(0, left)
      : view;
    const n = this.source.read(target, patient);
    return typeof n === "number" ? this.#taken(n) : this.#later(n);
  }

  async #later(pending: Promise<number>): Promise<number> {
    return this.#taken(await pending);
  }

  #taken(count: number): number {
    const within = this.#budget.take(count);
    // The stream ends here; the writer is being ended.
    if (within === 0) this.source.close();
    return within;
  }
}
