/**
 * A pipe whose traffic is watched, for the idle timeout and for tee.
 *
 * @module
 */

import type { ByteSource } from "../../backend/backend.ts";
import type { IdleClock } from "../../idle.ts";
import type { OutputName, Tee } from "./tee.ts";

/** The same source; every piece is noted, and shown, before its reader gets it. */
export class ObservedSource implements ByteSource {
  readonly #source: ByteSource;
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
    this.#source = source;
    this.#name = name;
    this.#clock = clock;
    this.#tee = tee;
    tee?.begin();
  }

  get readSize(): number {
    return this.#source.readSize;
  }

  read(view: Uint8Array, _patient: boolean): number | Promise<number> {
    // Somebody waits for what comes.
    const read = this.#source.read(view, false);
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

  finish(): void {
    this.#source.finish();
  }

  close(): void {
    this.#endTee();
    this.#source.close();
  }

  ref(): void {
    this.#source.ref();
  }

  unref(): void {
    this.#source.unref();
  }

  settled(): Promise<void> | null {
    return this.#source.settled();
  }
}
