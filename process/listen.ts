/**
 * Listening sockets for children: opened here or inherited from the service
 * manager, shared by several processes.
 *
 * @module
 */

import { backend, type NativeListener } from "../backend/backend.ts";
import {
  checkNetPermission,
  checkNotDenied,
  checkUnixPermission,
} from "../backend/permissions.ts";
import type {
  SocketAddress,
  TcpAddress,
  UnixAddress,
} from "../ffi/socket_address.ts";
import {
  checkOptions,
  flag,
  type Known,
  shown,
  wholeNumber,
  withoutNul,
} from "./validate.ts";

const DEFAULT_BACKLOG = 511;
const LISTEN_OPTIONS: Known<TcpListenOptions & UnixListenOptions> = {
  port: true,
  hostname: true,
  backlog: true,
  reusePort: true,
  path: true,
};

/**
 * Options of {@linkcode listen} for TCP.
 *
 * @category Descriptors and sockets
 */
export interface TcpListenOptions {
  /** The port; 0 takes a free one. */
  port: number;
  /**
   * Name or IP address to listen on. `"::"` takes IPv4 as well, on every system.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string;
  /**
   * How many connections may wait to be accepted; the system may take fewer.
   *
   * @default {511}
   */
  backlog?: number;
  /**
   * POSIX: whether other sockets of this user may listen on the same port
   * (SO_REUSEPORT). Not needed for sharing one socket among children.
   *
   * @default {false}
   */
  reusePort?: boolean;
}

/**
 * Options of {@linkcode listen} for a Unix socket.
 *
 * @category Descriptors and sockets
 */
export interface UnixListenOptions {
  /** Where the socket is made; absolute. It is not removed when the listener is closed. */
  path: string;
  /**
   * How many connections may wait to be accepted.
   *
   * @default {511}
   */
  backlog?: number;
}

/**
 * Opens a listening socket that children can be given: several children that have
 * the same one share its connections, and one of them can be replaced without the
 * port being closed for a moment.
 *
 * Needs `--allow-ffi`, and exactly the permission that `Deno.listen` needs:
 * `--allow-net` for the host and port. A child that serves on the descriptor it was given needs no
 * `--allow-net` of its own: Deno 2.9 asks for none in `server.listen({ fd })`.
 *
 * A Deno or Node child serves HTTP on it with `node:http` and
 * `server.listen({ fd: 3 })`; programs that know systemd's socket activation are
 * given `listeners` instead of `fds`.
 *
 * @param options Where to listen.
 * @returns The socket; the caller closes it.
 * @throws {Deno.errors.NotCapable} without the permission.
 * @throws {Deno.errors.AddrInUse} when another socket listens there.
 * @throws {Deno.errors.AddrNotAvailable} when no interface has the address.
 * @throws {Deno.errors.PermissionDenied} for a port that needs a privilege.
 * @throws {Deno.errors.NotSupported} on Windows for `path` and `reusePort`.
 * @throws {SystemError} when the host name is not known.
 * @throws {RangeError} for a port or backlog out of range.
 * @throws {TypeError} for an option of the wrong type.
 *
 * @category Descriptors and sockets
 * @example
 * ```ts
 * import { listen } from "@killable/process";
 *
 * using listener = listen({ hostname: "127.0.0.1", port: 0 });
 * console.log(listener.address.port > 0); // true
 * // new Command("node", { args: ["server.mjs"], fds: { 3: listener } }).spawn()
 * ```
 */
export function listen(options: TcpListenOptions): Listener<TcpAddress>;

/**
 * Opens a listening Unix socket that children can be given. As `Deno.listen` it
 * needs `--allow-read` and `--allow-write` for the path, and `--allow-net` for
 * `unix:` and the path.
 *
 * @param options Where to listen.
 * @returns The socket; the caller closes it.
 * @throws {Deno.errors.NotCapable} without the three permissions.
 * @throws {Deno.errors.AddrInUse} when something of that name exists.
 * @throws {Deno.errors.NotSupported} on Windows.
 */
export function listen(options: UnixListenOptions): Listener<UnixAddress>;

