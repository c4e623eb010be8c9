/**
 * Addresses as bigints: they go into structures and parameters of type `usize`
 * without a pointer object.
 *
 * @module
 */

/**
 * The address of a buffer's first byte. Valid while the buffer is referenced.
 *
 * @param view The buffer.
 * @returns Its address.
 */
export function addressOf(view: ArrayBufferView<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(view));
}

/**
 * A view of memory at an address.
 *
 * @param address Where; not 0.
 * @returns The view.
 */
export function viewAt(address: bigint): Deno.UnsafePointerView {
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) throw new TypeError("Cannot view memory at address 0");
  return new Deno.UnsafePointerView(pointer);
}

/** A zeroed buffer whose memory does not move, for the OS to write into. */
export function buffer(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(bytes));
}
