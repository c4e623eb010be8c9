/**
 * The limit on what a child writes to its piped streams, both together.
 *
 * @module
 */

import type { ByteSource } from "./backend/backend.ts";

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
export class BudgetedSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #budget: OutputBudget;

  /**
   * @param source The pipe.
   * @param budget Shared by the streams of a child.
   */
  constructor(source: ByteSource, budget: OutputBudget) {
    this.#source = source;
    this.#budget = budget;
  }

  /** See {@linkcode ByteSource.read}. */
  read(view: Uint8Array, patient: boolean): number | Promise<number> {
    const { left } = this.#budget;
    // Whether there is one byte more is known only by reading it.
    const target = left === 0
      ? new Uint8Array(1)
      : view.byteLength > left
      ? view.subarray(0, left)
      : view;
    const n = this.#source.read(target, patient);
    return typeof n === "number" ? this.#taken(n) : this.#later(n);
  }

  async #later(pending: Promise<number>): Promise<number> {
    return this.#taken(await pending);
  }

  #taken(count: number): number {
    const within = this.#budget.take(count);
    // The stream ends here; the writer is being ended.
    if (within === 0) this.#source.close();
    return within;
  }

  /** See {@linkcode ByteSource.readSize}. */
  get readSize(): number {
    return this.#source.readSize;
  }

  /** See {@linkcode ByteSource.finish}. */
  finish(): void {
    this.#source.finish();
  }

  /** See {@linkcode ByteSource.close}. */
  close(): void {
    this.#source.close();
  }

  /** See {@linkcode ByteSource.ref}. */
  ref(): void {
    this.#source.ref();
  }

  /** See {@linkcode ByteSource.unref}. */
  unref(): void {
    this.#source.unref();
  }

  /** See {@linkcode ByteSource.settled}. */
  settled(): Promise<void> | null {
    return this.#source.settled();
  }
}
