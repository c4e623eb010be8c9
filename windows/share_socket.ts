/**
 * Handing a socket to another process that already runs, or that was started
 * suspended, as SCM_RIGHTS does on POSIX.
 *
 * Pages: "WSADuplicateSocketW function", "WSASocketW function".
 *
 * @module
 */

import { windowsError } from "./system/errors.ts";
import { sockets } from "./socket.ts";

/** `sizeof(WSAPROTOCOL_INFOW)`, in bytes.
 * @category Win32 constants */
export const WSAPROTOCOL_INFOW_SIZE = 628;

const FROM_PROTOCOL_INFO = -1;
const WSA_FLAG_OVERLAPPED = 0x01;
const WSA_FLAG_NO_HANDLE_INHERIT = 0x80;
const INVALID_SOCKET = 0xFFFF_FFFF_FFFF_FFFFn;

/**
 * Makes a copy of a socket for another process: `WSADuplicateSocketW`. The bytes
 * go to that process by any way (its stdin, a file), and
 * {@linkcode adoptSocket} there makes them a socket, once. Our own stays open,
 * and may be closed when the other has done so.
 *
 * @param socket The SOCKET: `fd` of the listener that `listen()` returned.
 * @param pid The process that gets it; it runs, or was started suspended.
 * @returns A WSAPROTOCOL_INFOW, 628 bytes, of use to that process alone.
 * @throws {SystemError} when it is no socket, or the process may not be opened.
 *
 * @category Windows
 * @example The parent's half
 * ```ts ignore
 * import { Command, listen } from "@killable/process";
 * import { duplicateSocket } from "@killable/process/windows";
 *
 * using listener = listen({ hostname: "127.0.0.1", port: 8080 });
 * const child = new Command("worker.exe", { stdin: "piped" }).spawn();
 * const writer = child.stdin.getWriter();
 * await writer.write(duplicateSocket(listener.fd, child.pid));
 * await writer.close();
 * ```
 */
export function duplicateSocket(
  socket: number,
  pid: number,
): Uint8Array<ArrayBuffer> {
  const info = new Uint8Array(new ArrayBuffer(WSAPROTOCOL_INFOW_SIZE));
  const ws = sockets();
  const failed = ws.WSADuplicateSocketW(BigInt(socket), pid, info);
  const code = failed ? ws.WSAGetLastError() : 0;
  if (code !== 0) throw windowsError(code, "WSADuplicateSocketW", { pid });
  return info;
}

/**
 * Makes a socket of what {@linkcode duplicateSocket} has written for this process:
 * `WSASocketW` with FROM_PROTOCOL_INFO. No child inherits it.
 *
 * Deno cannot serve on it by itself: it is for `accept` by FFI, or for a library
 * that takes a SOCKET. The receiver closes it with {@linkcode closeSocket}.
 *
 * @param info The 628 bytes.
 * @returns The SOCKET.
 * @throws {RangeError} when there are fewer or more bytes.
 * @throws {SystemError} when the bytes were meant for another process, or used before.
 *
 * @category Windows
 * @example The child's half
 * ```ts ignore
 * import { adoptSocket, WSAPROTOCOL_INFOW_SIZE } from "@killable/process/windows";
 *
 * const info = new Uint8Array(WSAPROTOCOL_INFOW_SIZE);
 * for (let at = 0; at < info.length;) {
 *   at += await Deno.stdin.read(info.subarray(at)) ?? info.length;
 * }
 * const socket = adoptSocket(info);
 * ```
 */
export function adoptSocket(info: Uint8Array): number {
  if (info.byteLength !== WSAPROTOCOL_INFOW_SIZE) {
    throw new RangeError(
      `Cannot adopt a socket: expected ${WSAPROTOCOL_INFOW_SIZE} bytes, got ${info.byteLength}`,
    );
  }
  const copy = new Uint8Array(new ArrayBuffer(WSAPROTOCOL_INFOW_SIZE));
  copy.set(info);
  const ws = sockets();
  const socket = ws.WSASocketW(
    FROM_PROTOCOL_INFO,
    FROM_PROTOCOL_INFO,
    FROM_PROTOCOL_INFO,
    copy,
    0,
    WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT,
  );
  const code = socket === INVALID_SOCKET ? ws.WSAGetLastError() : 0;
  if (code !== 0) throw windowsError(code, "WSASocketW");
  return Number(socket);
}

/**
 * Closes a socket: `closesocket`.
 *
 * @param socket The SOCKET that {@linkcode adoptSocket} returned.
 * @throws {SystemError} when it is none.
 * @category Windows
 */
export function closeSocket(socket: number): void {
  const ws = sockets();
  const code = ws.closesocket(BigInt(socket)) ? ws.WSAGetLastError() : 0;
  if (code !== 0) throw windowsError(code, "closesocket");
}
