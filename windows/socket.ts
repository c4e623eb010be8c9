/**
 * Listening sockets: `WSASocketW`, `bind`, `listen`.
 *
 * Pages: "WSASocketW function", "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE".
 *
 * @module
 */

import type { ListenRequest, NativeListener } from "../backend/backend.ts";
import { systemError } from "../backend/errors.ts";
import {
  familyOf,
  familyOfIpv6,
  firstAddress,
  readSocketAddress,
  SOCK_STREAM,
  SOCKADDR_STORAGE_SIZE,
  type SocketAddress,
  streamHints,
} from "../ffi/socket_address.ts";
import { wideString } from "../ffi/memory.ts";
import { hostAndPort } from "../backend/permissions.ts";
import {
  errorClass,
  errorName,
  errorText,
  windowsError,
} from "./system/errors.ts";
import { winsock } from "./system/kernel32.ts";

const SYSTEM = "windows";
const INVALID_SOCKET = 0xFFFF_FFFF_FFFF_FFFFn;
const IPPROTO_TCP = 6;
const WSA_FLAG_OVERLAPPED = 0x01;
const WSA_FLAG_NO_HANDLE_INHERIT = 0x80;
const SOL_SOCKET = 0xffff;
const SO_EXCLUSIVEADDRUSE = ~0x4;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 27;

/**
 * Opens a listening socket.
 *
 * @param request Where.
 * @returns The socket, not inheritable.
 * @throws {Deno.errors.AddrInUse} and the other errors of `bind`; nothing is left open then.
 * @throws {Deno.errors.NotSupported} for a path, and for sharing the port.
 */
export function openListener(request: ListenRequest): NativeListener {
  refuseUnsupported(request);
  const address = resolve(request);
  const family = familyOf(address, SYSTEM);
  const ws = sockets();
  const socket = ws.WSASocketW(
    family,
    SOCK_STREAM,
    IPPROTO_TCP,
    null,
    0,
    WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT,
  );
  const code = socket === INVALID_SOCKET ? ws.WSAGetLastError() : 0;
  if (code !== 0) throw failure(code, "WSASocketW", request);
  try {
    // With SO_REUSEADDR any process could take the port over; this forbids it.
    setOption(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    if (family === familyOfIpv6(SYSTEM)) {
      setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    let failed = ws.bind(socket, address, address.length);
    let error = failed ? ws.WSAGetLastError() : 0;
    if (error !== 0) throw failure(error, "bind", request);
    failed = ws.listen(socket, request.backlog);
    error = failed ? ws.WSAGetLastError() : 0;
    if (error !== 0) throw failure(error, "listen", request);
    return nativeListener(socket);
  } catch (error) {
    ws.closesocket(socket);
    throw error;
  }
}

function refuseUnsupported(request: ListenRequest): void {
  if (request.path !== null) {
    throw new Deno.errors.NotSupported(
      "Cannot listen on a path on Windows: listen on 127.0.0.1",
    );
  }
  if (request.reusePort) {
    throw new Deno.errors.NotSupported(
      "Cannot use 'reusePort' on Windows: give the children one listener",
    );
  }
}

function nativeListener(socket: bigint): NativeListener {
  const bytes = new Uint8Array(new ArrayBuffer(SOCKADDR_STORAGE_SIZE));
  const size = new Uint32Array(1).fill(bytes.length);
  const ws = sockets();
  const failed = ws.getsockname(socket, bytes, new Uint8Array(size.buffer));
  const code = failed ? ws.WSAGetLastError() : 0;
  if (code !== 0) throw windowsError(code, "getsockname");
  const address = readSocketAddress(bytes.subarray(0, size[0]), SYSTEM);
  return {
    fd: Number(socket),
    address: address as SocketAddress,
    close(): void {
      sockets().closesocket(socket);
    },
  };
}

function setOption(
  socket: bigint,
  level: number,
  name: number,
  on: number,
): void {
  const value = new Uint8Array(new Int32Array(1).fill(on).buffer);
  const ws = sockets();
  const failed = ws.setsockopt(socket, level, name, value, 4);
  const code = failed ? ws.WSAGetLastError() : 0;
  if (code !== 0) throw windowsError(code, "setsockopt");
}

function resolve(request: ListenRequest): Uint8Array<ArrayBuffer> {
  const { hostname, port } = request;
  const ws = sockets();
  const result = new BigUint64Array(new ArrayBuffer(8));
  const code = ws.GetAddrInfoW(
    wideString(hostname),
    wideString(String(port)),
    streamHints(),
    result,
  );
  if (code !== 0) throw failure(code, "GetAddrInfoW", request);
  const list = Deno.UnsafePointer.create(result[0] as bigint);
  try {
    return firstAddress(list, SYSTEM, request.resolved);
  } finally {
    ws.FreeAddrInfoW(list);
  }
}

function failure(code: number, syscall: string, request: ListenRequest): Error {
  const place = hostAndPort(request.hostname, request.port);
  return systemError(
    errorClass(code),
    `Cannot listen on ${place}: ${errorText(code)} (os error ${code})`,
    { code: errorName(code), errno: code, syscall },
  );
}

// WSADATA on 64-bit Windows; version 2.2.
const WSADATA_SIZE = 408;
const VERSION = 0x0202;
let started = false;

/**
 * The functions, once Windows Sockets was started for this process. Deno has
 * done that as well; each has its own count.
 *
 * @returns The functions.
 * @throws {SystemError} when Windows has no sockets.
 */
export function sockets(): ReturnType<typeof winsock> {
  const ws = winsock();
  if (!started) {
    const code = ws.WSAStartup(
      VERSION,
      new Uint8Array(new ArrayBuffer(WSADATA_SIZE)),
    );
    if (code !== 0) throw windowsError(code, "WSAStartup");
    started = true;
  }
  return ws;
}
