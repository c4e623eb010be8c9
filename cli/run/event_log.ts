/**
 * What happens to a run, as lines of JSON in a file, for other programs to read
 * while it goes on.
 *
 * @module
 */

import type { ProcessEvent } from "../../process/run/events.ts";
import { UsageError } from "../arguments/operands.ts";
import { STALLED_MS } from "../terminal/output.ts";
import { InterruptibleWait } from "./files.ts";

/** The file of `--events`, and what has not been written to it yet. */
export class EventLog implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  // Written one after the other, and by another thread: a pipe without a
  // reader must not keep a time limit waiting.
  #written: Promise<void> = Promise.resolve();
  #failed = false;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Opens the file. A FIFO is waited for until something reads it.
   *
   * @param path The file: made where there is none, else added to; `null` for none.
   * @param waits Gets the function by which a signal ends the wait.
   * @returns The log, if there is to be one; a signal when one has ended the wait.
   * @throws {UsageError} when it cannot be opened.
   */
  static async open(
    path: string | null,
    waits: (wait: InterruptibleWait) => void,
  ): Promise<EventLog | Deno.Signal | null> {
    if (path === null) return null;
    const wait = new InterruptibleWait();
    waits(wait);
    let file: Deno.FsFile | null = null;
    const opening = Deno.open(path, { create: true, append: true }).then(
      (one) => {
        file = one;
      },
    );
    try {
      await wait.unlessHeard(opening);
    } catch (error) {
      throw new UsageError(
        `cannot open '${path}' for the events: ${(error as Error).message}`,
      );
    }
    return file === null ? wait.signal as Deno.Signal : new EventLog(file);
  }

  /** Adds an event. A log that cannot be written loses the rest, the run goes on. */
  readonly add = (event: ProcessEvent): void => {
    const line = new TextEncoder().encode(`${JSON.stringify(event)}\n`);
    this.#written = this.#written.then(() => this.#write(line));
  };

  async #write(line: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < line.length && !this.#failed;) {
        done += await this.#file.write(line.subarray(done));
      }
    } catch {
      this.#failed = true;
    }
  }

  /** Waits for what is not written yet, as long as for any reader that stalls. */
  async [Symbol.asyncDispose](): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STALLED_MS);
    });
    await Promise.race([this.#written, late]);
    clearTimeout(timer);
    this.#failed = true;
    this.#file.close();
  }
}
