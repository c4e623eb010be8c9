/**
 * What `GetQueuedCompletionStatusEx` takes from a completion port.
 *
 * Page: "OVERLAPPED_ENTRY structure".
 *
 * @module
 */

import { OVERLAPPED_ENTRY } from "./system/structs.ts";

/** How many packets are taken at once. */
export const ENTRIES = 64;
const { size: ENTRY_SIZE, fields: ENTRY } = OVERLAPPED_ENTRY;

/** Packets that were taken from the port, in memory of their own. */
export class Packets {
  /** The entries, for the call to fill in. */
  readonly memory: Uint8Array<ArrayBuffer> = new Uint8Array(
    new ArrayBuffer(ENTRIES * ENTRY_SIZE),
  );
  /** How many there are, for the call to fill in. */
  readonly removed: Uint32Array<ArrayBuffer> = new Uint32Array(
    new ArrayBuffer(4),
  );
  readonly #view: DataView<ArrayBuffer> = new DataView(this.memory.buffer);

  /** Whose packet it is. */
  key(index: number): bigint {
    return this.#view.getBigUint64(
      index * ENTRY_SIZE + ENTRY.lpCompletionKey.offset,
      true,
    );
  }

  /** The NTSTATUS of an I/O packet, in the low half of `Internal`. */
  status(index: number): number {
    return this.#view.getUint32(
      index * ENTRY_SIZE + ENTRY.Internal.offset,
      true,
    );
  }

  /** The address of the OVERLAPPED; of a job, a process id. */
  overlapped(index: number): bigint {
    return this.#view.getBigUint64(
      index * ENTRY_SIZE + ENTRY.lpOverlapped.offset,
      true,
    );
  }

  /** The bytes that were moved; of a job, the message. */
  bytes(index: number): number {
    return this.#view.getUint32(
      index * ENTRY_SIZE + ENTRY.dwNumberOfBytesTransferred.offset,
      true,
    );
  }
}
