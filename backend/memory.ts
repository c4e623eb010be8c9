/**
 * Memory for much that is written once: the output of a child.
 *
 * @module
 */

/** How large arrays are written, and put together. */
export interface BulkMemory {
  /**
   * Says that bytes come next: what the system has to do for it before is
   * cheaper in one go.
   *
   * @param part A part of an array of zeros, not written to yet.
   */
  willWrite(part: Uint8Array<ArrayBuffer>): void;
  /**
   * Moves the bytes of a piece. What the piece holds afterwards is undefined.
   *
   * @param target Where to.
   * @param at Where in it.
   * @param piece The piece; not of the same array.
   */
  move(
    target: Uint8Array<ArrayBuffer>,
    at: number,
    piece: Uint8Array<ArrayBuffer>,
  ): void;
}

/** As the language does it: every byte is copied. */
export const PLAIN_MEMORY: BulkMemory = {
  willWrite: () => {},
  move: (target, at, piece) => target.set(piece, at),
};
