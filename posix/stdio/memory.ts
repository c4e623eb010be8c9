/**
 * Large pieces of memory on Linux. Capturing much output takes most of its time for
 * pages that are written for the first time, each with a fault of its own. They are
 * asked for together, and moved, not copied, into the result.
 *
 * Pages of 2 MiB (MADV_HUGEPAGE) are no way out: a virtual machine that gives
 * free ones back to its host gets them slower than all the small ones.
 *
 * @module
 */

import { type BulkMemory, PLAIN_MEMORY } from "../../backend/backend.ts";
import { addressOf } from "../../ffi/library.ts";
import { posixError } from "../system/errno.ts";
import { bindErrno, DARWIN, errno, libcMemory } from "../system/libc.ts";

// glibc gives everything from here on a mapping of its own, whatever was freed
// before (DEFAULT_MMAP_THRESHOLD_MAX in malloc.c): its pages hold nothing else, and
// all of them are untouched.
const OWN_MAPPING = 32 << 20;

// <sys/mman.h>
const PROT_READ_WRITE = 1 | 2;
const MAP_PRIVATE_ANONYMOUS = 2 | 0x20;
const MAP_FIXED_NOREPLACE = 0x100000;
const MADV_POPULATE_WRITE = 23;
const MREMAP_MAYMOVE = 1;
const MREMAP_FIXED = 2;
const MREMAP_DONTUNMAP = 4;
const EEXIST = 17;
const EINVAL = 22;

/** The whole pages of an array. */
interface Pages {
  /** Bytes before them. */
  readonly head: number;
  /** Their bytes. */
  readonly length: number;
  /** Where they are. */
  readonly address: bigint;
}

function pagesOf(view: Uint8Array<ArrayBuffer>, page: number): Pages {
  const start = addressOf(view);
  const head = Number(BigInt(page) - start % BigInt(page)) % page;
  const rest = view.byteLength - head;
  return {
    head,
    length: rest - rest % page,
    address: start + BigInt(head),
  };
}

class LinuxMemory implements BulkMemory {
  // Linux 5.7 and later; refused by some sandboxes.
  #pagesMove = true;

  willWrite(part: Uint8Array<ArrayBuffer>): void {
    if (part.buffer.byteLength < OWN_MAPPING) return;
    // Linux 5.14 and later. A refusal only costs time.
    const { address, length } = pagesOf(part, libcMemory().getpagesize());
    libcMemory().madvise(address, BigInt(length), MADV_POPULATE_WRITE);
  }

  move(
    target: Uint8Array<ArrayBuffer>,
    at: number,
    piece: Uint8Array<ArrayBuffer>,
  ): void {
    if (piece.byteLength < OWN_MAPPING || !this.#movePages(target, at, piece)) {
      target.set(piece, at);
    }
  }

  // Puts pages of the piece in the place of those of the target. The piece gets
  // empty ones for them, so that both can be freed as they were allocated.
  #movePages(
    target: Uint8Array<ArrayBuffer>,
    at: number,
    piece: Uint8Array<ArrayBuffer>,
  ): boolean {
    if (!this.#pagesMove) return false;
    bindErrno();
    const page = libcMemory().getpagesize();
    const from = pagesOf(piece, page);
    const place = target.subarray(at, at + piece.byteLength);
    const to = pagesOf(place, page);
    if (from.head !== to.head) return false;
    const length = BigInt(from.length);
    const moved = libcMemory().mremap(
      from.address,
      length,
      length,
      MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
      to.address,
    );
    if (moved === -1n) {
      const error = errno();
      this.#pagesMove = false;
      if (error !== EINVAL) this.#mapAgain(to);
      return false;
    }
    const end = from.head + from.length;
    place.set(piece.subarray(0, from.head));
    place.set(piece.subarray(end), end);
    return true;
  }

  // A move that fails late has unmapped its target.
  #mapAgain(pages: Pages): void {
    const mapped = libcMemory().mmap(
      pages.address,
      BigInt(pages.length),
      PROT_READ_WRITE,
      MAP_PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE,
      -1,
      0n,
    );
    if (mapped !== -1n) return;
    const error = errno();
    if (error !== EEXIST) throw posixError("mmap", error);
  }
}

/**
 * The memory of this operating system.
 *
 * @returns The memory; nothing was opened for it.
 */
export function posixMemory(): BulkMemory {
  return DARWIN ? PLAIN_MEMORY : new LinuxMemory();
}
