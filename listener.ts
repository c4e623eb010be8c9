/**
 * A listening socket that children can be given.
 *
 * @module
 */

import type { NativeListener } from "./backend/backend.ts";
import type { SocketAddress, TcpAddress } from "./ffi/socket_address.ts";

const KEY = Symbol("Listener");

/**
 * A listening socket, made by {@linkcode listen}. It accepts nothing itself: its
 * place is in the `fds` or `listeners` of a command.
 *
 * It stays the caller's: a child gets a copy, whether it starts or not, and the
 * port is free when this one and every copy are closed. Nobody inherits it who is
 * not given it.
 *
 * @example
 * ```ts
 * import { type Listener, listen, type TcpAddress } from "@killable/process";
 *
 * using listener: Listener<TcpAddress> = listen({ hostname: "127.0.0.1", port: 0 });
 * console.log(listener.address.hostname, listener.fd > 2); // 127.0.0.1 true
 * ```
 */
export class Listener<A extends SocketAddress = TcpAddress>
  implements Disposable {
  readonly #native: NativeListener;
  #open = true;

  /** Where it listens, with the port that it got. */
  readonly address: A;
  /** The name in LISTEN_FDNAMES that it was inherited under; else "". */
  readonly name: string;

  /**
   * Not for callers: {@linkcode listen} makes these.
   *
   * @internal
   */
  constructor(key: symbol, native: NativeListener, name: string) {
    if (key !== KEY) throw new TypeError("Illegal constructor");
    this.#native = native;
    this.address = native.address as A;
    this.name = name;
  }

  /**
   * The descriptor; on Windows the SOCKET.
   *
   * @throws {TypeError} when it was closed.
   */
  get fd(): number {
    if (this.#open) return this.#native.fd;
    throw new TypeError("Cannot use the listener: it is closed");
  }

  /** Closes this process's socket; children keep theirs. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#native.close();
  }

  /** Closes it at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes the public object of a socket; for this library's modules only.
 *
 * @param native The socket, owned from now on.
 * @param name The name that it was inherited under.
 * @returns The object.
 */
export function makeListener<A extends SocketAddress>(
  native: NativeListener,
  name: string,
): Listener<A> {
  return new Listener<A>(KEY, native, name);
}
