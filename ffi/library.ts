/**
 * Opening a system library: the only place that calls `Deno.dlopen`.
 *
 * @module
 */

/**
 * A function that opens a library on its first call and remembers it.
 *
 * Nothing happens before that call: importing a module that declares a library
 * needs no permission and costs no `dlopen`.
 *
 * @param candidates Names or absolute paths, tried in order. A bare name goes
 * to the OS loader under an unscoped `--allow-ffi`; a scoped grant matches an
 * absolute path only (denoland/deno#29246).
 * @param symbols The functions to bind.
 * @returns A function that gives the bound symbols.
 */
export function lazyLibrary<const S extends Deno.ForeignLibraryInterface>(
  candidates: readonly string[],
  symbols: S,
): () => Deno.DynamicLibrary<S>["symbols"] {
  let opened: Deno.DynamicLibrary<S>["symbols"] | null = null;
  return function library(): Deno.DynamicLibrary<S>["symbols"] {
    if (opened === null) opened = open(candidates, symbols);
    return opened;
  };
}

function open<const S extends Deno.ForeignLibraryInterface>(
  candidates: readonly string[],
  symbols: S,
): Deno.DynamicLibrary<S>["symbols"] {
  let first: unknown = null;
  for (let i = 0; i < candidates.length; i++) {
    try {
      return Deno.dlopen(candidates[i] as string, symbols).symbols;
    } catch (error) {
      // A refused permission is the user's answer. Where the grant is scoped,
      // one of the absolute paths may still be the granted one.
      first ??= error;
    }
  }
  if (first instanceof Deno.errors.NotCapable) throw first;
  throw new Error(
    `Cannot open the system library: tried ${
      candidates.join(", ")
    }. Grant --allow-ffi without a list: under a scoped grant neither a name nor a pointer can be used`,
    { cause: first },
  );
}

// Addresses as bigints: they go into structures and parameters of type `usize`
// without a pointer object.

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
