/**
 * Memory for the kernel to write to after a call has returned: reads and writes
 * in flight, OVERLAPPED structures, the packets of a completion port.
 *
 * Memory of JavaScript is freed with its isolate, which `worker.terminate()`
 * ends at any moment; the kernel would go on writing to it. So this memory
 * belongs to the process heap. It is freed when no operation uses it; what an
 * operation uses when its isolate ends stays allocated until the process ends.
 *
 * Pages: "HeapAlloc function", "OVERLAPPED structure".
 *
 * @module
 */

import { Struct } from "../../ffi/struct.ts";
import { viewAt } from "../../ffi/library.ts";
import { heap } from "./kernel32.ts";
import { OVERLAPPED } from "./structs.ts";

const HEAP_ZERO_MEMORY = 0x8;

/**
 * Allocates memory of the process heap, filled with zeros.
 *
 * @param size Bytes.
 * @returns A view of it, to be given to {@linkcode free}.
 * @throws {Error} when there is no memory left.
 */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  const k = heap();
  const address = k.HeapAlloc(
    k.GetProcessHeap(),
    HEAP_ZERO_MEMORY,
    BigInt(size),
  );
  if (address === 0n) {
    throw new Error(`Cannot allocate ${size} bytes: HeapAlloc has no memory`);
  }
  return new Uint8Array(viewAt(address).getArrayBuffer(size));
}

/**
 * Frees memory. Nothing may use it any more, the view included.
 *
 * @param memory What {@linkcode allocate} returned.
 */
export function free(memory: Uint8Array<ArrayBuffer>): void {
  const k = heap();
  k.HeapFree(k.GetProcessHeap(), 0, memory);
}

/** An OVERLAPPED structure in memory of its own. */
export class Overlapped {
  readonly #struct: Struct<"InternalHigh" | "hEvent">;
  #freed = false;

  /** @param event The event that the end of the operation signals, or 0. */
  constructor(event: bigint) {
    this.#struct = new Struct(OVERLAPPED, allocate(OVERLAPPED.size));
    this.#struct.set("hEvent", event);
  }

  /** The structure, to be passed to the kernel. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#freed) throw new TypeError("Cannot use an OVERLAPPED after free");
    return this.#struct.bytes;
  }

  /** How many bytes the operation has moved. */
  get moved(): number {
    return Number(this.#struct.bigint("InternalHigh"));
  }

  /** Frees it. Idempotent. No operation may be in flight. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    free(this.#struct.bytes);
  }
}
