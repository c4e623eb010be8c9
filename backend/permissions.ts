/**
 * Deno's run permission, asked for the program that is about to be started.
 *
 * Native calls go past Deno's sandbox; this module is what keeps
 * `--allow-run` meaning the same here as for `Deno.Command`.
 *
 * @module
 */

import { backend } from "./backend.ts";

const ANY_PROGRAM: Deno.RunPermissionDescriptor = { name: "run" };

// Asked each time: what Deno has answered before does not change when a test's own
// permissions come into force (`Deno.test({ permissions })`), or a broker's mind.
// "partial": granted, but for what --deny-run names.
function mayRunAny(): boolean {
  const { state, partial } = Deno.permissions.querySync(ANY_PROGRAM);
  return state === "granted" && !partial;
}

/**
 * Asks for permission to run a program, prompting where Deno would prompt.
 *
 * @param path The resolved absolute path of the program.
 * @param requested The program as the caller wrote it.
 * @param loaderVariables Names of non-empty `LD_*` and `DYLD_*` variables of
 * the child; with these set, any program can be made to run any code, so they
 * need the unscoped permission. Called only when that is missing.
 * @throws {Deno.errors.NotCapable} when the permission is refused.
 */
export function checkRunPermission(
  path: string,
  requested: string,
  loaderVariables: () => readonly string[],
): void {
  const nowhere = backend().permissionBroker();
  if (nowhere !== null) {
    askBrokerToRun(path, requested, { loader: loaderVariables(), nowhere });
    return;
  }
  if (mayRunAny()) return;
  const names = loaderVariables();
  if (names.length > 0) {
    const s = names.length === 1 ? "" : "s";
    throw new Deno.errors.NotCapable(
      `Requires --allow-run permissions to spawn subprocess with ${
        names.join(", ")
      } environment variable${s}. Alternatively, spawn with ${
        s === "" ? "the" : "these"
      } environment variable${s} unset.`,
    );
  }
  const state = Deno.permissions.requestSync({ name: "run", command: path });
  if (state.state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Requires run access to "${requested}", run again with the --allow-run flag`,
  );
}

// With a permission broker (DENO_PERMISSION_BROKER_PATH) the flags mean nothing, and
// `Deno.permissions` does not reach it. What Deno itself is asked to do does: each of
// the following is checked first and then fails, or has no effect.

function askBrokerToRun(
  path: string,
  requested: string,
  { loader, nowhere }: { loader: readonly string[]; nowhere: string },
): void {
  const env: Record<string, string> = {
    PATH: path.slice(0, path.lastIndexOf("/")) || "/",
  };
  for (let i = 0; i < loader.length; i++) env[loader[i] as string] = "set";
  // The broker is told the program as it was written, where Deno finds the same.
  const program = /[/\\]/.test(requested) ? path : requested;
  try {
    new Deno.Command(program, {
      cwd: nowhere,
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const { message } = error as Error;
    if (
      error instanceof Deno.errors.NotFound && message.includes("No such cwd")
    ) return;
  }
  throw new Deno.errors.NotCapable(
    `Requires run access to "${requested}": the permission broker could not be asked`,
  );
}

// A number that no process can have.
const NO_PID = 0x7fff_ffff;

function askBrokerToSignal(): void {
  try {
    Deno.kill(NO_PID, "SIGTERM");
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
  }
}

// Nothing is created or emptied. Opening a FIFO could wait for its other end, so
// that one is asked for in another way: it exists.
function askBrokerToOpen(name: "read" | "write", path: string): void {
  try {
    if (!backend().isFifo(path)) {
      Deno.openSync(path, { read: name === "read", write: name === "write" })
        .close();
    } else if (name === "read") Deno.statSync(path);
    else Deno.mkdirSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
  }
}

// Listening for a moment has no effect but on a client that comes in that moment.
function askBrokerToListen(hostname: string, port: number): void {
  try {
    Deno.listen({ hostname, port }).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
  }
}

/**
 * Asks for permission to look at, or to end, processes that this program has not
 * started, prompting where Deno would prompt: what `ps` and `kill` could do.
 *
 * @throws {Deno.errors.NotCapable} without `--allow-run` for every program, as
 * `Deno.kill` does.
 */
export function checkForeignTreePermission(): void {
  if (backend().permissionBroker() !== null) return askBrokerToSignal();
  if (Deno.permissions.requestSync(ANY_PROGRAM).state === "granted") return;
  throw new Deno.errors.NotCapable(
    "Requires run access, run again with the --allow-run flag",
  );
}

/**
 * Whether a variable steers the dynamic loader.
 *
 * @param name The variable's name.
 * @returns True for `LD_*` and `DYLD_*`, in any case, as Deno decides it.
 */
export function isLoaderVariable(name: string): boolean {
  return /^\s*(LD|DYLD)_/i.test(name);
}

// Deno's permissions for files. Native calls go past Deno's sandbox; this keeps
// `--allow-read` and `--allow-write` meaning the same here as for `Deno.open`.

// What `--allow-all` stands for.
const EVERYTHING: readonly Deno.PermissionDescriptor[] = [
  { name: "read" },
  { name: "write" },
  { name: "net" },
  { name: "env" },
  { name: "sys" },
  { name: "run" },
  { name: "ffi" },
  { name: "import" } as Deno.PermissionDescriptor,
];

/**
 * Asks for permission to open a file, prompting where Deno would prompt.
 *
 * @param name The kind of access.
 * @param path The file.
 * @throws {Deno.errors.NotCapable} when it is refused; also for a device or a file
 * of the kernel's when not everything is allowed, as with `Deno.open`.
 */
export function requestFilePermission(
  name: "read" | "write",
  path: string,
): void {
  if (backend().permissionBroker() !== null) {
    askBrokerToOpen(name, path);
    return;
  }
  const { state } = Deno.permissions.requestSync({ name, path });
  if (state !== "granted") throw fileRefused(name, path);
  if (!backend().isSpecialFile(path, name === "read")) return;
  if (!mayDoEverything()) throw fileRefused("all", path);
}

// "partial": granted, but for what a --deny flag names.
function mayDoEverything(): boolean {
  for (let i = 0; i < EVERYTHING.length; i++) {
    const { state, partial } = Deno.permissions.querySync(
      EVERYTHING[i] as Deno.PermissionDescriptor,
    );
    if (state !== "granted" || partial) return false;
  }
  return true;
}

function fileRefused(name: string, path: string): Error {
  return new Deno.errors.NotCapable(
    `Requires ${name} access to "${path}", run again with the --allow-${name} flag`,
  );
}

// Deno's net permission, kept: a socket that is opened by a native call would go
// past it.

/**
 * Asks for permission to listen, prompting where Deno would prompt.
 *
 * @param hostname Name or IP address, without brackets.
 * @param port The port.
 * @throws {Deno.errors.NotCapable} when the permission is refused.
 */
export function checkNetPermission(hostname: string, port: number): void {
  if (backend().permissionBroker() !== null) {
    askBrokerToListen(hostname, port);
    return;
  }
  const host = hostAndPort(hostname, port);
  const { state } = Deno.permissions.requestSync({ name: "net", host });
  if (state !== "granted") throw netRefused(host);
}

/**
 * Refuses the address that a permitted name stands for, where it is denied.
 *
 * @param hostname IP address, without brackets.
 * @param port The port.
 * @throws {Deno.errors.NotCapable} for what `--deny-net` names.
 */
export function checkNotDenied(hostname: string, port: number): void {
  // A broker has been asked for the name.
  if (backend().permissionBroker() !== null) return;
  const host = hostAndPort(hostname, port);
  const { state } = Deno.permissions.querySync({ name: "net", host });
  if (state === "denied") throw netRefused(host);
}

/**
 * Asks for the three permissions that Deno wants for a Unix socket.
 *
 * @param path The socket; absolute.
 * @throws {Deno.errors.NotCapable} when one of them is refused.
 * @throws {Deno.errors.NotSupported} with a permission broker.
 */
export function checkUnixPermission(path: string): void {
  if (backend().permissionBroker() !== null) {
    throw new Deno.errors.NotSupported(
      `Cannot listen on '${path}': with a permission broker (DENO_PERMISSION_BROKER_PATH) nothing but the listening itself asks for it. Listen on a TCP port`,
    );
  }
  requestFilePermission("read", path);
  requestFilePermission("write", path);
  const host = `unix:${path}`;
  const { state } = Deno.permissions.requestSync({ name: "net", host });
  if (state !== "granted") throw netRefused(host);
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

function netRefused(host: string): Error {
  return new Deno.errors.NotCapable(
    `Requires net access to "${host}", run again with the --allow-net flag`,
  );
}
