/**
 * Opening a system library: the only place that calls `Deno.dlopen`.
 *
 * A library is bound so that it costs little at the start of a script and
 * leaves nothing open:
 *
 * - **No compiled stubs.** Deno compiles a stub for each synchronous function,
 *   0.15 to 0.55 ms each, unless a structure is among its parameters. Every
 *   function is declared with one parameter of 8 bytes more than it has in C
 *   and called with a constant there. In the calling conventions of x86-64
 *   (System V, Windows) and of AArch64 the callee never looks at it, and the
 *   caller removes it. Forty functions open in 0.5 ms instead of 13, and a call
 *   takes 0.3 µs.
 * - **Closed at once.** The resource that `Deno.dlopen` gives is closed before
 *   the functions are returned, so that the resource sanitizer of `deno test`
 *   (on by default up to Deno 2.7) does not blame the first test that uses this
 *   package. A bound function has its own copy of the address, and the code
 *   stays mapped: only libraries that Deno itself is linked with are opened
 *   here. A `nonblocking` function goes through the resource at each call and
 *   is therefore bound by its address.
 *
 * @module
 */

/** A function that gives the bound symbols of a library, and opens it when it is first called. */
export type Library<S extends Deno.ForeignLibraryInterface> = () =>
  Deno.DynamicLibrary<S>["symbols"];

/**
 * A function that opens a library on its first call and remembers it.
 *
 * Nothing happens before that call: importing a module that declares a library
 * needs no permission and costs no `dlopen`.
 *
 * @param candidates Names or absolute paths of a library that Deno itself is
 * linked with, tried in order. A bare name goes to the OS loader under an
 * unscoped `--allow-ffi`; a scoped grant matches an absolute path only
 * (denoland/deno#29246).
 * @param symbols The functions to bind, with at most ten parameters each.
 * @returns A function that gives the bound symbols.
 */
export function lazyLibrary<const S extends Deno.ForeignLibraryInterface>(
  candidates: readonly string[],
  symbols: S,
): Library<S> {
  let opened: Deno.DynamicLibrary<S>["symbols"] | null = null;
  return function library(): Deno.DynamicLibrary<S>["symbols"] {
    if (opened === null) {
      refuseScopedGrant();
      opened = bind(open(candidates, symbols), symbols);
    }
    return opened;
  };
}

let pointersAllowed = false;

// Under `--allow-ffi=/lib` a library opens, and every pointer is refused later, with
// a message that asks for the flag that was given.
function refuseScopedGrant(): void {
  if (pointersAllowed) return;
  try {
    Deno.UnsafePointer.of(PADDING_VALUE);
    pointersAllowed = true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new Deno.errors.NotCapable(
      `${error.message}. A list of paths (--allow-ffi=/lib) is not enough: grant --allow-ffi without one`,
      { cause: error },
    );
  }
}

