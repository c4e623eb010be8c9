/**
 * The numbers under which a child that uses Microsoft's C runtime knows the
 * handles it inherits: Node, Python, Cygwin's programs and most others written in
 * C read them from `lpReserved2` of their startup information, as `_spawn` and
 * libuv write it. Programs that do not, ignore it.
 *
 * The layout: a count of 4 bytes, one byte of flags for each descriptor, then the
 * handles, 8 bytes each and unaligned.
 *
 * Pure: no FFI.
 *
 * @module
 */

/** The entry is in use. */
export const FOPEN = 0x01;
/** It is a pipe or a socket. */
export const FPIPE = 0x08;
/** Writes go to the end. */
export const FAPPEND = 0x20;
/** It is a character device, as the null device is. */
export const FDEV = 0x40;

/** The highest number: msvcrt has 2048 descriptors, and `cbReserved2` 16 bits. */
export const LARGEST_DESCRIPTOR = 2047;

/** One descriptor. */
export interface RuntimeDescriptor {
  /** Its number. */
  readonly target: number;
  /** Its handle. */
  readonly handle: bigint;
  /** Its flags. */
  readonly flags: number;
}

/**
 * Writes the block. Numbers that are not given, 0 to 2 among them, are left open:
 * the runtime takes its standard streams from the startup information then.
 *
 * @param descriptors The descriptors, each with a number up to {@linkcode LARGEST_DESCRIPTOR}.
 * @returns What `lpReserved2` points to; empty when there are none.
 */
export function runtimeDescriptors(
  descriptors: readonly RuntimeDescriptor[],
): Uint8Array<ArrayBuffer> {
  let count = 0;
  for (let i = 0; i < descriptors.length; i++) {
    const { target } = descriptors[i] as RuntimeDescriptor;
    count = Math.max(count, target + 1);
  }
  if (count === 0) return new Uint8Array(new ArrayBuffer(0));
  const block = new Uint8Array(new ArrayBuffer(4 + count * 9));
  const view = new DataView(block.buffer);
  view.setInt32(0, count, true);
  // INVALID_HANDLE_VALUE
  block.fill(0xff, 4 + count);
  for (let i = 0; i < descriptors.length; i++) {
    const { target, handle, flags } = descriptors[i] as RuntimeDescriptor;
    block[4 + target] = flags;
    view.setBigUint64(4 + count + target * 8, handle, true);
  }
  return block;
}
