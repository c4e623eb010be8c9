/**
 * Files that go with a run: a lock that lets one run at a time, the process id of the
 * command for others to read; and waiting that a signal ends.
 *
 * @module
 */

import { UsageError } from "../arguments/operands.ts";
import { stopSelf } from "./pausable_timer.ts";
import type { Output } from "../terminal/output.ts";

/** A wait that a signal to this program ends. */
export class InterruptibleWait {
  readonly #heard = Promise.withResolvers<void>();
  /** The signal that ended it, or `null`. */
  signal: Deno.Signal | null = null;

  /** A signal to this program. */
  heard(signal: Deno.Signal): void {
    if (signal === "SIGTSTP") return stopSelf();
    this.signal ??= signal;
    this.#heard.resolve();
  }

  /** Resolves when the time is over, or a signal has come. */
  async over(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const passed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await this.unlessHeard(passed);
    clearTimeout(timer);
  }

  /** Resolves when the work has, or a signal has come. */
  async unlessHeard(work: Promise<unknown>): Promise<void> {
    await Promise.race([work, this.#heard.promise]);
  }
}

/** The lock of a file, as flock(2) gives it: the kernel takes it back at our end. */
export class FileLock implements Disposable {
  readonly #file: Deno.FsFile | null;
  /** The signal that ended the wait for it, or `null`. */
  readonly interrupted: Deno.Signal | null;

  private constructor(
    file: Deno.FsFile | null,
    interrupted: Deno.Signal | null,
  ) {
    this.#file = file;
    this.interrupted = interrupted;
  }

  /**
   * Waits for the lock.
   *
   * @param path The file, which is made where there is none; `null` for no lock.
   * @param waits Gets the function by which a signal ends the wait.
   * @returns The lock, held until it is disposed of.
   * @throws {UsageError} when the file cannot be opened.
   */
  static async take(
    path: string | null,
    waits: (wait: InterruptibleWait) => void,
  ): Promise<FileLock> {
    if (path === null) return new FileLock(null, null);
    let file: Deno.FsFile;
    try {
      file = await Deno.open(path, { create: true, append: true });
    } catch (error) {
      throw new UsageError(
        `cannot open the lock '${path}': ${(error as Error).message}`,
      );
    }
    const wait = new InterruptibleWait();
    waits(wait);
    await wait.unlessHeard(file.lock(true));
    return new FileLock(file, wait.signal);
  }

  [Symbol.dispose](): void {
    // Closing unlocks. A wait that was given up holds the file until the exit.
    if (this.interrupted === null) this.#file?.close();
  }
}

/** A file with the process id of the command. */
export class PidFile implements Disposable {
  readonly #path: string | null;
  readonly #output: Output;
  readonly #text: string;

  /**
   * Writes it.
   *
   * @param path The file, or `null` for none.
   * @param pid The process id.
   * @param output Gets a line when it cannot be written.
   */
  constructor(path: string | null, pid: number, output: Output) {
    this.#path = path;
    this.#output = output;
    this.#text = `${pid}\n`;
    this.#attempt((file) => Deno.writeTextFileSync(file, this.#text));
  }

  #attempt(action: (path: string) => void): void {
    if (this.#path === null) return;
    try {
      action(this.#path);
    } catch (error) {
      this.#output.say(`killable run: ${(error as Error).message}`);
    }
  }

  // One that another run has written since is its.
  [Symbol.dispose](): void {
    this.#attempt((file) => {
      if (Deno.readTextFileSync(file) === this.#text) Deno.removeSync(file);
    });
  }
}
