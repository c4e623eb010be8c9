/**
 * Deno's net permission, kept: a socket that is opened by a native call would go
 * past it.
 *
 * @module
 */

import { requestFilePermission } from "./file_permission.ts";

/**
 * Asks for permission to listen, prompting where Deno would prompt.
 *
 * @param hostname Name or IP address, without brackets.
 * @param port The port.
 * @throws {Deno.errors.NotCapable} when the permission is refused.
 */
export function checkNetPermission(hostname: string, port: number): void {
  const host = hostAndPort(hostname, port);
  const { state } = Deno.permissions.requestSync({ name: "net", host });
  if (state !== "granted") throw refused(host);
}

/**
 * Refuses the address that a permitted name stands for, where it is denied.
 *
 * @param hostname IP address, without brackets.
 * @param port The port.
 * @throws {Deno.errors.NotCapable} for what `--deny-net` names.
 */
export function checkNotDenied(hostname: string, port: number): void {
  const host = hostAndPort(hostname, port);
  const { state } = Deno.permissions.querySync({ name: "net", host });
  if (state === "denied") throw refused(host);
}

/**
 * Asks for the three permissions that Deno wants for a Unix socket.
 *
 * @param path The socket; absolute.
 * @throws {Deno.errors.NotCapable} when one of them is refused.
 */
export function checkUnixPermission(path: string): void {
  requestFilePermission("read", path);
  requestFilePermission("write", path);
  const host = `unix:${path}`;
  const { state } = Deno.permissions.requestSync({ name: "net", host });
  if (state !== "granted") throw refused(host);
}

/**
 * Host and port as Deno writes them.
 *
 * @param hostname Name or IP address, without brackets.
 * @param port The port.
 * @returns `host:port`, an IPv6 address in brackets.
 */
export function hostAndPort(hostname: string, port: number): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

function refused(host: string): Error {
  return new Deno.errors.NotCapable(
    `Requires net access to "${host}", run again with the --allow-net flag`,
  );
}
