/**
 * A symbol table that counts and fails: `Deno.dlopen` is replaced before the
 * library opens anything, so that the library has no hook for it. Import this
 * before `mod.ts` is, and `mod.ts` with `await import()`.
 *
 * A call that is made to fail is not made, but close(2), which closes whatever it
 * answers, and wait4(2): other code has reaped the child.
 *
 * @module
 */

import { bySystemCall } from "./names.ts";

/** Which call is to fail, and how. */
export interface Injection {
  /** The call, as {@linkcode takeCounts} names it. */
  readonly call: string;
  /** The how manieth, from 1. */
  readonly nth: number;
  readonly errno: number;
  /** Whether the ones after it fail as well. */
  readonly always: boolean;
}

/** Something that is done right after a call, whichever that is. */
export interface Interruption {
  /** After how many calls. */
  readonly after: number;
  /** Is told the name of the last one. */
  readonly act: (call: string) => void;
}

type Native = (...args: unknown[]) => unknown;

const realOpen = Deno.dlopen;
const RealPointer = Deno.UnsafeFnPointer;
// Functions for the thread pool are opened as addresses.
const addresses = new Map<bigint, string>();
const counts = new Map<string, number>();
let injection: Injection | null = null;
let struck = 0;
let interruption: Interruption | null = null;
const made: string[] = [];

const location = realOpen("libc.so.6", {
  __errno_location: { parameters: [], result: "pointer" },
}).symbols.__errno_location() as Deno.PointerObject;
const errnoCell = new Int32Array(
  Deno.UnsafePointerView.getArrayBuffer(location, 4),
);

// The error is what they return.
const RETURNS_ERROR = /^(posix_spawn|ptsname_r$|getaddrinfo$)/;

function failure(name: string, definition: Deno.ForeignFunction): unknown {
  const { errno } = injection as Injection;
  if (RETURNS_ERROR.test(name)) return errno;
  errnoCell[0] = errno;
  const result = definition.result === "pointer"
    ? null
    : definition.result === "i32"
    ? -1
    : -1n;
  return definition.nonblocking === true ? Promise.resolve(result) : result;
}

function wrap(
  name: string,
  definition: Deno.ForeignFunction,
  native: Native,
): Native {
  return (...args) => {
    const call = bySystemCall(name, args);
    const count = (counts.get(call) ?? 0) + 1;
    counts.set(call, count);
    const hit = injection?.call === call &&
      (injection.always ? count >= injection.nth : count === injection.nth);
    if (!hit) return uninjected(call, native, args);
    if (name === "close") native(...args);
    // That a status is lost can only be said where there was one.
    else if (name === "wait4") {
      const pid = native(...args) as number;
      if (pid <= 0) return pid;
    }
    struck++;
    return failure(name, definition);
  };
}

function uninjected(
  call: string,
  native: Native,
  args: readonly unknown[],
): unknown {
  const result = native(...args);
  if (interruption !== null) {
    made.push(call);
    if (made.length === interruption.after) interruption.act(call);
  }
  return result;
}

function openWrapped(
  path: string,
  definitions: Deno.ForeignLibraryInterface,
): Deno.DynamicLibrary<Deno.ForeignLibraryInterface> {
  const library = realOpen(path, definitions);
  const symbols: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(definitions)) {
    const native = (library.symbols as Record<string, unknown>)[name];
    if ("type" in definition && native !== null && name !== "environ") {
      const address = native as Deno.PointerObject;
      addresses.set(Deno.UnsafePointer.value(address), name);
    }
    symbols[name] = typeof native === "function"
      ? wrap(name, definition as Deno.ForeignFunction, native as Native)
      : native;
  }
  return { symbols, close: () => library.close() } as never;
}

class WrappedPointer {
  readonly call: Native;

  constructor(address: Deno.PointerObject, definition: Deno.ForeignFunction) {
    const real = new RealPointer(address as never, definition as never);
    const native = (real.call as Native).bind(real);
    const name = addresses.get(Deno.UnsafePointer.value(address));
    this.call = name === undefined ? native : wrap(name, definition, native);
  }
}

/** From now on libraries are opened with symbols that count. */
export function install(): void {
  Object.defineProperty(Deno, "dlopen", { value: openWrapped });
  Object.defineProperty(Deno, "UnsafeFnPointer", { value: WrappedPointer });
}

/** How often each call was made since the last time. */
export function takeCounts(): Map<string, number> {
  const taken = new Map(counts);
  counts.clear();
  return taken;
}

/** Counts from 0, and has a call fail; `null` stops that. */
export function arm(next: Injection | null): void {
  counts.clear();
  struck = 0;
  injection = next;
}

/** How many calls were made to fail since the last {@linkcode arm}. */
export function strikes(): number {
  return struck;
}

/** Counts all calls together from 0, and does something after one of them. */
export function interrupt(next: Interruption): void {
  made.length = 0;
  interruption = next;
}

/** The calls that were made since {@linkcode interrupt}. */
export function callsMade(): readonly string[] {
  return made;
}
