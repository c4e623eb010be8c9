// deno-lint-ignore-file camelcase -- the names are those of C
/**
 * `libSystem.B.dylib` as far as this library calls it, made of the C library of
 * Linux. A function that macOS has not is refused, as by dlsym.
 *
 * @module
 */

import { kevent, keventAsync, kqueue } from "./kqueue.ts";
import { openFlagsOfLinux } from "./numbers.ts";
import {
  getpgid,
  kill,
  killpg,
  listAllPids,
  pidInfo,
  sysctl,
  timebase,
} from "./processes.ts";
import { errorLocation, fail, real, taken } from "./real_libc.ts";
import { ioctl, SOCKET_SYMBOLS } from "./sockets.ts";
import { SPAWN_SYMBOLS } from "./spawn.ts";

type Call = (...args: never[]) => unknown;

const F_GETFD = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const EINVAL = 22;

// Only status flags, which is all that pipes need.
function setFlags(fd: number, command: number, flags: bigint): number {
  if (command !== F_SETFL) return fail(EINVAL);
  const own = openFlagsOfLinux(Number(flags));
  return taken(real.fcntl(fd, F_SETFL, BigInt(own)));
}

function same(call: Call): Call {
  return ((...args: never[]) => taken(call(...args))) as Call;
}

const PASSED = [
  "access",
  "close",
  "dup",
  "getcwd",
  "getenv",
  "getpagesize",
  "getpgrp",
  "pipe",
  "poll",
  "read",
  "realpath",
  "setpgid",
  "setpriority",
  "tcgetattr",
  "tcgetpgrp",
  "tcsetattr",
  "tcsetpgrp",
  "write",
] as const;

const SYMBOLS: Record<string, unknown> = {
  ...SPAWN_SYMBOLS,
  ...SOCKET_SYMBOLS,
  __error: errorLocation,
  environ: real.environ,
  fcntl(fd: number, command: number): number {
    // What it finds as the variadic argument, on Apple arm64, cannot be known.
    if (command === F_GETFD) return taken(real.fcntl(fd, F_GETFD, 0n));
    if (command !== F_GETFL) return setFlags(fd, command, 0n);
    const flags = real.fcntl(fd, F_GETFL, 0n);
    return flags < 0 ? taken(flags) : flags & 3 | (flags & 0x800 ? 4 : 0);
  },
  fcntl_on_stack: (fd: number, command: number, ...rest: bigint[]): number =>
    setFlags(fd, command, rest[6] as bigint),
  getpgid,
  getrlimit(resource: number, bytes: Uint8Array): number {
    return taken(
      real.getrlimit(resource === 8 ? 7 : resource, bytes as BufferSource),
    );
  },
  ioctl,
  kevent,
  kevent_async: keventAsync,
  kill,
  killpg,
  kqueue,
  mach_timebase_info: timebase,
  open: (path: Uint8Array, flags: number): number =>
    taken(real.open(path as BufferSource, openFlagsOfLinux(flags), 0)),
  proc_listallpids: listAllPids,
  proc_pidinfo: pidInfo,
  pthread_sigmask(how: number, set: Uint8Array, old: Uint8Array): number {
    return real.pthread_sigmask(
      how - 1,
      set as BufferSource,
      old as BufferSource,
    );
  },
  sysctl,
};
for (const name of PASSED) SYMBOLS[name] = same(real[name] as Call);

// Addresses of functions, for those that are called through them.
const addresses = new Map<bigint, Call>();
const RealPointer = Deno.UnsafeFnPointer;

function addressOf(call: Call): Deno.PointerValue {
  const memory = new Uint8Array(new ArrayBuffer(8));
  const pointer = Deno.UnsafePointer.of(memory);
  addresses.set(
    Deno.UnsafePointer.value(pointer),
    Object.assign(call, { memory }),
  );
  return pointer;
}

/** `Deno.UnsafeFnPointer`, which can also call a function of the emulation. */
export class LibSystemPointer {
  readonly call: Call;

  constructor(pointer: Deno.PointerObject, definition: Deno.ForeignFunction) {
    const real = new RealPointer(pointer as never, definition as never);
    this.call = addresses.get(Deno.UnsafePointer.value(pointer)) ??
      (real.call as Call).bind(real);
  }
}

/** `Deno.dlopen` of it. */
export function openLibSystem(
  wanted: Deno.ForeignLibraryInterface,
): Deno.DynamicLibrary<Deno.ForeignLibraryInterface> {
  const symbols: Record<string, unknown> = {};
  for (const [key, symbol] of Object.entries(wanted)) {
    const found = SYMBOLS[key];
    const { optional = false } = symbol as { optional?: boolean };
    if (found === undefined && !optional) {
      throw new Error(`Failed to register symbol ${key}: macOS has none`);
    }
    symbols[key] = "type" in symbol && typeof found === "function"
      ? addressOf(found as Call)
      : found ?? null;
  }
  return { symbols, close: () => {} } as never;
}
