/**
 * Output that is passed on, and how long there has been none.
 *
 * @module
 */

import { Timer } from "../../backend/timer.ts";

/** Calls when nothing was touched for some time. */
export class IdleWatch implements Disposable {
  readonly #limit: number;
  readonly #idle: () => void;
  #last = performance.now();
  #timer: Timer;

  /**
   * @param limit Milliseconds.
   * @param idle Called once.
   */
  constructor(limit: number, idle: () => void) {
    this.#limit = limit;
    this.#idle = idle;
    this.#timer = new Timer(limit, () => this.#look());
  }

  /** Something has come. */
  touch(): void {
    this.#last = performance.now();
  }

  // One timer at a time, however often something comes.
  #look(): void {
    const left = this.#last + this.#limit - performance.now();
    if (left <= 0) this.#idle();
    else this.#timer = new Timer(left, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#timer.clear();
  }
}

/**
 * Passes a stream on until it ends.
 *
 * @param source What a child writes.
 * @param target Our own output.
 * @param came Called for every piece.
 */
export async function passOn(
  source: ReadableStream<Uint8Array>,
  target: Pick<typeof Deno.stdout, "write">,
  came: () => void,
): Promise<void> {
  const reader = source.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      came();
      for (let at = 0; at < value.length;) {
        at += await target.write(value.subarray(at));
      }
    }
  } catch (error) {
    // Our reader has gone. Closing the pipe tells the child, as it would have
    // been told without us.
    await reader.cancel(error);
  }
}
