/**
 * Deno's permissions for files. Native calls go past Deno's sandbox; this keeps
 * `--allow-read` and `--allow-write` meaning the same here as for `Deno.open`.
 *
 * @module
 */

import { backend } from "./backend/backend.ts";

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
 * @param name What is done with it.
 * @param path The file.
 * @throws {Deno.errors.NotCapable} when it is refused; also for a device or a file
 * of the kernel's when not everything is allowed, as with `Deno.open`.
 */
export function requestFilePermission(
  name: "read" | "write",
  path: string,
): void {
  const { state } = Deno.permissions.requestSync({ name, path });
  if (state !== "granted") throw refused(name, path);
  if (!backend().isSpecialFile(path, name === "read")) return;
  if (!mayDoEverything()) throw refused("all", path);
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

function refused(name: string, path: string): Error {
  return new Deno.errors.NotCapable(
    `Requires ${name} access to "${path}", run again with the --allow-${name} flag`,
  );
}