function open(
  candidates: readonly string[],
  symbols: Deno.ForeignLibraryInterface,
): Deno.DynamicLibrary<Deno.ForeignLibraryInterface> {
  const declared = declarations(symbols);
  let first: unknown = null;
  for (let i = 0; i < candidates.length; i++) {
    try {
      return Deno.dlopen(candidates[i] as string, declared);
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

// How symbols are declared to Deno

/** The parameter behind the last one that C knows: Deno compiles no stub. */
const PADDING: Deno.NativeStructType = { struct: ["u64"] };

/** The value of that parameter. */
const PADDING_VALUE = new Uint8Array(new ArrayBuffer(8));

/**
 * The symbols that `Deno.dlopen` is asked for.
 *
 * @param symbols The functions and statics as in C.
 * @returns The same with a padding parameter; nonblocking functions as addresses.
 */
function declarations(
  symbols: Deno.ForeignLibraryInterface,
): Deno.ForeignLibraryInterface {
  const declared: Record<string, Deno.ForeignFunction | Deno.ForeignStatic> =
    {};
  const names = Object.keys(symbols);
  for (let i = 0; i < names.length; i++) {
    const key = names[i] as string;
    const symbol = symbols[key] as Deno.ForeignFunction | Deno.ForeignStatic;
    if ("type" in symbol) declared[key] = symbol;
    else if (symbol.nonblocking === true) {
      const { name = key, optional = false } = symbol;
      declared[key] = { name, optional, type: "pointer" };
    } else {
      const parameters = symbol.parameters.concat([PADDING]);
      declared[key] = { ...symbol, parameters };
    }
  }
  return declared;
}

// From Deno's functions to those with the parameters of C

type Native = (...parameters: unknown[]) => unknown;

function bind<S extends Deno.ForeignLibraryInterface>(
  library: Deno.DynamicLibrary<Deno.ForeignLibraryInterface>,
  symbols: S,
): Deno.DynamicLibrary<S>["symbols"] {
  const found = library.symbols as Record<string, unknown>;
  const bound: Record<string, unknown> = {};
  const names = Object.keys(symbols);
  for (let i = 0; i < names.length; i++) {
    const key = names[i] as string;
    const symbol = symbols[key] as Deno.ForeignFunction | Deno.ForeignStatic;
    const value = found[key];
    // null: an optional symbol that this system does not have.
    if ("type" in symbol || value === null) bound[key] = value;
    else if (symbol.nonblocking === true) {
      bound[key] = byAddress(value as Deno.PointerObject, symbol);
    } else bound[key] = padded(value as Native, symbol.parameters.length);
  }
  library.close();
  return bound as Deno.DynamicLibrary<S>["symbols"];
}

function byAddress(
  address: Deno.PointerObject,
  symbol: Deno.ForeignFunction,
): Native {
  const pointer = new Deno.UnsafeFnPointer(
    address as Deno.PointerObject<Deno.ForeignFunction>,
    symbol,
  ) as unknown as { call: Native };
  switch (symbol.parameters.length) {
    case 4:
      return (a, b, c, d) => pointer.call(a, b, c, d);
    case 6:
      return (a, b, c, d, e, f) => pointer.call(a, b, c, d, e, f);
    default:
      throw new RangeError(
        `Cannot bind a nonblocking function of ${symbol.parameters.length} parameters: write down its case`,
      );
  }
}

/**
 * Wraps a function so that its padding parameter is hidden. There is one wrapper for
 * each number of parameters: a spread would go through the page's array iterator, and
 * is slower.
 *
 * @param native The function as Deno has bound it.
 * @param count How many parameters it has in C.
 * @returns The function as it is in C.
 */
function padded(native: Native, count: number): Native {
  const z = PADDING_VALUE;
  switch (count) {
    case 0:
      return () => native(z);
    case 1:
      return (a) => native(a, z);
    case 2:
      return (a, b) => native(a, b, z);
    case 3:
      return (a, b, c) => native(a, b, c, z);
    case 4:
      return (a, b, c, d) => native(a, b, c, d, z);
    case 5:
      return (a, b, c, d, e) => native(a, b, c, d, e, z);
    case 6:
      return (a, b, c, d, e, f) => native(a, b, c, d, e, f, z);
    case 7:
      return (a, b, c, d, e, f, g) => native(a, b, c, d, e, f, g, z);
    case 8:
      return (a, b, c, d, e, f, g, h) => native(a, b, c, d, e, f, g, h, z);
    case 9:
      return (a, b, c, d, e, f, g, h, i) =>
        native(a, b, c, d, e, f, g, h, i, z);
    case 10:
      return (a, b, c, d, e, f, g, h, i, j) =>
        native(a, b, c, d, e, f, g, h, i, j, z);
    default:
      throw new RangeError(
        `Cannot bind a function of ${count} parameters: ten are the most`,
      );
  }
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

// The event loop, held without a timer

const NO_CALLBACK = { parameters: [], result: "void" } as const;

let held = 0;

let callback: Deno.UnsafeCallback<typeof NO_CALLBACK> | null = null;

/**
 * Keeps the event loop going until {@linkcode releaseLoop} is called as often.
 *
 * @throws {Deno.errors.NotCapable} without permission for FFI.
 */
export function holdLoop(): void {
  if (held === 0) {
    callback = new Deno.UnsafeCallback(NO_CALLBACK, () => {});
    callback.ref();
  }
  held++;
}

/** Takes back one {@linkcode holdLoop}. */
export function releaseLoop(): void {
  if (--held > 0) return;
  callback?.close();
  callback = null;
}