export function listen(
  options: TcpListenOptions | UnixListenOptions,
): Listener<SocketAddress> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      "Cannot listen: expected options with a port or a path",
    );
  }
  checkOptions(options, "listen()", LISTEN_OPTIONS);
  const { backlog: most = DEFAULT_BACKLOG } = options;
  const backlog = wholeNumber(most, "backlog", 1, 0x7fff_ffff);
  const request = "path" in options && options.path !== undefined
    ? unixRequest(options)
    : tcpRequest(options as TcpListenOptions);
  return makeListener(backend().listen({ ...request, backlog }), "");
}

type Place = Omit<
  Parameters<ReturnType<typeof backend>["listen"]>[0],
  "backlog"
>;

function tcpRequest(options: TcpListenOptions): Place {
  const hostname = bareHost(options.hostname ?? "0.0.0.0");
  if (options.port === undefined) {
    throw new TypeError("Cannot listen: expected a port or a path");
  }
  const port = wholeNumber(options.port, "port", 0, 65535);
  const reusePort = flag(options.reusePort, "reusePort", false);
  checkNetPermission(hostname, port);
  return {
    hostname,
    port,
    path: null,
    reusePort,
    resolved: (address) => checkNotDenied(address, port),
  };
}

function unixRequest({ path }: UnixListenOptions): Place {
  // A relative one could not be named to Deno's permissions.
  if (typeof path !== "string" || !path.startsWith("/")) {
    throw new TypeError("Invalid path: expected the absolute path of a socket");
  }
  checkUnixPermission(withoutNul(path, "path"));
  const resolved = (): void => {};
  return { hostname: "", port: 0, path, reusePort: false, resolved };
}

function bareHost(hostname: unknown): string {
  if (typeof hostname !== "string" || hostname === "") {
    throw new TypeError(
      `Invalid hostname: expected a name or an IP address, got ${
        shown(hostname)
      }`,
    );
  }
  withoutNul(hostname, "hostname");
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * The listening sockets that this process was started with by systemd's protocol
 * (sd_listen_fds(3)): by `listeners` of a command of this library, by a systemd
 * `.socket` unit, or by `systemd-socket-activate`. Close-on-exec is set on them,
 * so that children get only those that they are given.
 *
 * Needs `--allow-ffi`, and `--allow-env=LISTEN_PID,LISTEN_FDS,LISTEN_FDNAMES`.
 * The variables are removed, so that a second call finds none and no child takes
 * them for its own.
 *
 * @returns The sockets in the order of their descriptors, from 3 on, each with its
 * `name`; empty when there are none or when they are meant for another process.
 * @throws {Deno.errors.NotCapable} without the permissions.
 * @throws {Deno.errors.BadResource} when one of them is not open.
 * @throws {Deno.errors.NotSupported} on Windows, when the variables are there all
 * the same: a socket comes by `adoptSocket()` of `@killable/process/windows`.
 *
 * @category Descriptors and sockets
 * @example
 * ```ts ignore
 * import { createServer } from "node:http";
 * import { inheritedListeners } from "@killable/process";
 *
 * const [listener] = inheritedListeners();
 * createServer((_, response) => response.end("hello")).listen({ fd: listener!.fd });
 * ```
 */
export function inheritedListeners(): Listener<SocketAddress>[] {
  const pid = Deno.env.get("LISTEN_PID");
  const count = Deno.env.get("LISTEN_FDS");
  const names = (Deno.env.get("LISTEN_FDNAMES") ?? "").split(":");
  const found: Listener<SocketAddress>[] = [];
  // Meant for the process that started us: a shell, or another manager.
  if (pid !== String(Deno.pid) || !/^[0-9]{1,6}$/.test(count ?? "")) {
    return found;
  }
  for (let i = 0; i < Number(count); i++) {
    found[i] = makeListener(backend().adoptListener(3 + i), names[i] ?? "");
  }
  Deno.env.delete("LISTEN_PID");
  Deno.env.delete("LISTEN_FDS");
  Deno.env.delete("LISTEN_FDNAMES");
  return found;
}

// ---- The listening socket that children can be given ----

const KEY = Symbol("Listener");

/**
 * A listening socket, made by {@linkcode listen}. It accepts nothing itself: its
 * place is in the `fds` or `listeners` of a command.
 *
 * It stays the caller's: a child gets a copy, whether it starts or not, and the
 * port is free when this one and every copy are closed. A child that is not
 * given it does not inherit it.
 *
 * @category Descriptors and sockets
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
