/**
 * Listening sockets: socket(2), bind(2), listen(2).
 *
 * @module
 */

import type { ListenRequest, NativeListener } from "../backend/backend.ts";
import { systemError } from "../backend/errors.ts";
import { cString } from "../ffi/memory.ts";
import { buffer } from "../ffi/library.ts";
import {
  AF_UNIX,
  familyOf,
  familyOfIpv6,
  firstAddress,
  readSocketAddress,
  SOCK_STREAM,
  SOCKADDR_STORAGE_SIZE,
  streamHints,
  unixAddress,
} from "../ffi/socket_address.ts";
import type { ProcessInfo } from "../backend/containment.ts";
import { hostAndPort } from "../backend/permissions.ts";
import {
  listPids,
  procIsUsable,
  readLink,
  readProcFile,
} from "./system/proc_files.ts";
import { describe, processTable } from "./system/process_table.ts";
import { setCloseOnExec } from "./system/file_system.ts";
import { EBADF, errnoMeaning, posixError } from "./system/errno.ts";
import { bindErrno, DARWIN, errno, libc, libcSocket } from "./system/libc.ts";

const SYSTEM = DARWIN ? "darwin" : "linux";
// <sys/socket.h>, <netinet/in.h>
const SOCK_CLOEXEC = DARWIN ? 0 : 0x8_0000;
const SOL_SOCKET = DARWIN ? 0xffff : 1;
const SO_REUSEADDR = DARWIN ? 0x4 : 2;
const SO_REUSEPORT = DARWIN ? 0x200 : 15;
const SO_ACCEPTCONN = DARWIN ? 0x2 : 30;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = DARWIN ? 27 : 26;

/**
 * Opens a listening socket.
 *
 * @param request Where.
 * @returns The socket, close-on-exec.
 * @throws {Deno.errors.AddrInUse} and the other errors of bind(2); nothing is left open then.
 */
