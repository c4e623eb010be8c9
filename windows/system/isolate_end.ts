/**
 * The end of this isolate: the handles that Windows closes with it, so that trees end
 * with the isolate that started them and no handle is left open; and the memory that
 * stays for the kernel.
 *
 * - The isolate of the main thread, and that of a test file, ends with the event
 *   `unload`: at the normal end, at `Deno.exit()`, at a restart of `--watch`.
 * - A worker ends without running any JavaScript (`terminate()`, `self.close()`).
 *   Its thread ends with it. A slot of fiber-local storage has a callback that
 *   Windows calls with the slot's value when a thread ends; the callback here is
 *   `CloseHandle` itself, and the value a handle.
 *
 * A slot number is valid in all threads and its value belongs to one. It cannot
 * be freed by a terminated worker, and there are 4,080 in a process (128 before
 * Windows 10 2004), so later workers use the numbers again: each is noted in the
 * atom table of the process, which no other process sees.
 *
 * Pages: "FlsAlloc function", "FlsSetValue function", "About Atom Tables".
 *
 * @module
 */

import { cString, Struct, wideString } from "../../ffi/memory.ts";
import { viewAt } from "../../ffi/library.ts";
import { heap, threads } from "./kernel32.ts";
import { OVERLAPPED } from "./win32.ts";

// The event `unload`

const closers = new Set<() => void>();

/**
 * Calls a function at the `unload` of this isolate. In a worker there is none.
 *
 * @param close Called synchronously, and again when `unload` fires again.
 */
export function atUnload(close: () => void): void {
  if (closers.size === 0) globalThis.addEventListener("unload", closeAll);
  closers.add(close);
}

/**
 * Undoes {@linkcode atUnload}.
 *
 * @param close The function.
 */
export function notAtUnload(close: () => void): void {
  closers.delete(close);
  if (closers.size === 0) globalThis.removeEventListener("unload", closeAll);
}

function closeAll(): void {
  closers.forEach((close) => close());
}

// The end of a thread

const FLS_OUT_OF_INDEXES = 0xFFFFFFFF;

const MARK = "@killable/process closes at thread end: slot ";

// The library's slots have gaps between them where others have allocated some.
const WIDEST_GAP = 64;

/** No slot: the handle is closed by its owner, or with the process. */
export const NO_SLOT = -1;

/** Slots that are free in this thread; `null` until the first is needed. */
let unused: number[] | null = null;

function inWorker(): boolean {
  return "WorkerGlobalScope" in globalThis;
}

/**
 * Has a handle closed when the thread of this worker ends.
 *
 * @param handle The handle.
 * @returns The slot, for {@linkcode keepOpen}; {@linkcode NO_SLOT} on the main
 * thread, and where the process has no slot left.
 */
export function closeAtThreadEnd(handle: bigint): number {
  if (!inWorker()) return NO_SLOT;
  unused ??= knownSlots();
  const slot = unused.pop() ?? newSlot();
  if (slot !== NO_SLOT) threads().FlsSetValue(slot, handle);
  return slot;
}

/**
 * Undoes {@linkcode closeAtThreadEnd}, before the owner closes the handle.
 *
 * @param slot Its result.
 */
export function keepOpen(slot: number): void {
  if (slot === NO_SLOT) return;
  threads().FlsSetValue(slot, 0n);
  unused?.push(slot);
}

/** The slots that workers before this one have allocated. */
function knownSlots(): number[] {
  const k = threads();
  const slots: number[] = [];
  let last = 0;
  for (let slot = 1; slot - last <= WIDEST_GAP; slot++) {
    if (k.FindAtomW(wideString(MARK + slot)) === 0) continue;
    last = slot;
    // Another copy of this library in the same thread may use it.
    if (k.FlsGetValue(slot) === 0n) slots.push(slot);
  }
  return slots;
}

function newSlot(): number {
  const k = threads();
  const kernel32 = k.GetModuleHandleW(wideString("kernel32.dll"));
  const closeHandle = k.GetProcAddress(kernel32, cString("CloseHandle"));
  const slot = k.FlsAlloc(closeHandle);
  if (slot === FLS_OUT_OF_INDEXES) return NO_SLOT;
  k.AddAtomW(wideString(MARK + slot));
  return slot;
}

// Memory for the kernel to write to after a call has returned: reads and writes
// in flight, OVERLAPPED structures, the packets of a completion port.
//
// Memory of JavaScript is freed with its isolate, which `worker.terminate()`
// ends at any moment; the kernel would go on writing to it. So this memory
// belongs to the process heap. It is freed when no operation uses it; memory
// that an operation uses when its isolate ends stays allocated until the process ends.
//
// Pages: "HeapAlloc function", "OVERLAPPED structure".

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
 * @param memory The memory, of {@linkcode allocate}.
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
