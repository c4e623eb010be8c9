/**
 * Hides `/proc`, which macOS has not, from whatever asks Deno for it. The emulation
 * itself sees it, through the C library: whatever is being tested may have given up
 * the permission to read.
 *
 * @module
 */

import { real } from "./real_libc.ts";

const O_DIRECTORY = 0x1_0000;
const space = new Uint8Array(1 << 16);
/** Descriptors of the emulation: these are not shown. */
export const ownDescriptors = new Set<number>();

function path(name: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${name}\0`);
}

/** A small file of `/proc`, or `null`. */
export function readHidden(name: string): string | null {
  const fd = real.open(path(name), 0, 0);
  if (fd < 0) return null;
  const n = Number(real.read(fd, space, BigInt(space.length)));
  real.close(fd);
  return n < 0 ? null : new TextDecoder().decode(space.subarray(0, n));
}

/** The numbers among the names in a folder, those of descriptors of ours left out. */
export function numbersIn(folder: string): number[] {
  const found: number[] = [];
  const fd = real.open(path(folder), O_DIRECTORY, 0);
  const view = new DataView(space.buffer);
  for (;;) {
    const n = Number(real.getdents64(fd, space, BigInt(space.length)));
    // struct linux_dirent64: d_reclen 16/2, d_name 19.
    for (let at = 0; at < n; at += view.getUint16(at + 16, true)) {
      const name = space.subarray(at + 19, space.indexOf(0, at + 19));
      const text = new TextDecoder().decode(name);
      if (/^\d+$/.test(text) && Number(text) !== fd) found.push(Number(text));
    }
    if (n <= 0) break;
  }
  real.close(fd);
  return found;
}

const NAMES = [
  "lstat",
  "open",
  "readFile",
  "readLink",
  "readTextFile",
  "stat",
] as const;

/** Has the functions of Deno that look at files find nothing there. */
export function hideProc(): void {
  for (const name of NAMES) {
    replace(`${name}Sync`, (original, args) => {
      if (isHidden(args[0])) throw notFound(args[0]);
      return original(...args);
    });
    replace(
      name,
      (original, args) =>
        isHidden(args[0])
          ? Promise.reject(notFound(args[0]))
          : original(...args),
    );
  }
  replace("readDirSync", (original, args) => {
    if (isHidden(args[0])) throw notFound(args[0]);
    const list = original(...args) as Iterable<Deno.DirEntry>;
    if (args[0] !== "/dev/fd") return list;
    return [...list].filter(({ name }) => !ownDescriptors.has(Number(name)));
  });
}

type Any = (...args: unknown[]) => unknown;

function replace(
  name: string,
  by: (original: Any, args: unknown[]) => unknown,
) {
  const original = Deno[name as "stat"] as Any;
  const value = (...args: unknown[]): unknown => by(original, args);
  Object.defineProperty(Deno, name, { value });
}

function isHidden(name: unknown): boolean {
  return String(name).startsWith("/proc");
}

function notFound(name: unknown): Error {
  return new Deno.errors.NotFound(`macOS has no ${name}`);
}