export function openListener(request: ListenRequest): NativeListener {
  bindErrno();
  const address = request.path === null
    ? resolve(request)
    : unixPath(request.path);
  const place = request.path ?? hostAndPort(request.hostname, request.port);
  const family = familyOf(address, SYSTEM);
  const c = libcSocket();
  const fd = c.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failure("socket", errno(), place);
  try {
    if (DARWIN) setCloseOnExec(fd);
    if (family !== AF_UNIX) setOptions(fd, family, request.reusePort);
    if (c.bind(fd, address, address.length) !== 0) {
      throw failure("bind", errno(), place);
    }
    if (c.listen(fd, request.backlog) !== 0) {
      throw failure("listen", errno(), place);
    }
    return nativeListener(fd);
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/**
 * Takes over a listening socket that this process was started with.
 *
 * @param fd The descriptor; close-on-exec from now on.
 * @returns The socket.
 * @throws {Deno.errors.BadResource} when it is not open, or does not listen.
 */
export function adoptListener(fd: number): NativeListener {
  if (!setCloseOnExec(fd)) {
    throw posixError("ioctl", EBADF, {
      message: `Cannot take over descriptor ${fd}: it is not open`,
    });
  }
  const value = new Int32Array(1);
  const size = new Uint32Array(1).fill(4);
  const result = libcSocket().getsockopt(
    fd,
    SOL_SOCKET,
    SO_ACCEPTCONN,
    bytesOf(value),
    bytesOf(size),
  );
  const error = result === 0 ? 0 : errno();
  if (error === 0 && value[0] !== 0) return nativeListener(fd);
  throw posixError("getsockopt", error === 0 ? EBADF : error, {
    message: `Cannot take over descriptor ${fd}: it is not a listening socket`,
  });
}

function nativeListener(fd: number): NativeListener {
  const bytes = buffer(SOCKADDR_STORAGE_SIZE);
  const size = new Uint32Array(1).fill(bytes.length);
  if (libcSocket().getsockname(fd, bytes, bytesOf(size)) !== 0) {
    throw posixError("getsockname", errno());
  }
  const address = readSocketAddress(bytes.subarray(0, size[0]), SYSTEM);
  if (address === null) {
    throw new Deno.errors.NotSupported(
      `Cannot use descriptor ${fd}: it is neither a TCP nor a Unix socket`,
    );
  }
  return {
    fd,
    address,
    close(): void {
      libc().close(fd);
    },
  };
}

function setOptions(fd: number, family: number, reusePort: boolean): void {
  // As in Deno and Node: a port can be taken although old connections to it linger.
  setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (reusePort) setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  // As Deno.listen does it; the default is a setting of the system (ipv6(7)).
  if (family === familyOfIpv6(SYSTEM)) {
    setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  }
}

function setOption(fd: number, level: number, name: number, on: number): void {
  const value = bytesOf(new Int32Array(1).fill(on));
  if (libcSocket().setsockopt(fd, level, name, value, 4) !== 0) {
    throw posixError("setsockopt", errno());
  }
}

function resolve(request: ListenRequest): Uint8Array<ArrayBuffer> {
  const { hostname, port } = request;
  const c = libcSocket();
  const result = new BigUint64Array(1);
  const error = c.getaddrinfo(
    cString(hostname),
    cString(String(port)),
    streamHints(),
    bytesOf(result),
  );
  if (error !== 0) throw unknownHost(hostname, error);
  const list = Deno.UnsafePointer.create(result[0] as bigint);
  try {
    return firstAddress(list, SYSTEM, request.resolved);
  } finally {
    c.freeaddrinfo(list);
  }
}

function unknownHost(hostname: string, error: number): Error {
  const words = libcSocket().gai_strerror(error) as Deno.PointerObject;
  const reason = Deno.UnsafePointerView.getCString(words);
  return systemError(
    null,
    `Cannot listen on '${hostname}': failed to lookup address information: ${reason}`,
    { code: "EAI", errno: error, syscall: "getaddrinfo" },
  );
}

function unixPath(path: string): Uint8Array<ArrayBuffer> {
  const address = unixAddress(path, SYSTEM);
  if (address !== null) return address;
  throw new RangeError(
    `Invalid path: a socket's path has at most ${DARWIN ? 103 : 107} bytes`,
  );
}

function failure(syscall: string, error: number, place: string): Error {
  return posixError(syscall, error, {
    message: `Cannot listen on ${place}: ${errnoMeaning(error)}`,
  });
}

function bytesOf(
  view:
    | Int32Array<ArrayBuffer>
    | Uint32Array<ArrayBuffer>
    | BigUint64Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer);
}

// ---- The processes that listen on a port ----

// TCP_LISTEN of <net/tcp_states.h>.
const LISTENS = "0A";

/**
 * The processes that hold a listening socket of a TCP port (Linux: proc_net(5)).
 *
 * @param port The port.
 * @param among The processes that are looked at.
 * @returns Those of them; `null` where the system does not tell, or nothing listens.
 */
export function portHolders(
  port: number,
  among: readonly number[] | "all",
): ProcessInfo[] | null {
  if (DARWIN || !procIsUsable()) return null;
  const links = listeningSockets("/proc/net/tcp", port)
    .concat(listeningSockets("/proc/net/tcp6", port));
  if (links.length === 0) return null;
  const pids = among === "all" ? listPids() ?? [] : among;
  const table = processTable();
  const holders: ProcessInfo[] = [];
  for (let i = 0; i < pids.length; i++) {
    const pid = pids[i] as number;
    const stat = holdsOne(pid, links) ? table.stat(pid) : null;
    if (stat !== null) holders[holders.length] = describe(stat, table, false);
  }
  return holders;
}

function listeningSockets(path: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const links: string[] = [];
  // The kernel lists those that listen first.
  const lines = (readProcFile(path) ?? "").split("\n");
  for (let i = 1; i < lines.length; i++) {
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    const fields = (lines[i] as string).trim().split(/\s+/);
    if (fields[3] !== LISTENS || !fields[1]?.endsWith(end)) continue;
    links[links.length] = `socket:[${fields[9]}]`;
  }
  return links;
}

// FDSize is the size of the table of descriptors, at least the highest number.
function holdsOne(pid: number, links: readonly string[]): boolean {
  const status = readProcFile(`/proc/${pid}/status`) ?? "";
  const size = Number(/^FDSize:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  // Another user's, or one that has ended.
  if (size === 0 || readLink(`/proc/${pid}/cwd`) === null) return false;
  for (let fd = 0; fd < size; fd++) {
    const link = readLink(`/proc/${pid}/fd/${fd}`);
    if (link !== null && links.includes(link)) return true;
  }
  return false;
}
