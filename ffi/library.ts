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
