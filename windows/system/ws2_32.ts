/**
 * The functions of ws2_32: Windows Sockets. See `kernel32.ts` for the rules.
 *
 * SOCKET is `usize`. `WSAGetLastError` reads the value that `GetLastError` reads.
 *
 * @module
 */

import { lazyLibrary, type Library } from "../../ffi/library.ts";
import { windowsError } from "./errors.ts";

const BOUND_SYMBOLS = {
  // int WSAStartup(WORD version, LPWSADATA)
  WSAStartup: { parameters: ["u16", "buffer"], result: "i32" },
  // int WSAGetLastError(void)
  WSAGetLastError: { parameters: [], result: "i32" },
  // SOCKET WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW, GROUP, DWORD flags)
  WSASocketW: {
    parameters: ["i32", "i32", "i32", "buffer", "u32", "u32"],
    result: "usize",
  },
  // int WSADuplicateSocketW(SOCKET, DWORD pid, LPWSAPROTOCOL_INFOW)
  WSADuplicateSocketW: {
    parameters: ["usize", "u32", "buffer"],
    result: "i32",
  },
  // int bind(SOCKET, const struct sockaddr *, int)
  bind: { parameters: ["usize", "buffer", "i32"], result: "i32" },
  // int listen(SOCKET, int backlog)
  listen: { parameters: ["usize", "i32"], result: "i32" },
  // int getsockname(SOCKET, struct sockaddr *, int *)
  getsockname: { parameters: ["usize", "buffer", "buffer"], result: "i32" },
  // int setsockopt(SOCKET, int level, int name, const char *, int)
  setsockopt: {
    parameters: ["usize", "i32", "i32", "buffer", "i32"],
    result: "i32",
  },
  // int closesocket(SOCKET)
  closesocket: { parameters: ["usize"], result: "i32" },
  // INT GetAddrInfoW(PCWSTR node, PCWSTR service, const ADDRINFOW *hints, PADDRINFOW *)
  GetAddrInfoW: {
    parameters: ["buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  // void FreeAddrInfoW(PADDRINFOW)
  FreeAddrInfoW: { parameters: ["pointer"], result: "void" },
} as const;

const bound: Library<typeof BOUND_SYMBOLS> = lazyLibrary(
  ["ws2_32.dll", "C:\\Windows\\System32\\ws2_32.dll"],
  BOUND_SYMBOLS,
);

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
export function sockets(): ReturnType<typeof bound> {
  const ws = bound();
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
