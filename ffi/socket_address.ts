/**
 * Socket addresses as C lays them out: `sockaddr_in`, `sockaddr_in6`,
 * `sockaddr_un` and `addrinfo`.
 *
 * Linux and Windows begin an address with a family of two bytes; the BSDs, and
 * macOS with them, with a length of one byte and a family of one byte. Ports and
 * addresses are in network order everywhere.
 *
 * The layouts are bytes in, fields out, so that each is tested on every operating
 * system; only {@linkcode firstAddress} reads the memory of C.
 *
 * @module
 */

import { buffer } from "./library.ts";

/** The systems whose layouts differ: `Deno.build.os`. */
export type SocketSystem = "linux" | "darwin" | "windows";

/**
 * An IP address and a port.
 *
 * @category Descriptors and sockets
 */
export interface TcpAddress {
  /** Distinguishes it from a path. */
  readonly transport: "tcp";
  /** The IP address, without brackets. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}

/**
 * A path of the file system.
 *
 * @category Descriptors and sockets
 */
export interface UnixAddress {
  /** Distinguishes it from an IP address. */
  readonly transport: "unix";
  /** The path. */
  readonly path: string;
}

/**
 * Where a socket listens.
 *
 * @category Descriptors and sockets
 */
export type SocketAddress = TcpAddress | UnixAddress;

/** AF_INET, which is the same everywhere. */
export const AF_INET = 2;
/** AF_UNIX, which is the same everywhere. */
export const AF_UNIX = 1;
/** SOCK_STREAM, which is the same everywhere. */
export const SOCK_STREAM = 1;
/** `sizeof(struct sockaddr_storage)`, which is the same everywhere. */
export const SOCKADDR_STORAGE_SIZE = 128;
/** `sizeof(struct addrinfo)` on 64-bit systems, which is the same everywhere. */
export const ADDRINFO_SIZE = 48;

/**
 * AF_INET6.
 *
 * @param system The operating system.
 * @returns Its number there.
 */
export function familyOfIpv6(system: SocketSystem): number {
  return { linux: 10, darwin: 30, windows: 23 }[system];
}

/**
 * The family of an address.
 *
 * @param address The structure.
 * @param system The operating system.
 * @returns Its number.
 */
export function familyOf(address: Uint8Array, system: SocketSystem): number {
  return system === "darwin"
    ? address[1] as number
    : (address[0] as number) | (address[1] as number) << 8;
}

/**
 * Reads an address as `getsockname` or `getaddrinfo` gave it.
 *
 * @param address The structure, as long as the system said that it is.
 * @param system The operating system.
 * @returns The address, or `null` for a family that is none of the three.
 */
export function readSocketAddress(
  address: Uint8Array,
  system: SocketSystem,
): SocketAddress | null {
  const family = familyOf(address, system);
  if (family === AF_UNIX) {
    const end = address.indexOf(0, 2);
    const path = address.subarray(2, end < 0 ? address.length : end);
    return { transport: "unix", path: new TextDecoder().decode(path) };
  }
  // sin_port and sin6_port are both at 2.
  const port = (address[2] as number) << 8 | (address[3] as number);
  if (family === AF_INET) {
    const hostname = address.subarray(4, 8).join(".");
    return { transport: "tcp", hostname, port };
  }
  if (family !== familyOfIpv6(system)) return null;
  // sin6_flowinfo is at 4, the address at 8, sin6_scope_id at 24.
  return {
    transport: "tcp",
    hostname: ipv6Text(address.subarray(8, 24)),
    port,
  };
}

/**
 * An IPv6 address in the spelling of RFC 5952.
 *
 * @param bytes Its 16 bytes.
 * @returns The text, without brackets.
 */
export function ipv6Text(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    const group = (bytes[i] as number) << 8 | (bytes[i + 1] as number);
    groups.push(group.toString(16));
  }
  if (/^(0,){5}ffff,/.test(groups.join())) {
    return `::ffff:${bytes.subarray(12, 16).join(".")}`;
  }
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  const head = groups.slice(0, start).join(":");
  return `${head}::${groups.slice(start + length).join(":")}`;
}

function longestZeros(
  groups: readonly string[],
): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/**
 * `struct sockaddr_un` for a path.
 *
 * @param path The path.
 * @param system The operating system.
 * @returns The structure with the NUL behind the path, or `null` when the path
 * does not fit: 107 bytes on Linux, 103 on macOS.
 */
export function unixAddress(
  path: string,
  system: SocketSystem,
): Uint8Array<ArrayBuffer> | null {
  const text = new TextEncoder().encode(path);
  const room = system === "darwin" ? 104 : 108;
  if (text.length >= room) return null;
  const address = new Uint8Array(new ArrayBuffer(2 + text.length + 1));
  if (system === "darwin") {
    address[0] = address.length;
    address[1] = AF_UNIX;
  } else address[0] = AF_UNIX;
  address.set(text, 2);
  return address;
}

/**
 * `struct addrinfo` as hints: addresses of TCP over {@linkcode AF_INET} or IPv6.
 *
 * @returns The structure: `ai_flags` at 0, `ai_family` at 4, `ai_socktype` at 8.
 */
export function streamHints(): Uint8Array<ArrayBuffer> {
  const hints = new Uint8Array(new ArrayBuffer(ADDRINFO_SIZE));
  new DataView(hints.buffer).setInt32(8, SOCK_STREAM, true);
  return hints;
}

/**
 * Copies the first address of a list that `getaddrinfo` or `GetAddrInfoW` returned:
 * the one that `Deno.listen` takes.
 *
 * @param list The list; the caller frees it.
 * @param system The operating system.
 * @param resolved Called with the IP address; it may throw.
 * @returns The address.
 */
export function firstAddress(
  list: Deno.PointerValue,
  system: SocketSystem,
  resolved: (hostname: string) => void,
): Uint8Array<ArrayBuffer> {
  const info = copyOf(list, ADDRINFO_SIZE);
  const { address, length } = readAddressInfo(
    new DataView(info.buffer),
    system,
  );
  const copy = copyOf(Deno.UnsafePointer.create(address), length);
  const found = readSocketAddress(copy, system);
  if (found?.transport === "tcp") resolved(found.hostname);
  return copy;
}

function copyOf(
  pointer: Deno.PointerValue,
  length: number,
): Uint8Array<ArrayBuffer> {
  const copy = buffer(length);
  Deno.UnsafePointerView.copyInto(pointer as Deno.PointerObject, copy);
  return copy;
}

/** Where `addrinfo` has its address: behind `ai_canonname` on the BSDs and Windows. */
export interface AddressInfo {
  /** `ai_family`. */
  readonly family: number;
  /** `ai_addrlen`, in bytes. */
  readonly length: number;
  /** `ai_addr`. */
  readonly address: bigint;
}

/**
 * Reads the first entry of a list of `getaddrinfo`.
 *
 * @param info The structure.
 * @param system The operating system.
 * @returns Its fields.
 */
export function readAddressInfo(
  info: DataView,
  system: SocketSystem,
): AddressInfo {
  return {
    family: info.getInt32(4, true),
    // socklen_t, and size_t on Windows: an address is never longer than 4 GiB.
    length: info.getUint32(16, true),
    address: info.getBigUint64(system === "linux" ? 24 : 32, true),
  };
}
