/**
 * Output that is passed on, and how long there has been none.
 *
 * @module
 */

import type { Output, OutputName } from "../terminal/output.ts";
import { PausableTimer } from "./pausable_timer.ts";

/** Calls when nothing was touched for some time. */
export class IdleWatch implements Disposable {
  readonly #limit: number;
  readonly #idle: () => void;
  #last = performance.now();
  #timer: PausableTimer;
  #pauses = 0;

  /**
   * @param limit Milliseconds.
   * @param idle Called once.
   */
  constructor(limit: number, idle: () => void) {
    this.#limit = limit;
    this.#idle = idle;
    this.#timer = new PausableTimer(limit, () => this.#look());
  }

  /** Something has come. */
  touch(): void {
    this.#last = performance.now();
  }

  /** The time stands still: nothing is looked for. Nested calls count. */
  pause(): void {
    this.#pauses++;
    this.#timer.clear();
  }

  /** Undoes one {@linkcode IdleWatch.pause}; the time begins anew. */
  resume(): void {
    if (--this.#pauses > 0) return;
    this.touch();
    this.#timer = new PausableTimer(this.#limit, () => this.#look());
  }

  // One timer at a time, however often something comes.
  #look(): void {
    const left = this.#last + this.#limit - performance.now();
    if (left <= 0) this.#idle();
    else this.#timer = new PausableTimer(left, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#timer.clear();
    this.#pauses = Infinity;
  }
}

/**
 * Passes a stream on until it ends.
 *
 * @param source The output of a child.
 * @param output Our own outputs.
 * @param name Which of them.
 * @param idle Told of every piece. While our reader takes nothing, the child may be
 * waiting for it: that is not its silence.
 */
export async function passOn(
  source: ReadableStream<Uint8Array>,
  output: Output,
  name: OutputName,
  idle: IdleWatch,
): Promise<void> {
  const reader = source.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    idle.touch();
    output.write(name, value);
    const room = output.room(name);
    if (room !== null) {
      idle.pause();
      await room;
      idle.resume();
    }
    // Our reader has gone. Closing the pipe tells the child, as it would have
    // been told without us.
    if (output.gone(name)) return await reader.cancel();
  }
}
