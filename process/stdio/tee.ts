/**
 * Output shown live to somebody else, while it is captured or read.
 *
 * @module
 */

import { shown } from "../validate.ts";

/** One of the two outputs of a child. */
export type OutputName = "stdout" | "stderr";

/** A function that is shown every piece of output; the next one waits for its promise. */
export type TeeFunction = (
  chunk: Uint8Array<ArrayBuffer>,
  stream: OutputName,
) => void | Promise<void>;

/** Where output goes besides. */
export type TeeTarget = "inherit" | WritableStream<Uint8Array> | TeeFunction;

/**
 * Validates the option.
 *
 * @param value The option.
 * @returns The target; `null` where the option is undefined.
 * @throws {TypeError} when it is none, or a stream that is locked.
 */
export function teeTarget(value: unknown): TeeTarget | null {
  if (value === undefined) return null;
  if (value === "inherit" || typeof value === "function") {
    return value as TeeTarget;
  }
  if (value instanceof WritableStream) {
    if (!value.locked) return value;
    throw new TypeError("Invalid tee: the stream is locked");
  }
  throw new TypeError(
    `Invalid tee: expected "inherit", a WritableStream or a function, got ${
      shown(value)
    }`,
  );
}

/** The receiver of one run's output. */
export class Tee {
  readonly #show: TeeFunction;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  readonly #failed: (error: unknown) => void;
  #broken = false;
  #streams = 0;

  /**
   * @param target Where output goes.
   * @param failed Called once when the receiver fails; it gets no more then.
   */
  constructor(target: TeeTarget, failed: (error: unknown) => void) {
    this.#failed = failed;
    if (target === "inherit") this.#show = writeOwn;
    else if (typeof target === "function") this.#show = target;
    else {
      const writer = target.getWriter();
      this.#writer = writer;
      this.#show = (chunk) => writer.write(chunk);
    }
  }

  /**
   * Shows one piece. Never rejects: the run goes on to its end and is told.
   *
   * @param piece The piece; copied, since the reader's memory is its own.
   * @param stream Where it comes from.
   */
  async show(piece: Uint8Array, stream: OutputName): Promise<void> {
    if (this.#broken) return;
    try {
      await this.#show(new Uint8Array(piece), stream);
    } catch (error) {
      if (this.#broken) return;
      this.#broken = true;
      this.#failed(error);
    }
  }

  /** One more output is shown to it. */
  begin(): void {
    this.#streams++;
  }

  /** One output has ended; with the last one the stream is given back, open. */
  end(): void {
    if (--this.#streams === 0) this.#writer?.releaseLock();
  }
}

async function writeOwn(chunk: Uint8Array, stream: OutputName): Promise<void> {
  const own = stream === "stdout" ? Deno.stdout : Deno.stderr;
  for (let at = 0; at < chunk.byteLength;) {
    at += await own.write(chunk.subarray(at));
  }
}

/**
 * Shows one piece, blocking: for a run that blocks.
 *
 * @param target Where output goes; no stream.
 * @param piece The piece.
 * @param stream Where it comes from.
 */
export function showSync(
  target: Exclude<TeeTarget, WritableStream>,
  piece: Uint8Array,
  stream: OutputName,
): void {
  if (typeof target === "function") {
    target(new Uint8Array(piece), stream);
    return;
  }
  const own = stream === "stdout" ? Deno.stdout : Deno.stderr;
  for (let at = 0; at < piece.byteLength;) {
    at += own.writeSync(piece.subarray(at));
  }
}
