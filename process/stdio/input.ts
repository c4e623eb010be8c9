/**
 * Feeding a child's standard input while its outputs are drained.
 *
 * @module
 */

import type { ByteSink } from "../../backend/native.ts";

/** What a child can be fed with. */
export type Input = Uint8Array | ReadableStream<Uint8Array>;

/**
 * Writes all of the input, then closes the sink. A child that ends, or closes
 * its stdin, has read what it wanted: no error (EPIPE).
 *
 * @param sink The child's standard input.
 * @param input Bytes, or a stream of them.
 * @throws what the stream failed with.
 * @throws {TypeError} when the stream gave something other than bytes.
 */
export async function feedInput(sink: ByteSink, input: Input): Promise<void> {
  try {
    if (input instanceof Uint8Array) await written(sink, input);
    else await feedStream(sink, input.getReader());
  } finally {
    sink.close();
  }
}

// False when the child takes no more.
async function written(sink: ByteSink, bytes: Uint8Array): Promise<boolean> {
  try {
    await sink.write(bytes);
    return true;
  } catch {
    return false;
  }
}

async function feedStream(
  sink: ByteSink,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<void> {
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(
          "Invalid input: the stream gave something other than a Uint8Array",
        );
      }
      if (!await written(sink, value)) break;
    }
  } catch (error) {
    cancelQuietly(reader, error);
    throw error;
  }
  cancelQuietly(reader, "the child takes no more input");
}

async function cancelQuietly(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  reason: unknown,
): Promise<void> {
  try {
    await reader.cancel(reason);
  } catch {
    // The stream has failed by itself: nothing more to do with it.
  }
}
