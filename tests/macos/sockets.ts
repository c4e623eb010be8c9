// deno-lint-ignore-file camelcase -- the names are those of C
/**
 * Sockets of macOS: addresses that begin with their length, and other numbers.
 *
 * @module
 */

import { real, realDlopen, taken } from "./real_libc.ts";

const AF_INET6 = 30;
const LINUX_AF_INET6 = 10;

const c = realDlopen(
  "libc.so.6",
  {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    listen: { parameters: ["i32", "i32"], result: "i32" },
    getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    getsockopt: {
      parameters: ["i32", "i32", "i32", "buffer", "buffer"],
      result: "i32",
    },
    setsockopt: {
      parameters: ["i32", "i32", "i32", "buffer", "u32"],
      result: "i32",
    },
    getaddrinfo: {
      parameters: ["buffer", "buffer", "buffer", "buffer"],
      result: "i32",
    },
    freeaddrinfo: { parameters: ["pointer"], result: "void" },
    gai_strerror: { parameters: ["i32"], result: "pointer" },
  } as const,
).symbols;

// Level and name on macOS, the same on Linux.
const OPTIONS: Readonly<Record<string, readonly [number, number]>> = {
  "65535 4": [1, 2], // SO_REUSEADDR
  "65535 512": [1, 15], // SO_REUSEPORT
  "65535 2": [1, 30], // SO_ACCEPTCONN
  "41 27": [41, 26], // IPV6_V6ONLY
};

function option(level: number, name: number): readonly [number, number] {
  const found = OPTIONS[`${level} ${name}`];
  if (found === undefined) throw new Error(`no option ${level} ${name}`);
  return found;
}

function toLinux(address: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(address);
  const family = address[1] as number;
  copy[0] = family === AF_INET6 ? LINUX_AF_INET6 : family;
  copy[1] = 0;
  return copy;
}

function toDarwin(address: Uint8Array, length: number): void {
  const family = address[0] as number;
  address[0] = length;
  address[1] = family === LINUX_AF_INET6 ? AF_INET6 : family;
}

/** The functions. */
export const SOCKET_SYMBOLS = {
  socket: (family: number, type: number, protocol: number): number =>
    taken(c.socket(family === AF_INET6 ? 10 : family, type, protocol)),
  bind: (fd: number, address: Uint8Array, length: number): number =>
    taken(c.bind(fd, toLinux(address), length)),
  listen: (fd: number, backlog: number): number => taken(c.listen(fd, backlog)),
  getsockname(fd: number, address: Uint8Array, size: Uint8Array): number {
    const rc = c.getsockname(fd, address as BufferSource, size as BufferSource);
    const length = new Uint32Array(size.buffer)[0] as number;
    if (rc === 0) toDarwin(address, length);
    return taken(rc);
  },
  getsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array,
    size: Uint8Array,
  ): number {
    const [ownLevel, ownName] = option(level, name);
    return taken(c.getsockopt(
      fd,
      ownLevel,
      ownName,
      value as BufferSource,
      size as BufferSource,
    ));
  },
  setsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array,
    size: number,
  ): number {
    const [ownLevel, ownName] = option(level, name);
    return taken(
      c.setsockopt(fd, ownLevel, ownName, value as BufferSource, size),
    );
  },
  getaddrinfo(
    host: Uint8Array,
    service: Uint8Array,
    hints: Uint8Array,
    result: Uint8Array,
  ): number {
    const rc = c.getaddrinfo(
      host as BufferSource,
      service as BufferSource,
      hints as BufferSource,
      result as BufferSource,
    );
    if (rc !== 0) return rc;
    const at = new BigUint64Array(result.buffer)[0] as bigint;
    rewrite(Deno.UnsafePointer.create(at) as Deno.PointerObject);
    return rc;
  },
  freeaddrinfo(pointer: Deno.PointerObject): void {
    const info = new DataView(
      Deno.UnsafePointerView.getArrayBuffer(pointer, 48),
    );
    info.setBigUint64(24, info.getBigUint64(32, true), true);
    info.setBigUint64(32, 0n, true);
    c.freeaddrinfo(pointer);
  },
  gai_strerror: c.gai_strerror,
};

// ai_canonname is before ai_addr on macOS; the first entry is all that is read.
function rewrite(pointer: Deno.PointerObject): void {
  const info = new DataView(Deno.UnsafePointerView.getArrayBuffer(pointer, 48));
  const address = info.getBigUint64(24, true);
  const length = info.getUint32(16, true);
  const memory = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(
    Deno.UnsafePointer.create(address) as Deno.PointerObject,
    length,
  ));
  toDarwin(memory, length);
  info.setBigUint64(24, 0n, true);
  info.setBigUint64(32, address, true);
}

/** `ioctl(fd, FIOCLEX)`. */
export function ioctl(fd: number, request: bigint): number {
  if (request !== 0x2000_6601n) throw new Error(`no ioctl ${request}`);
  return taken(real.ioctl(fd, 0x5451n));
}
