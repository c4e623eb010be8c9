/**
 * The attribute list of `STARTUPINFOEXW`: which handles a child inherits and
 * which jobs it is born into.
 *
 * Pages: "InitializeProcThreadAttributeList function",
 * "UpdateProcThreadAttribute function".
 *
 * @module
 */

import { windowsError } from "./system/errors.ts";
import { processes } from "./system/kernel32.ts";

/** A list of attributes. Windows keeps pointers to the values until it is disposed of. */
export class AttributeList implements Disposable {
  /** The list, to be pointed to. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #values: ArrayBufferView<ArrayBuffer>[] = [];
  #disposed = false;

  /**
   * Makes an empty list.
   *
   * @param count How many attributes it has room for.
   * @throws {SystemError} when Windows refuses.
   */
  constructor(count: number) {
    const k = processes();
    const size = new BigUint64Array(new ArrayBuffer(8));
    // The first call fails by design: it tells the size.
    k.InitializeProcThreadAttributeList(null, count, 0, size);
    this.bytes = new Uint8Array(new ArrayBuffer(Number(size[0])));
    const ok = k.InitializeProcThreadAttributeList(this.bytes, count, 0, size);
    const code = ok ? 0 : k.GetLastError();
    if (code !== 0) {
      throw windowsError(code, "InitializeProcThreadAttributeList");
    }
  }

  /**
   * Sets an attribute whose value is an array of handles.
   *
   * @param attribute Its number.
   * @param handles The handles.
   * @returns 0, or the error code: an attribute may be unknown to this Windows.
   */
  setHandles(attribute: bigint, handles: readonly bigint[]): number {
    const values = new BigUint64Array(new ArrayBuffer(handles.length * 8));
    for (let i = 0; i < handles.length; i++) values[i] = handles[i] as bigint;
    this.#values.push(values);
    const k = processes();
    const ok = k.UpdateProcThreadAttribute(
      this.bytes,
      0,
      attribute,
      values,
      BigInt(values.byteLength),
      null,
      null,
    );
    return ok ? 0 : k.GetLastError();
  }

  /**
   * Keeps memory that the startup information points to as long as the list.
   *
   * @param memory The memory.
   */
  keep(memory: Uint8Array<ArrayBuffer>): void {
    this.#values.push(memory);
  }

  /** Gives the list up. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    processes().DeleteProcThreadAttributeList(this.bytes);
    this.#values.length = 0;
  }
}
